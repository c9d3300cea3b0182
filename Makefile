# SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
# SPDX-License-Identifier: Apache-2.0

# Everything a contributor or CI does. Needs Go, make and git; the rest is
# built from source at the versions that tools/*/go.mod pin.

# One setting for every Go command, so that they all share one build cache.
export CGO_ENABLED := 0

GO      ?= go
# Evaluated only where it is used: by build and image.
VERSION  = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The image's name, without a tag: put your registry in front.
IMAGE   ?= service-connector/webhook
# The packages with Go benchmarks.
BENCHED := ./pkg/mutate/... ./pkg/connections/cluster
# How long each fuzz target runs, and how long the tests may.
FUZZTIME ?= 60s
TIMEOUT  ?= 30m

API     := pkg/connections/v1alpha1
CRDS    := manifests/crds
PAGES   := docs/services
CLIPAGE := docs/cli.md
CHART   := manifests/chart
ALERTS  := manifests/alerts
INSTALL := manifests/install.yaml
POLICIES := manifests/policies.yaml
# What kubectl connection doctor compares with.
SHIPPED := pkg/connections/diagnose/shipped.yaml
# Every module of the repository, and those of them that hold our code.
MODULES := . test test/certmanager/server tools/benchstat tools/controller-gen tools/golangci-lint tools/helm tools/helm3 tools/image tools/promtool
CODE    := . test test/certmanager/server tools/image

CONTROLLER_GEN := bin/controller-gen
GOLANGCI_LINT  := bin/golangci-lint
HELM           := bin/helm
HELM3          := bin/helm3
PROMTOOL       := bin/promtool
BENCHSTAT      := bin/benchstat
# Without it a page of gRPC that nobody opens keeps the linker from leaving out
# what is not used: a third of the binary.
TAGS := grpcnotrace
# The chart as everybody gets it who sets nothing.
RENDER          = $(HELM) template service-connector $(CHART) --namespace sc-system --skip-tests

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test e2e lint generate verify verify-generated verify-tidy verify-format verify-vet verify-alerts \
        build image fuzz bench picture cluster-up cluster-down check tools clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Show the product at work on a local control plane (AZURE=1: the import from Azure; ONCE=1: end after the tour)
	cd test && $(GO) run ./demo

test: ## Run the unit tests, then the tests that need an API server
	$(GO) test -timeout $(TIMEOUT) ./...
	cd tools/image && $(GO) test -timeout $(TIMEOUT) ./...
	cd test && $(GO) test -count=1 -timeout $(TIMEOUT) ./...

e2e: $(HELM) $(HELM3) ## Run real pods on a real node (Linux, root; on Debian it installs what it needs)
	cd test && $(GO) run ./node/cmd/node install
	cd test && SERVICECONNECTOR_NODE=1 $(GO) test -count=1 -p 1 -v -timeout $(TIMEOUT) ./databases ./node ./e2e

lint: $(GOLANGCI_LINT) ## Lint the modules that hold our code: bugs, style, import direction
	@status=0; for module in $(CODE); do \
		echo "golangci-lint: $$module"; \
		(cd $$module && "$(CURDIR)/$(GOLANGCI_LINT)" run ./...) || status=1; \
	done; exit $$status

# Generates into the scratch folder $$fresh, so that a failure leaves the tree as
# it was, and so that verify can compare instead of overwrite.
define GENERATE
set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	mkdir -p "$$fresh/$(API)" "$$fresh/$(CRDS)" "$$fresh/$(CHART)/files" "$$fresh/$(dir $(SHIPPED))"; \
	$(CONTROLLER_GEN) paths=./$(API)/... \
		object:headerFile=tools/header.go.txt "output:object:dir=$$fresh/$(API)" \
		crd:headerFile=tools/header.yaml.txt "output:crd:dir=$$fresh/$(CRDS)"; \
	$(GO) run ./pkg/connections/catalogue/cmd/docs "$$fresh/$(PAGES)"; \
	$(GO) run ./cmd/kubectl-connection docs > "$$fresh/$(CLIPAGE)"; \
	cp -R "$$fresh/$(CRDS)" "$$fresh/$(CHART)/files/crds"; \
	cp $(ALERTS)/service-connector.rules.yaml "$$fresh/$(CHART)/files/alerts.yaml"; \
	{ cat tools/header.yaml.txt; echo "# Rendered from $(CHART) by make generate; change that instead."; \
		sed 1,2d manifests/namespace.yaml; $(RENDER); } > "$$fresh/$(INSTALL)"; \
	{ cat tools/header.yaml.txt; $(RENDER) --show-only templates/webhook.yaml; } > "$$fresh/$(SHIPPED)"; \
	{ cat tools/header.yaml.txt; echo "# Rendered from $(CHART) by make generate. For install.yaml; the chart has values for it."; \
		$(RENDER) --show-only templates/policies.yaml --set policies.requireInjection.enabled=true,policies.guardMarks.enabled=true; } > "$$fresh/$(POLICIES)"
endef

# Every file or folder that GENERATE writes.
GENERATED := $(API)/zz_generated.deepcopy.go $(CRDS) $(PAGES) $(CLIPAGE) $(CHART)/files/crds $(CHART)/files/alerts.yaml $(INSTALL) $(POLICIES) $(SHIPPED)

generate: $(CONTROLLER_GEN) $(HELM) ## Regenerate deep copies, CRDs, pages and manifests from the API types, the catalogue, the commands and the chart
	@$(GENERATE); \
	rm -f $(CRDS)/*.yaml $(PAGES)/*.md $(CHART)/files/crds/*.yaml; \
	cp -R "$$fresh/." .; \
	echo "generated $(GENERATED)"

verify: verify-generated verify-tidy verify-format verify-vet verify-alerts ## Check that generated files, go.mod files, formatting and alerts are in order

# Compares with a fresh set in a scratch folder and not with git, so that a
# work tree with changes is judged by what it holds.
verify-generated: $(CONTROLLER_GEN) $(HELM)
	@$(GENERATE); \
	for path in $(GENERATED); do \
		git --no-pager diff --no-index -- "$$path" "$$fresh/$$path" || \
		{ echo "$$path is stale; run 'make generate' and commit the result" >&2; exit 1; }; \
	done; echo "generated files are fresh"

verify-tidy:
	@status=0; for module in $(MODULES); do \
		(cd $$module && $(GO) mod tidy -diff) || \
		{ echo "$$module/go.mod is not tidy; run 'go mod tidy' in $$module" >&2; status=1; }; \
	done; [ $$status = 0 ] && echo "go.mod files are tidy"

verify-format:
	@list=$$(gofmt -s -l .) || exit 1; \
	if [ -n "$$list" ]; then \
		printf 'not formatted; run gofmt -s -w on:\n%s\n' "$$list" >&2; exit 1; \
	fi; echo "Go files are formatted"

verify-vet:
	@set -e; for module in $(CODE); do (cd $$module && $(GO) vet ./...); done; echo "go vet has no complaint"

verify-alerts: $(PROMTOOL)
	@cd $(ALERTS) && "$(CURDIR)/$(PROMTOOL)" check rules --lint-fatal *.rules.yaml && "$(CURDIR)/$(PROMTOOL)" test rules *.test.yaml

build: ## Build the commands into bin/
	$(GO) build -tags $(TAGS) -ldflags '-X main.version=$(VERSION)' -o bin/ ./cmd/...

image: ## Build the container image into dist/, with its SBOM (IMAGE=, VERSION=)
	cd tools/image && $(GO) run . -source ../.. -out ../../dist -image $(IMAGE) -version $(VERSION)

# A pipe would hide a package that does not compile, so the list comes first.
fuzz: ## Run every fuzz target in pkg/ for FUZZTIME each (default 60s)
	@set -e; for package in $$($(GO) list ./pkg/...); do \
		list=$$($(GO) test -list '^Fuzz' $$package); \
		for target in $$(echo "$$list" | sed -n '/^Fuzz/p'); do \
			echo "fuzz: $$package $$target for $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

bench: $(BENCHSTAT) ## Measure speed and memory beside what else could do it (Linux, three quarters of an hour, an idle machine) into docs/performance.md
	@mkdir -p dist
	$(GO) test -run '^$$' -bench . -count 6 $(BENCHED) > dist/bench.txt
	$(BENCHSTAT) dist/bench.txt > dist/benchstat.txt
	cd test && $(GO) run ./bench -go ../dist/benchstat.txt -out ../docs

picture: ## Draw docs/kubectl-connection.svg from a real session of the plugin
	cd test && $(GO) run ./picture ../docs/kubectl-connection.svg

cluster-up: ## Start a local control plane that stays
	cd test && $(GO) run ./cluster/cmd/cluster up

cluster-down: ## Stop it
	cd test && $(GO) run ./cluster/cmd/cluster down

check: verify lint test ## Everything CI checks: verify, lint, test

tools: $(BENCHSTAT) $(CONTROLLER_GEN) $(GOLANGCI_LINT) $(HELM) $(HELM3) $(PROMTOOL) ## Build the pinned tools into bin/

clean: ## Remove what was built
	rm -rf bin dist

# Built once for each pinned version. Each tool has a module of its own: one
# for both has no consistent set of dependencies.
$(BENCHSTAT) $(CONTROLLER_GEN) $(GOLANGCI_LINT) $(HELM) $(HELM3) $(PROMTOOL): bin/%: tools/%/go.mod tools/%/go.sum
	@echo "building $@ (once; minutes on a new machine)"
	@cd tools/$* && $(GO) build -o ../../$@ tool
	@touch $@

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/mutate/offline"
)

const injectLong = `Give the workloads in manifests their connections, as the webhook does in the cluster.

The operations are the webhook's own: what it would copy to a pod template, and what it would
add to the pods, is written into the manifest. The result can be committed and applied, with
the webhook or without it; with it, nothing is added twice. Comments and the order of keys stay;
documents that get nothing, and kinds that are not known, keep their bytes.

Connections come from the manifests themselves and from --definitions. Without any, and with
--cluster-definitions, they come from the cluster. A ClusterConnection with a selector needs
the labels of the namespace: from its manifest, or from the cluster.

Nothing is written where the webhook would deny an object: each denial is an error that names
the file and the object.`

const injectExample = `  # Print a manifest with its connections, which are defined in a folder
  kubectl connection inject -f deployment.yaml --definitions connections/

  # See what would change
  kubectl connection inject -f deployment.yaml --definitions connections/ -o diff

  # The operations themselves, one JSON object for each workload
  kubectl connection inject -f - --definitions connections/ -o patch < deployment.yaml

  # All that is needed to run without the webhook, Secrets left out
  kubectl connection inject -f manifests/ -R --definitions connections/ --with-objects

  # Only what the webhook writes into workloads: the annotations for the pods
  kubectl connection inject -f deployment.yaml --definitions connections/ --pods=false`

// injectOptions are the flags of inject.
type injectOptions struct {
	files, definitions         []string
	recursive, cluster         bool
	pods, withObjects, secrets bool
	output, home               string
}

func newInjectCommand(env *environment) *cobra.Command {
	var o injectOptions
	command := &cobra.Command{
		Use:     "inject -f FILE",
		Short:   "Give manifests their connections, without a cluster",
		Long:    injectLong,
		Example: injectExample,
		Args:    cobra.NoArgs,
	}
	addOutputFlag(command, &o.output, "yaml", "patch", "diff")
	command.RunE = func(command *cobra.Command, _ []string) error { return env.inject(command.Context(), o) }
	flags := command.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "Manifest to inject: a file, a folder, or - for standard input; may be given several times")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "Look into the folders of a folder, too")
	flags.StringArrayVar(&o.definitions, "definitions", nil, "File or folder with connections and what they refer to; may be given several times")
	flags.BoolVar(&o.cluster, "cluster-definitions", false, "Take connections from the cluster, too; those in files win")
	flags.BoolVar(&o.pods, "pods", true, "Inject pod templates as the pods made of them would be")
	flags.BoolVar(&o.withObjects, "with-objects", false, "Write the service accounts and SecretProviderClasses that are needed, too")
	flags.BoolVar(&o.secrets, "render-secrets", false, "With --with-objects: write the Secrets, too, in clear, from credentials in files")
	flags.StringVar(&o.home, "product-namespace", "sc-system", "Namespace of Service Connector, where credentials of ClusterConnections are")
	_ = command.MarkFlagFilename("filename", "yaml", "yml", "json") // the flag was just made
	return command
}

func (o injectOptions) check() error {
	switch {
	case len(o.files) == 0:
		return errors.New("name the manifests with -f FILE; - reads standard input")
	case o.withObjects && o.output != "" && o.output != "yaml":
		return errors.New("--with-objects goes with -o yaml; leave one of them out")
	case o.secrets && !o.withObjects:
		return errors.New("--render-secrets goes with --with-objects; add that")
	}
	return nil
}

func (e *environment) inject(ctx context.Context, o injectOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	files, err := e.readManifests(o.files, o.recursive)
	if err != nil {
		return err
	}
	definitions, err := e.readManifests(o.definitions, true)
	if err != nil {
		return err
	}
	world, err := e.injectWorld(ctx, o, files, definitions)
	if err != nil {
		return err
	}
	injector := offline.NewInjector(world)
	injector.Templates = o.pods
	var results []offline.Result
	failed := false
	for _, file := range files {
		result, err := injector.Inject(ctx, file)
		if err != nil {
			failed = true
			for line := range strings.SplitSeq(err.Error(), "\n") {
				fmt.Fprintln(e.ErrOut, "error:", line)
			}
		}
		e.warnOf(file, result)
		results = append(results, result)
	}
	if failed {
		return &exitError{code: exitError1}
	}
	return e.printInjected(o, files, results, injector.Needs())
}

// injectWorld learns from the files and, if none of them defines a connection or
// it is asked for, from the cluster.
func (e *environment) injectWorld(ctx context.Context, o injectOptions, files, definitions []offline.File) (*offline.World, error) {
	namespace, err := e.namespace()
	if err != nil {
		return nil, clearly(err)
	}
	world := offline.NewWorld(o.home, namespace)
	learn := func() error {
		for _, file := range slices.Concat(files, definitions) {
			if err := world.Learn(file); err != nil {
				return err
			}
		}
		return nil
	}
	if err := learn(); err != nil {
		return nil, err
	}
	if !o.cluster && (len(definitions) > 0 || world.Connections() > 0 || errors.Is(e.checkKubeconfig(), errNoKubeconfig)) {
		return world, nil
	}
	namespaces, err := world.Namespaces(files)
	if err != nil {
		return nil, err
	}
	_, objects, err := e.connect()
	if err != nil {
		return nil, err
	}
	if err := world.LearnCluster(ctx, objects, namespaces); err != nil {
		return nil, clearly(err)
	}
	return world, learn() // what files say wins
}

func (e *environment) warnOf(file offline.File, result offline.Result) {
	for _, object := range result.Objects {
		for _, warning := range object.Warnings {
			fmt.Fprintf(e.ErrOut, "Warning: %s: %s/%s: %s\n", file.Name, object.Kind, object.Name, warning)
		}
	}
}

func (e *environment) printInjected(o injectOptions, files []offline.File, results []offline.Result, needs []offline.Need) error {
	switch o.output {
	case "patch":
		return e.printPatches(files, results)
	case "diff":
		for i, file := range files {
			if _, err := e.Out.Write(diff.Diff(file.Name, []byte(file.Text()), file.Name, []byte(results[i].Text))); err != nil {
				return err
			}
		}
		return nil
	}
	out := &documentWriter{out: e.Out}
	for _, result := range results {
		out.write(result.Text)
	}
	if !o.withObjects {
		return out.err
	}
	for _, need := range needs {
		text, warning, err := need.Document(offline.SecretMode(o.secrets))
		if err != nil {
			return err
		}
		if warning != "" {
			fmt.Fprintln(e.ErrOut, "Warning:", warning)
		}
		out.write(text)
	}
	return out.err
}

// printPatches prints one line for each object that is patched.
func (e *environment) printPatches(files []offline.File, results []offline.Result) error {
	encoder := json.NewEncoder(e.Out)
	encoder.SetEscapeHTML(false)
	for i, result := range results {
		for _, object := range result.Objects {
			if len(object.Patch) == 0 {
				continue
			}
			line := struct {
				File string `json:"file"`
				offline.Outcome
			}{files[i].Name, object}
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// documentWriter writes manifests one after the other, apart from each other.
type documentWriter struct {
	out  io.Writer
	last string
	err  error
}

func (w *documentWriter) write(text string) {
	if text == "" || w.err != nil {
		return
	}
	if w.last != "" && !strings.HasPrefix(text, "---") {
		text = "---\n" + text
	}
	if w.last != "" && !strings.HasSuffix(w.last, "\n") {
		text = "\n" + text
	}
	_, w.err = io.WriteString(w.out, text)
	w.last = text
}

// readManifests reads files, folders and standard input.
func (e *environment) readManifests(names []string, recursive bool) ([]offline.File, error) {
	var files []offline.File
	for _, name := range names {
		paths, err := manifestPaths(name, recursive)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			file, err := e.readManifest(path)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	return files, nil
}

func (e *environment) readManifest(path string) (offline.File, error) {
	var raw []byte
	var err error
	if path == "-" {
		path = "standard input"
		raw, err = io.ReadAll(e.In)
	} else {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return offline.File{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return offline.Parse(path, raw)
}

// manifestPaths returns the file of that name, or the manifests in the folder.
func manifestPaths(name string, recursive bool) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist; name a file, a folder, or - for standard input", name)
	}
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	var paths []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != name && !recursive:
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("folder %s holds no .yaml, .yml or .json; name another, or add -R for the folders in it", name)
	}
	return paths, err
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const maxVariableLength = 253

// resolveSettings returns the settings of a connection: the catalogue's,
// renamed, and the connection's own, which win.
func resolveSettings(d Definition) ([]setting, error) {
	spec := d.Spec
	offered, err := catalogueSettings(d)
	if err != nil {
		return nil, err
	}
	settings, err := rename(offered, spec.Rename)
	if err != nil {
		return nil, err
	}
	settings = override(settings, spec.Settings)
	if len(settings) == 0 {
		return nil, problem(v1alpha1.ReasonIllegalSetting, "%s has no settings of its own for auth type %s and client type %q; list them in spec.settings",
			spec.Target.Service, spec.Auth.Type, spec.Client)
	}
	return settings, checkNames(settings)
}

func catalogueSettings(d Definition) ([]setting, error) {
	spec := d.Spec
	service, ok := catalogue.Lookup(spec.Target.Service)
	if !ok {
		return nil, problem(v1alpha1.ReasonUnknownService,
			"spec.target.service %q is not in the catalogue; the nearest are %s, and custom takes any settings",
			spec.Target.Service, strings.Join(catalogue.Nearest(spec.Target.Service, 3), ", "))
	}
	if service.Key == catalogue.Custom {
		return nil, nil
	}
	rows, err := service.Settings(string(spec.Auth.Type), spec.Client)
	if err != nil {
		return nil, catalogueProblem(err)
	}
	settings := make([]setting, 0, len(rows))
	for _, row := range rows {
		template, err := catalogue.InCloud(row.Value, spec.Target.Cloud)
		if err != nil {
			return nil, problem(v1alpha1.ReasonUnsupportedCloud, "spec.target.cloud: %v", err)
		}
		settings = append(settings, setting{Name: variableName(d, service.EnvPrefix, row.Name), Template: template})
	}
	return settings, nil
}

// variableName puts the connection's name into the middle of a variable's name
// where the connection asks for that. Source: Azure Service Connector's rule for
// a second connection to the same kind of service,
// {CLOUD}_{TYPE}_{CONNECTION}_{NAME}.
func variableName(d Definition, prefix, name string) string {
	rest, ok := strings.CutPrefix(name, prefix+"_")
	if d.Spec.Naming != v1alpha1.NamingByConnection || prefix == "" || !ok {
		return name
	}
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(d.Name, "-", "")) + "_" + rest
}

func illegalName(name string) *Problem {
	return problem(v1alpha1.ReasonIllegalSetting,
		"setting %q cannot be the name of a variable; use letters, digits, underscores, dots and dashes, not starting with a digit", name)
}

func catalogueProblem(err error) *Problem {
	var client *catalogue.UnknownClientError
	if errors.As(err, &client) {
		return problem(v1alpha1.ReasonUnknownClient, "spec.client: %v", err)
	}
	return problem(v1alpha1.ReasonUnsupportedAuth, "spec.auth.type: %v", err)
}

func rename(settings []setting, names map[string]string) ([]setting, error) {
	for _, from := range slices.Sorted(maps.Keys(names)) {
		i := slices.IndexFunc(settings, func(s setting) bool { return s.Name == from })
		if i < 0 {
			return nil, problem(v1alpha1.ReasonIllegalSetting, "spec.rename: there is no setting %q; there are %s",
				from, strings.Join(settingNames(settings), ", "))
		}
	}
	renamed := slices.Clone(settings)
	for i, s := range renamed {
		if to, ok := names[s.Name]; ok {
			renamed[i].Name = to
		}
	}
	return renamed, nil
}

func override(settings []setting, own []v1alpha1.Setting) []setting {
	for _, o := range own {
		s := setting{Name: o.Name}
		if o.Value != nil {
			s.Template = *o.Value
		}
		if o.ValueFrom != nil {
			ref := o.ValueFrom.SecretKeyRef
			s.From = &ref
		}
		if i := slices.IndexFunc(settings, func(s setting) bool { return s.Name == o.Name }); i >= 0 {
			settings[i] = s
			continue
		}
		settings = append(settings, s)
	}
	return settings
}

func checkNames(settings []setting) error {
	seen := map[string]bool{}
	for _, s := range settings {
		switch {
		case !legalVariable(s.Name):
			return illegalName(s.Name)
		case catalogue.Check(s.Template) != nil:
			return problem(v1alpha1.ReasonIllegalSetting, "setting %q: %v", s.Name, catalogue.Check(s.Template))
		case seen[s.Name]:
			return problem(v1alpha1.ReasonIllegalSetting, "setting %q is set twice; change spec.rename or spec.settings", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// legalVariable reports whether every supported Kubernetes takes name as a key
// of a Secret and as the name of a variable. Source: k8s.io/apimachinery
// util/validation IsEnvVarName.
func legalVariable(name string) bool {
	if name == "" || len(name) > maxVariableLength || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	if name == "." || strings.HasPrefix(name, "..") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	})
}

func settingNames(settings []setting) []string {
	names := make([]string, 0, len(settings))
	for _, s := range settings {
		names = append(names, s.Name)
	}
	return names
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	t.Parallel()
	values := map[string]string{"server": "orders", "user": "app", "password": "p{server}%s", "empty": "", "a1_b": "x", "odd": "a b/'"}
	tests := map[string]struct {
		template     string
		placeholders []string
		want         string
		missing      []string
	}{
		"nothing":                 {"", nil, "", nil},
		"text":                    {"443", nil, "443", nil},
		"one":                     {"{server}", []string{"server"}, "orders", nil},
		"between text":            {"https://{server}.example/", []string{"server"}, "https://orders.example/", nil},
		"twice":                   {"{user}@{server}:{user}", []string{"user", "server"}, "app@orders:app", nil},
		"values stay as they are": {"{user}:{password}", []string{"user", "password"}, "app:p{server}%s", nil},
		"an empty value":          {"[{empty}]", []string{"empty"}, "[]", nil},
		"digits and underscores":  {"{a1_b}", []string{"a1_b"}, "x", nil},
		"JSON":                    {`{"a": {"b": "{user}"}}`, []string{"user"}, `{"a": {"b": "app"}}`, nil},
		"words of other shapes":   {"{User} {1a} {_a} {a-b} {a b} { user } {} {é}", nil, "{User} {1a} {_a} {a-b} {a b} { user } {} {é}", nil},
		"not closed":              {"{user", nil, "{user", nil},
		"not opened":              {"user}", nil, "user}", nil},
		"opened again":            {"{use{user}}{", []string{"user"}, "{useapp}{", nil},
		"filtered":                {"{odd|url}@{server|url}", []string{"odd", "server"}, "a%20b%2F%27@orders", nil},
		"with and without":        {"{odd} {odd|libpq}", []string{"odd"}, `a b/' 'a b/\''`, nil},
		"bars of other shapes":    {"{|url} {user|} {user|url|url} {user |url} {user|URL} {user|url", nil, "{|url} {user|} {user|url|url} {user |url} {user|URL} {user|url", nil},
		"all that are missing":    {"{b}{user}{a}{b}", []string{"b", "user", "a"}, "", []string{"b", "a"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.placeholders, Placeholders(test.template)); diff != "" {
				t.Errorf("placeholders: %s", diff)
			}
			got, err := Render(test.template, func(name string) (string, bool) { v, ok := values[name]; return v, ok })
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			var missing *MissingError
			if errors.As(err, &missing) != (test.missing != nil) {
				t.Fatalf("error %v, missing %v", err, test.missing)
			}
			if missing != nil && !cmp.Equal(missing.Placeholders, test.missing) {
				t.Errorf("missing %v, want %v", missing.Placeholders, test.missing)
			}
		})
	}
}

func TestRenderRefusesUnknownFilter(t *testing.T) {
	t.Parallel()
	for _, template := range []string{"{password|urll}", "{user}:{password|urll}", "{missing}{password|urll}"} {
		text, err := Render(template, func(name string) (string, bool) { return "hunter2", name != "missing" })
		var unknown *UnknownFilterError
		if text != "" || !errors.As(err, &unknown) || !errors.As(Check(template), &unknown) {
			t.Fatalf("text %q, error %v", text, err)
		}
		if want := `{password|urll}: "urll" is not a filter; use ado, braces, jaas, libpq, url`; err.Error() != want {
			t.Errorf("got %s, want %s", err, want)
		}
	}
}

// A value beside a missing one is likely a credential: it must not be told,
// even by a function that returns one and says that it has none.
func TestMissingErrorTellsNoValue(t *testing.T) {
	t.Parallel()
	text, err := Render("{user}:{password}@{server}", func(name string) (string, bool) { return "hunter2", name == "password" })
	if text != "" || err == nil || err.Error() != "no value for user, server" {
		t.Errorf("text %q, error %v", text, err)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range Services() {
		f.Add(s.ResourceID)
		for _, row := range s.Rows {
			f.Add(row.Settings[0].Value)
		}
	}
	for _, template := range []string{"{a|url}", "{a|libpq}{a|b}", "{a|", "{a|b", "{{a}}", "{x{a}}", `{"a":1}`, "{a", "}{", "\xff{a}\x00", "{a}{b}{a}"} {
		f.Add(template)
	}
	f.Fuzz(func(t *testing.T, template string) {
		names := Placeholders(template)
		none := func(string) (string, bool) { return "", false }
		// A dash is part of no word, so no new placeholder can come into being.
		dash := func(string) (string, bool) { return "-", true }
		itself := func(name string) (string, bool) { return "{" + name + "}", true }

		if Check(template) != nil {
			if _, err := Render(template, dash); err == nil {
				t.Errorf("%q was rendered without complaint", template)
			}
			return
		}
		text, err := Render(template, none)
		var missing *MissingError
		switch {
		case len(names) == 0 && (err != nil || text != template):
			t.Errorf("without placeholders %q became %q, error %v", template, text, err)
		case len(names) > 0 && !errors.As(err, &missing):
			t.Errorf("%q without values: %v", template, err)
		case len(names) > 0 && !cmp.Equal(missing.Placeholders, names):
			t.Errorf("%q: missing %q, placeholders %q", template, missing.Placeholders, names)
		}
		if text, err = Render(template, dash); err != nil || len(Placeholders(text)) > 0 {
			t.Errorf("%q with all values became %q, error %v", template, text, err)
		}
		if strings.Contains(template, "|") {
			return // A filter may change the braces of {name}.
		}
		if text, err = Render(template, itself); err != nil || text != template {
			t.Errorf("%q with placeholders as their values became %q, error %v", template, text, err)
		}
	})
}

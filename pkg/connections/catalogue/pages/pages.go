// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
)

// Index is the name of the index.
const Index = "README.md"

//go:embed *.tmpl
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"code":        code,
	"cell":        cell,
	"join":        strings.Join,
	"lower":       strings.ToLower,
	"authTypes":   samples.AuthTypes,
	"sample":      sample,
	"description": catalogue.Description,
	"example":     catalogue.Example,
}).ParseFS(files, "*.tmpl"))

// All returns every document by its file name.
func All() (map[string][]byte, error) {
	documents := map[string][]byte{}
	content, err := execute("index.md.tmpl", index())
	if err != nil {
		return nil, err
	}
	documents[Index] = content
	for _, s := range catalogue.Services() {
		if content, err = execute("service.md.tmpl", describe(s)); err != nil {
			return nil, fmt.Errorf("describing %s: %w", s.Key, err)
		}
		documents[s.Key+".md"] = content
	}
	return documents, nil
}

func execute(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// indexPage is what the index is filled from.
type indexPage struct {
	Groups  []group
	Clients []string
	Clouds  []string
}

type group struct {
	Title    string
	Services []*catalogue.Service
}

func index() indexPage {
	page := indexPage{Clients: catalogue.ClientTypes(), Clouds: catalogue.Clouds()}
	for _, g := range []struct {
		key   catalogue.Group
		title string
	}{
		{catalogue.GroupSelfHosted, "Self-hosted: software that you run"},
		{catalogue.GroupAzure, "Azure and Microsoft Fabric"},
		{catalogue.GroupPartner, "Partners' services"},
		{catalogue.GroupCustom, "Anything else"},
	} {
		services := slices.DeleteFunc(catalogue.Services(), func(s *catalogue.Service) bool { return s.Group != g.key })
		page.Groups = append(page.Groups, group{g.title, services})
	}
	return page
}

// servicePage is what a service's page is filled from.
type servicePage struct {
	*catalogue.Service
	// Successor is the service that a retired one has given way to.
	Successor *catalogue.Service
	// Needed are the parameters of settings, Credentials the keys of Secrets,
	// and Held the parameters that a resource id fills.
	Needed, Credentials, Held []string
	Sections                  []section
}

// section is about one auth type.
type section struct {
	Auth string
	Rows []catalogue.Row
	// Plain are the client types whose row one has who names none.
	Plain string
	// Others says that client types without a row of their own have the default
	// row.
	Others bool
}

func describe(s *catalogue.Service) servicePage {
	page := servicePage{Service: s}
	if s.AliasOf != "" {
		page.Successor, _ = catalogue.Lookup(s.AliasOf)
	}
	used := placeholders(s)
	for _, name := range used {
		switch {
		case catalogue.Credential(name):
			page.Credentials = append(page.Credentials, name)
		case !catalogue.Identity(name):
			page.Needed = append(page.Needed, name)
		}
	}
	for _, name := range catalogue.Placeholders(s.ResourceID) {
		if slices.Contains(used, name) {
			page.Held = append(page.Held, name)
		}
	}
	for _, auth := range samples.AuthTypes(s) {
		page.Sections = append(page.Sections, sectionOf(s, auth))
	}
	return page
}

func sectionOf(s *catalogue.Service, auth string) section {
	about := section{Auth: auth}
	served := 0
	for _, row := range s.Rows {
		if row.Auth == auth {
			about.Rows = append(about.Rows, row)
			served += len(row.Clients)
		}
	}
	about.Others = served > 0 && served < len(catalogue.ClientTypes())
	if plain, ok := defaultRow(about.Rows); ok {
		about.Plain = strings.Join(plain.Clients, ", ")
	}
	return about
}

// defaultRow returns the row that serves an application without a client type.
func defaultRow(rows []catalogue.Row) (row catalogue.Row, ok bool) {
	for _, r := range rows {
		if slices.Contains(r.Clients, "none") {
			return r, true
		}
		if r.Default {
			row, ok = r, true
		}
	}
	return row, ok
}

// placeholders returns those of all settings, sorted.
func placeholders(s *catalogue.Service) []string {
	var names []string
	for _, row := range s.Rows {
		for _, setting := range row.Settings {
			names = append(names, catalogue.Placeholders(setting.Value)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func sample(s *catalogue.Service, auth string) (string, error) {
	content, err := samples.For(s, auth)
	return string(content), err
}

// code writes text as code in a cell of a table.
func code(text string) string {
	return "`" + cell(text) + "`"
}

// cell escapes what would end a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(text, "|", `\|`)
}

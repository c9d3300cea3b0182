// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ filter, value, want string }{
		"url: plain":               {"url", "Az09-._~", "Az09-._~"},
		"url: reserved":            {"url", ":/?#[]@!$&'()*+,;=", "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D"},
		"url: percent and space":   {"url", "100% p", "100%25%20p"},
		"url: beyond ASCII":        {"url", "pä\xff", "p%C3%A4%FF"},
		"libpq: plain":             {"libpq", "p@ss=w;ö", "p@ss=w;ö"},
		"libpq: empty":             {"libpq", "", "''"},
		"libpq: blank":             {"libpq", "a b", "'a b'"},
		"libpq: quote":             {"libpq", `it's`, `'it\'s'`},
		"libpq: backslash":         {"libpq", `a\b`, `'a\\b'`},
		"ado: plain":               {"ado", `p@ss{w}\`, `p@ss{w}\`},
		"ado: semicolon":           {"ado", "a;b=c", `"a;b=c"`},
		"ado: both quotes":         {"ado", `'"`, `"'"""`},
		"ado: blank at the end":    {"ado", "a ", `"a "`},
		"braces: plain":            {"braces", `p@ss"w'\`, `p@ss"w'\`},
		"braces: semicolon":        {"braces", "a;b", "{a;b}"},
		"braces: braces":           {"braces", "{a}b", "{{a}}b}"},
		"jaas: plain":              {"jaas", "p@ss w;=", "p@ss w;="},
		"jaas: quotes, backslash":  {"jaas", `a'b"c\`, `a\'b\"c\\`},
		"what a filter lets alone": {"url", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := filters[test.filter](test.value); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if diff := cmp.Diff([]string{"ado", "braces", "jaas", "libpq", "url"}, Filters()); diff != "" {
		t.Error(diff)
	}
}

// nasty are values that break a string in which they stand unescaped.
var nasty = []string{
	"plain", "p@ss:w/ord", "100%", "%41", "a+b", "a b", " a ", "a;b=c", "a'b", `a"b`, `'`, `"`, `""`, `a\`, `\'`, "a{b}c", "}", "}}", "{",
	"a=b", "=", ";", "a,b", "a#b?c&d", "a|b", "päß€", "{user}", "{user|url}", "$(reboot)", "a\tb", "cmVwbGFjZQ+/==",
}

func TestFiltersSurviveParsing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		template string
		parse    func(text string) (map[string]string, error)
	}{
		"URL":                     {"postgresql://{user|url}:{password|url}@host:5432/{database|url}?sslmode=prefer", parseURL},
		"URL, user in the query":  {"jdbc:postgresql://host:5432/{database|url}?sslmode=prefer&user={user|url}&password={password|url}", parseQuery},
		"libpq":                   {"host=host dbname={database|libpq} user={user|libpq} password={password|libpq}", parseLibpq},
		"ADO.NET":                 {"Server=host;database={database|ado};user={user|ado};password={password|ado};SSL Mode=Required", parseADO},
		"JDBC for SQL Server":     {"databaseName=orders;database={database|braces};user={user|braces};password={password|braces};", parseBraces},
		"JAAS, in single quotes":  {`Module required user='{user|jaas}' password='{password|jaas}' database='{database|jaas}';`, parseJAAS},
		"JAAS, in double quotes":  {`Module required user="{user|jaas}" password="{password|jaas}" database="{database|jaas}";`, parseJAAS},
		"go-sql-driver, unquoted": {"{user|url}:{password}@tcp(host:3306)/{database|url}?tls=true", parseMySQL},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range nasty {
				want := map[string]string{"user": value, "password": value + value, "database": "x" + value}
				text, err := Render(test.template, func(name string) (string, bool) { v, ok := want[name]; return v, ok })
				if err != nil {
					t.Fatal(err)
				}
				got, err := test.parse(text)
				if err != nil {
					t.Errorf("%q gives %s, which does not parse: %v", value, text, err)
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q gives %s: %s", value, text, diff)
				}
			}
		})
	}
}

func parseURL(text string) (map[string]string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	return map[string]string{"user": u.User.Username(), "password": password, "database": strings.TrimPrefix(u.Path, "/")}, nil
}

func parseQuery(text string) (map[string]string, error) {
	u, err := url.Parse(strings.TrimPrefix(text, "jdbc:"))
	if err != nil {
		return nil, err
	}
	q, err := url.ParseQuery(u.RawQuery)
	return map[string]string{"user": q.Get("user"), "password": q.Get("password"), "database": strings.TrimPrefix(u.Path, "/")}, err
}

// parseLibpq reads a keyword/value string as libpq's conninfo_parse does.
func parseLibpq(text string) (map[string]string, error) {
	return fields(text, "host", func(rest string) (value, after string, err error) {
		if quoted, ok := strings.CutPrefix(rest, "'"); ok {
			return untilQuote(quoted, '\'')
		}
		value, after, _ = strings.Cut(rest, " ")
		if strings.ContainsAny(value, `'\`) {
			err = errors.New("not quoted")
		}
		return value, " " + after, err
	}, " ", map[string]string{"dbname": "database"})
}

// parseADO reads a connection string as DbConnectionStringBuilder does, where
// values have double quotes or none.
func parseADO(text string) (map[string]string, error) {
	return fields(text, "Server", func(rest string) (value, after string, err error) {
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			return doubled(quoted, '"')
		}
		value, after, _ = strings.Cut(rest, ";")
		if strings.ContainsAny(value, `"'=`) || strings.TrimSpace(value) != value {
			err = errors.New("not quoted")
		}
		return value, ";" + after, err
	}, ";", nil)
}

// parseBraces reads connection properties as the JDBC driver for SQL Server does.
func parseBraces(text string) (map[string]string, error) {
	return fields(text, "databaseName", func(rest string) (value, after string, err error) {
		if braced, ok := strings.CutPrefix(rest, "{"); ok {
			return doubled(braced, '}')
		}
		value, after, _ = strings.Cut(rest, ";")
		if strings.TrimSpace(value) != value {
			err = errors.New("not in braces")
		}
		return value, ";" + after, err
	}, ";", nil)
}

func parseJAAS(text string) (map[string]string, error) {
	return fields(strings.TrimPrefix(text, "Module required "), "", func(rest string) (value, after string, err error) {
		return untilQuote(rest[1:], rest[0])
	}, " ;", nil)
}

// parseMySQL follows go-sql-driver's ParseDSN: the last slash, the last at sign
// before it, the first colon before that.
func parseMySQL(text string) (map[string]string, error) {
	slash := strings.LastIndexByte(text, '/')
	at := strings.LastIndexByte(text[:max(slash, 0)], '@')
	user, password, ok := strings.Cut(text[:max(at, 0)], ":")
	if !ok {
		return nil, errors.New("no user, password or database")
	}
	name, _, _ := strings.Cut(text[slash+1:], "?")
	database, err := url.PathUnescape(name)
	if err == nil {
		user, err = url.PathUnescape(user) // The test's own: a DSN takes no escaped user.
	}
	return map[string]string{"user": user, "password": password, "database": database}, err
}

// fields reads key=value pairs; value reads one value and returns what follows
// it, which must begin with one of the separators. It leaves out the key skip
// and SSL Mode.
func fields(
	text, skip string, value func(rest string) (string, string, error), separators string, rename map[string]string,
) (map[string]string, error) {
	found := map[string]string{}
	for text = strings.TrimLeft(text, separators); text != ""; text = strings.TrimLeft(text, separators) {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return nil, errors.New("no equals sign in " + text)
		}
		v, after, err := value(rest)
		if err != nil {
			return nil, err
		}
		if after != "" && !strings.ContainsRune(separators, rune(after[0])) {
			return nil, errors.New("no separator before " + after)
		}
		if name, ok := rename[key]; ok {
			key = name
		}
		if key != skip && key != "SSL Mode" {
			found[key] = v
		}
		text = after
	}
	return found, nil
}

// untilQuote reads up to a quote; a backslash takes the next character as it is.
func untilQuote(text string, quote byte) (value, after string, err error) {
	var read []byte
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return string(read), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		read = append(read, text[i])
	}
	return "", "", errors.New("not closed")
}

// doubled reads up to a closing character that is not there twice.
func doubled(text string, closing byte) (value, after string, err error) {
	var read []byte
	for i := 0; i < len(text); i++ {
		if text[i] == closing {
			if i+1 == len(text) || text[i+1] != closing {
				return string(read), text[i+1:], nil
			}
			i++
		}
		read = append(read, text[i])
	}
	return "", "", errors.New("not closed")
}

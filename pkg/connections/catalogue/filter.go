// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// filters make a value safe for the string that it becomes a part of, so that a
// password may hold any character. A value that needs nothing stays as it is.
// The key "" is that of a placeholder without a filter.
var filters = map[string]func(string) string{
	"":       func(value string) string { return value },
	"url":    escapeURL,
	"libpq":  quoteLibpq,
	"ado":    quoteADO,
	"braces": quoteBraces,
	"jaas":   escapeJAAS,
}

// UnknownFilterError says that a template has a filter that there is not.
type UnknownFilterError struct {
	// Placeholder is the placeholder with the filter.
	Placeholder string
	// Filter is the filter.
	Filter string
	// Known are the filters there are.
	Known []string
}

// Error implements error.
func (e *UnknownFilterError) Error() string {
	return fmt.Sprintf("{%s|%s}: %q is not a filter; use %s", e.Placeholder, e.Filter, e.Filter, strings.Join(e.Known, ", "))
}

// Filters returns the names of all filters, sorted:
//
//	ado     semicolon-separated strings of ADO.NET and its kin
//	braces  semicolon-separated strings of JDBC for SQL Server and of ODBC
//	jaas    between quotes in a line of a Java login configuration
//	libpq   keyword=value strings of PostgreSQL's clients
//	url     any part of a URL
func Filters() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(filters)), func(name string) bool { return name == "" })
}

// escapeURL percent-encodes all but RFC 3986's unreserved characters, so that
// the value can be a user, a password, a segment of the path or a value of the
// query. A space becomes %20, never a plus sign, which only a query would mean.
func escapeURL(value string) string {
	const hex = "0123456789ABCDEF"
	var text strings.Builder
	for i := range len(value) {
		if c := value[i]; unreserved(c) {
			text.WriteByte(c)
		} else {
			text.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return text.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// quoteLibpq follows "Keyword/Value Connection Strings" of the PostgreSQL
// manual: single quotes around, backslashes before quotes and backslashes.
func quoteLibpq(value string) string {
	if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return blank(r) || r == '\'' || r == '\\' }) {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// quoteADO writes a value as .NET's DbConnectionStringBuilder does, always with
// double quotes, as go-mssqldb knows no others.
func quoteADO(value string) string {
	if !strings.ContainsFunc(value, func(r rune) bool { return blank(r) || strings.ContainsRune(`"'=;`, r) }) {
		return value
	}
	return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
}

// quoteBraces follows "Building the connection URL" of the JDBC driver for SQL
// Server, and ODBC: braces around, a closing brace doubled.
func quoteBraces(value string) string {
	if !strings.ContainsFunc(value, func(r rune) bool { return blank(r) || strings.ContainsRune("{}=;", r) }) {
		return value
	}
	return "{" + strings.ReplaceAll(value, "}", "}}") + "}"
}

// escapeJAAS puts backslashes before quotes and backslashes, for a value that
// stands between quotes. Source: java.io.StreamTokenizer, with which Kafka
// reads sasl.jaas.config.
func escapeJAAS(value string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`).Replace(value)
}

// blank reports whether a rune is white space or a control character.
func blank(r rune) bool {
	return r <= ' ' || r == 0x7f
}

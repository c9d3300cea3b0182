// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/draft"
)

// terminal returns standard input where a person types there.
func (e *environment) terminal() (*os.File, bool) {
	file, ok := e.In.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// askNeeds asks a person for everything a draft lacks. What is typed for a
// credential is not shown.
func (e *environment) askNeeds(d *draft.Draft, service *catalogue.Service) error {
	file, ok := e.terminal()
	if !ok {
		return nil
	}
	lines := bufio.NewReader(file)
	for {
		needs, err := d.Needs(service)
		if err != nil || len(needs) == 0 {
			return err
		}
		value, err := e.askNeed(file, lines, needs[0])
		if err != nil {
			return err
		}
		d.Meet(needs[0], value)
	}
}

func (e *environment) askNeed(file *os.File, lines *bufio.Reader, need draft.Need) (string, error) {
	question := need.Name
	if need.Description != "" {
		question += " (" + need.Description
		if need.Example != "" && need.Kind != draft.NeedCredential {
			question += ", such as " + need.Example
		}
		question += ")"
	}
	if len(need.Choices) > 0 {
		question += " [" + strings.Join(need.Choices, ", ") + "]"
	}
	for {
		fmt.Fprintf(e.ErrOut, "%s: ", question)
		answer, err := readAnswer(file, lines, need.Kind == draft.NeedCredential)
		if need.Kind == draft.NeedCredential {
			fmt.Fprintln(e.ErrOut)
		}
		if err != nil {
			return "", err
		}
		if answer != "" && (len(need.Choices) == 0 || slices.Contains(need.Choices, answer)) {
			return answer, nil
		}
	}
}

func readAnswer(file *os.File, lines *bufio.Reader, hidden bool) (string, error) {
	if hidden {
		raw, err := term.ReadPassword(int(file.Fd()))
		return string(raw), err
	}
	line, err := lines.ReadString('\n')
	if errors.Is(err, io.EOF) {
		return "", errors.New("the input ended before the question was answered")
	}
	return strings.TrimSpace(line), err
}

// confirm asks a yes-or-no question. Without a terminal the answer is no.
func (e *environment) confirm(question string) (bool, error) {
	file, ok := e.terminal()
	if !ok {
		return false, nil
	}
	fmt.Fprintf(e.ErrOut, "%s [y/N]: ", question)
	answer, err := readAnswer(file, bufio.NewReader(file), false)
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)), err
}

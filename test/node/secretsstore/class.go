// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// entraAudience is the audience of the tokens that the provider signs in with.
const entraAudience = "api://AzureADTokenExchange"

// class is a SecretProviderClass.
type class struct {
	Spec struct {
		Provider      string            `json:"provider"`
		Parameters    map[string]string `json:"parameters"`
		SecretObjects []secretObject    `json:"secretObjects"`
	} `json:"spec"`
}

// secretObject is a Secret to be made of files.
type secretObject struct {
	SecretName  string            `json:"secretName"`
	Type        string            `json:"type"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Data        []struct {
		ObjectName string `json:"objectName"`
		Key        string `json:"key"`
	} `json:"data"`
}

// request is what the provider is asked for.
type request struct {
	vault   string
	objects []object
}

// object is one entry of the parameter objects.
type object struct {
	Name    string `json:"objectName"`
	Alias   string `json:"objectAlias"`
	Type    string `json:"objectType"`
	Version string `json:"objectVersion"`
}

// file returns the name of the object's file.
func (o object) file() string {
	if o.Alias != "" {
		return o.Alias
	}
	return o.Name
}

// request reads the class as the provider does. The tokens are the kubelet's, JSON
// by audience.
func (c class) request(tokens string) (request, error) {
	p := c.Spec.Parameters
	if c.Spec.Provider != "azure" {
		return request{}, fmt.Errorf("provider not found: provider %q", c.Spec.Provider)
	}
	if p["keyvaultName"] == "" {
		return request{}, errors.New("keyvaultName is not set")
	}
	if p["tenantID"] == "" && p["tenantId"] == "" {
		return request{}, errors.New("tenantId is not set")
	}
	if p["clientID"] != "" {
		if err := checkToken(tokens); err != nil {
			return request{}, err
		}
	}
	objects, err := parseObjects(p["objects"])
	if err != nil {
		return request{}, err
	}
	return request{vault: p["keyvaultName"], objects: objects}, nil
}

// checkToken demands the token that the provider would exchange.
func checkToken(tokens string) error {
	var byAudience map[string]struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(tokens), &byAudience); err != nil {
		return fmt.Errorf("failed to unmarshal service account tokens: %w", err)
	}
	if byAudience[entraAudience].Token == "" {
		return fmt.Errorf("token for audience %s not found", entraAudience)
	}
	return nil
}

// parseObjects reads the parameter objects: YAML with a list of strings that are
// YAML again.
func parseObjects(text string) ([]object, error) {
	if text == "" {
		return nil, errors.New("objects is not set")
	}
	var list struct {
		Array []string `json:"array"`
	}
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("failed to yaml unmarshal objects, error: %w", err)
	}
	if len(list.Array) == 0 {
		return nil, errors.New("objects array is empty")
	}
	var objects []object
	for i, entry := range list.Array {
		var o object
		if err := yaml.Unmarshal([]byte(entry), &o); err != nil {
			return nil, fmt.Errorf("unmarshal failed for keyVaultObjects at index %d, error: %w", i, err)
		}
		if err := o.check(); err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func (o object) check() error {
	switch o.Type {
	case "secret", "key", "cert":
	default:
		return fmt.Errorf("invalid vaultObjectType. Should be secret, key, or cert; it is %q for objectName:%s", o.Type, o.Name)
	}
	if o.Name == "" {
		return errors.New("objectName is not set")
	}
	if !filepath.IsLocal(o.file()) {
		return fmt.Errorf("invalid file name %q", o.file())
	}
	return nil
}

{{- /*
SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
SPDX-License-Identifier: Apache-2.0
*/ -}}
{{/* Names are fixed: a cluster has one installation, and the API server finds the
webhook, and Azure's own finds us, by them. */}}
{{- define "sc.name" -}}service-connector{{- end }}

{{- define "sc.selector" -}}
app.kubernetes.io/name: {{ include "sc.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sc.labels" -}}
{{ include "sc.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: service-connector
{{- end }}

{{- define "sc.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The Secret that cert-manager issues the serving certificate into. */}}
{{- define "sc.servingSecret" -}}service-connector-serving{{- end }}

{{/* The rights in each namespace that is served. */}}
{{- define "sc.namespaceRules" -}}
# The definitions.
- apiGroups: [serviceconnector.dev]
  resources: [connections]
  verbs: [get, list, watch]
# What the controller found out about them.
- apiGroups: [serviceconnector.dev]
  resources: [connections/status]
  verbs: [patch]
# get: credentials and what is there already, one object at a time. list and
# watch: metadata of our own objects, by label. create and patch: server-side
# apply. delete: what no connection needs any more, where deletionPolicy: Delete
# says so. No update, no token.
- apiGroups: [""]
  resources: [secrets, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# The same for what Key Vault connections need; the kind is the CSI driver's.
- apiGroups: [secrets-store.csi.x-k8s.io]
  resources: [secretproviderclasses]
  verbs: [get, list, watch, create, patch, delete]
# Who still uses an object, and which pods lack their connections: metadata only.
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# The Deployment behind a pod that does.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get]
{{- if .Values.azure.cluster }}
# What is imported from Azure.
- apiGroups: [serviceconnector.dev]
  resources: [connections]
  verbs: [create, patch, delete]
{{- if .Values.azure.federation.enabled }}
# The pods that wait for their identity to be trusted: found by label, let go.
- apiGroups: [""]
  resources: [pods]
  verbs: [watch, patch]
{{- end }}
{{- end }}
{{- if .Values.rollout.enabled }}
# Rolling them when the values of their connections change.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, patch]
{{- end }}
{{- if .Values.scan.evict }}
# Having pods that lack their connections replaced.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
{{- end }}
# What was done, where people look.
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The namespaces whose pods and workloads reach the webhook. */}}
{{- define "sc.namespaceSelector" -}}
matchExpressions:
- {key: kubernetes.io/metadata.name, operator: NotIn, values: {{ concat (list "kube-system" .Release.Namespace) .Values.namespaces.exclude | toJson }}}
{{- with .Values.namespaces.only }}
- {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
{{- end }}
# AKS adds these two terms to every webhook configuration; they are here so
# that nothing has to be added.
- {key: control-plane, operator: NotIn, values: ["true"]}
- {key: kubernetes.azure.com/managedby, operator: NotIn, values: [aks]}
{{- end }}

{{/* Which pods are asked about. */}}
{{- define "sc.podConditions" -}}
# One expression: each is paid for by every pod that gets so far. The API server's
# copy of a static pod, which may name neither secrets nor service accounts, is not.
- name: annotated
  expression: >-
    object.metadata.?annotations['serviceconnector.dev/connections'].hasValue() &&
    !('kubernetes.io/config.mirror' in object.metadata.annotations)
{{- end }}

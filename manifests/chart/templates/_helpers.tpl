{{- define "controller.fullname" -}}
{{ .Values.fullnameOverride | default "gitlab-runner-controller" }}
{{- end }}

{{- define "controller.serviceAccount" -}}
{{ (.Values.serviceAccount).name | default (include "controller.fullname" .) }}
{{- end }}

{{- define "controller.image" -}}
{{- $repository := (.Values.image).repository -}}
{{- if not $repository }}
{{- fail "image.repository is not set: push the operator's image to a registry of yours, and name it by --set image.repository=registry.example.com/team/gitlab-runner-controller" }}
{{- end -}}
{{- with .Values.image.digest }}{{ $repository }}@{{ . }}{{ else }}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* Whether a switch is on that a release made by an older chart, upgraded by --reuse-values, does not know: on unless said. */ -}}
{{- define "controller.on" -}}
{{ if ne (toString .) "false" }}true{{ end }}
{{- end }}

{{- /* Of every object. The pods have the first alone: what manifests/ selects by, so that one can follow the other. */ -}}
{{- define "controller.labels" -}}
app.kubernetes.io/name: gitlab-runner-controller
app.kubernetes.io/part-of: gitlab-runner-controller
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* controller.files prints the objects of a file of manifests/, of which hack/generate makes a copy, as this release has them:
with its labels, in its namespace, under its name.

root: the chart; file: its name in files/; without: kinds to leave out; keep: names of objects that stay when the release goes;
labels: more of them.
*/ -}}
{{- define "controller.files" -}}
{{- $root := .root }}
{{- $without := .without | default list }}
{{- $keep := .keep | default list }}
{{- $more := .labels }}
{{- $fullname := include "controller.fullname" $root }}
{{- $account := include "controller.serviceAccount" $root }}
{{- $text := required (printf "the chart is not complete: files/%s is missing" .file) ($root.Files.Get (printf "files/%s" .file)) }}
{{- $text = replace ":gitlab-runner-controller'" (printf ":%s'" $account) $text }}
{{- range $part := regexSplit "(?m)^---$" $text -1 }}
{{- $object := fromYaml $part }}
{{- with $object.Error }}{{ fail . }}{{ end }}
{{- if and $object.kind (not (has $object.kind $without)) }}
{{- $meta := $object.metadata }}
{{- if has $meta.name $keep }}
{{- $_ := set $meta "annotations" (merge (dict "helm.sh/resource-policy" "keep") ($meta.annotations | default dict)) }}
{{- end }}
{{- if has $object.kind (list "PodDisruptionBudget" "PodMonitor" "PrometheusRule" "Role" "RoleBinding" "Secret" "Service" "ServiceAccount" "ServiceMonitor") }}
{{- $_ := set $meta "namespace" $root.Release.Namespace }}
{{- end }}
{{- $_ := set $meta "labels" (merge (dict) (ne $object.kind "Service" | ternary $more dict | default dict) (fromYaml (include "controller.labels" $root)) ($meta.labels | default dict)) }}
{{- if and $root.Values.metricsAuth (eq $meta.name "gitlab-runner-controller") }}
{{- range (concat (($object.spec).podMetricsEndpoints | default list) (($object.spec).endpoints | default list)) }}
{{- $_ := set . "authorization" (dict "type" "Bearer" "credentials" (dict "name" "gitlab-runner-metrics-reader" "key" "token")) }}
{{- end }}
{{- end }}
{{- $_ := set $meta "name" (regexReplaceAll "^gitlab-runner-controller" $meta.name $fullname) }}
{{- with $object.roleRef }}
{{- $_ := set . "name" (regexReplaceAll "^gitlab-runner-controller" .name $fullname) }}
{{- end }}
{{- with ($object.spec).policyName }}
{{- $_ := set $object.spec "policyName" (regexReplaceAll "^gitlab-runner-controller" . $fullname) }}
{{- end }}
{{- range $object.subjects }}
{{- $_ := merge (set . "name" (eq .name "gitlab-runner-controller" | ternary $account .name)) (dict "namespace" $root.Release.Namespace) }}
{{- end }}
{{- if eq $object.kind "FlowSchema" }}
{{- range $object.spec.rules }}
{{- range .subjects }}
{{- $_ := set . "serviceAccount" (dict "name" $account "namespace" $root.Release.Namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (eq $object.kind "ClusterRole") (eq ($root.Values.secrets | default "all") "referenced") }}
{{- range $object.rules }}
{{- if and (eq $meta.name $fullname) (has "secrets" (.resources | default list)) }}
{{- $_ := set . "verbs" (without .verbs "list" "watch") }}
{{- end }}
{{- end }}
{{- end }}
---
{{ toYaml $object }}
{{ end }}
{{- end }}
{{- end }}

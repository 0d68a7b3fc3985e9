{{- /*
Names and labels.

Names are short ("hub", "proxy-public") as in zero-to-jupyterhub, so `kubectl logs deploy/hub` works in the release's
own namespace; `fullnameOverride` puts a prefix before them where a namespace must hold two releases. Cluster-wide
objects always carry namespace and release in their name.

Selector labels never contain the chart's version: they are immutable, and an upgrade must not need a deletion.
*/}}

{{- /* At most 63 characters; a longer name keeps apart by a checksum of the whole. Argument: the name. */ -}}
{{- define "remuda.atMost63" -}}
{{- if gt (len .) 63 -}}
{{- printf "%s-%s" (trunc 54 . | trimSuffix "-") (sha256sum . | trunc 8) -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}

{{- /* Arguments: list of (root, short name). */ -}}
{{- define "remuda.name" -}}
{{- $prefix := (index . 0).Values.fullnameOverride | default "" -}}
{{- include "remuda.atMost63" (ternary (printf "%s-%s" $prefix (index . 1)) (index . 1) (ne $prefix "")) -}}
{{- end }}

{{- /* Cluster-wide names. Arguments: list of (root, short name). */ -}}
{{- define "remuda.clusterName" -}}
{{- $root := index . 0 -}}
{{- include "remuda.atMost63" (printf "%s-%s-%s" $root.Release.Namespace $root.Release.Name (index . 1)) -}}
{{- end }}

{{- /* Arguments: list of (root, component). */ -}}
{{- define "remuda.selectorLabels" -}}
{{- $root := index . 0 -}}
app: jupyterhub
component: {{ index . 1 }}
release: {{ $root.Release.Name }}
{{- end }}

{{- define "remuda.labels" -}}
{{- $root := index . 0 -}}
{{ include "remuda.selectorLabels" . }}
chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 }}
heritage: {{ $root.Release.Service }}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: remuda
{{- end }}

{{- /* Labels of a workload's pods: no chart version, or each chart release would restart pods that did not change. */ -}}
{{- define "remuda.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "remuda.selectorLabels" . }}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* What every user's pod carries: KubeSpawner sets both, whatever the release. */ -}}
{{- define "remuda.singleuserSelector" -}}
app: jupyterhub
component: singleuser-server
{{- end }}

{{- /* Pieces that several pods share. */}}

{{- /* Arguments: list of (root, image values {name, tag}); an empty tag means the chart's own version. */ -}}
{{- define "remuda.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $tag := $image.tag | default $root.Chart.AppVersion -}}
{{- if hasPrefix "sha256:" $tag -}}
{{- printf "%s@%s" $image.name $tag -}}
{{- else -}}
{{- printf "%s:%s" $image.name $tag -}}
{{- end -}}
{{- end }}

{{- /* Arguments: list of (root, extra list of secret names or {name: …}). */ -}}
{{- define "remuda.imagePullSecrets" -}}
{{- $root := index . 0 -}}
{{- $names := list -}}
{{- range concat ($root.Values.imagePullSecrets | default list) (index . 1 | default list) -}}
{{- $names = append $names (kindIs "map" . | ternary . (dict "name" .)) -}}
{{- end -}}
{{- with $names | uniq }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The container security context that Pod Security `restricted` admits; what an admin gives wins. */ -}}
{{- define "remuda.restricted" -}}
{{- $floor := dict "allowPrivilegeEscalation" false "runAsNonRoot" true "capabilities" (dict "drop" (list "ALL")) "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- toYaml (mergeOverwrite $floor (deepCopy (. | default dict))) -}}
{{- end }}

{{- /* Extra containers of an admin: the same floor, unless they say otherwise. Argument: list of containers. */ -}}
{{- define "remuda.extraContainers" -}}
{{- range . }}
{{- $given := .securityContext | default dict }}
- {{ toYaml (merge (dict "securityContext" (include "remuda.restricted" $given | fromYaml)) .) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{- /* z2jh's two ways to write extra environment: a map of name → value or {valueFrom: …}, or a plain list. */ -}}
{{- define "remuda.extraEnv" -}}
{{- if kindIs "slice" . }}
{{- toYaml . }}
{{- else }}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}
- {{ toYaml (merge (dict "name" $name) $value) | nindent 2 | trim }}
{{- else }}
- name: {{ $name | quote }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Where hub and proxy may run. Arguments: list of (root, the component's values). */ -}}
{{- define "remuda.corePodPlacement" -}}
{{- $root := index . 0 -}}
{{- $own := index . 1 -}}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat ($root.Values.scheduling.corePods.tolerations | default list) ($own.tolerations | default list) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $match := $root.Values.scheduling.corePods.nodeAffinity.matchNodePurpose -}}
{{- $core := dict "matchExpressions" (list (dict "key" "hub.jupyter.org/node-purpose" "operator" "In" "values" (list "core"))) -}}
{{- $affinity := deepCopy ($own.affinity | default dict) -}}
{{- if and (eq $match "prefer") (not $affinity.nodeAffinity) -}}
{{- $_ := set $affinity "nodeAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "preference" $core))) -}}
{{- else if and (eq $match "require") (not $affinity.nodeAffinity) -}}
{{- $_ := set $affinity "nodeAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" (list $core))) -}}
{{- end -}}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName | default (ternary (include "remuda.clusterName" (list $root "core")) "" $root.Values.scheduling.podPriority.enabled) }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- /* Arguments: list of (probe values, path, port, scheme). */ -}}
{{- define "remuda.httpProbe" -}}
{{- $probe := index . 0 -}}
httpGet:
  path: {{ index . 1 }}
  port: {{ index . 2 }}
  {{- if eq (index . 3) "HTTPS" }}
  scheme: HTTPS
  {{- end }}
initialDelaySeconds: {{ $probe.initialDelaySeconds }}
periodSeconds: {{ $probe.periodSeconds }}
timeoutSeconds: {{ $probe.timeoutSeconds }}
failureThreshold: {{ $probe.failureThreshold }}
{{- end }}

{{- /* Arguments: list of (root, component, pdb values). */ -}}
{{- define "remuda.pdb" -}}
{{- $root := index . 0 -}}
{{- $pdb := index . 2 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "remuda.name" (list $root (index . 1)) }}
  labels:
    {{- include "remuda.labels" (list $root (index . 1)) | nindent 4 }}
spec:
  {{- if not (kindIs "invalid" $pdb.maxUnavailable) }}
  maxUnavailable: {{ $pdb.maxUnavailable }}
  {{- else }}
  minAvailable: {{ $pdb.minAvailable }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "remuda.selectorLabels" (list $root (index . 1)) | nindent 6 }}
{{- end }}

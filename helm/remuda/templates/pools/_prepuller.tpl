{{- /*
A DaemonSet that has every image of one pool pulled on every node of it: one init container for each image, whose
kubelet has to pull it before it can say hello, then a pause. Arguments: list of (root, pool id, used pool, "hook" or "continuous").
*/ -}}
{{- define "remuda.prepuller.daemonset" -}}
{{- $root := index . 0 -}}
{{- $id := index . 1 -}}
{{- $entry := index . 2 -}}
{{- $kind := index . 3 -}}
{{- $values := $root.Values.prePuller -}}
{{- $component := printf "%s-image-puller" $kind -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ include "remuda.name" (list $root (printf "%s-%s" $component $id)) }}
  labels:
    {{- include "remuda.labels" (list $root $component) | nindent 4 }}
    remuda.dev/pool: {{ $id | quote }}
    {{- with $values.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    remuda.dev/images: {{ include "remuda.prepuller.images" (list $root $entry) | sha256sum }}
    {{- if eq $kind "hook" }}
    {{- include "remuda.prepuller.hookAnnotations" "-10" | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "remuda.selectorLabels" (list $root $component) | nindent 6 }}
      remuda.dev/pool: {{ $id | quote }}
  updateStrategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 100%
  template:
    metadata:
      labels:
        {{- include "remuda.podLabels" (list $root $component) | nindent 8 }}
        remuda.dev/pool: {{ $id | quote }}
        {{- with $values.labels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- if and (eq $kind "continuous") $root.Values.scheduling.podPriority.enabled }}
      priorityClassName: {{ include "remuda.clusterName" (list $root "image-puller") }}
      {{- end }}
      {{- with $entry.pool.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with concat ($entry.pool.tolerations | default list) ($values.extraTolerations | default list) }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with dig "nodeAffinity" dict ($entry.pool.affinity | default dict) }}
      affinity:
        nodeAffinity:
          {{- toYaml . | nindent 10 }}
      {{- end }}
      {{- include "remuda.imagePullSecrets" (list $root $root.Values.singleuser.image.pullSecrets) | nindent 6 }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 0
      securityContext:
        runAsNonRoot: true
        runAsUser: 65535
        runAsGroup: 65535
        seccompProfile:
          type: RuntimeDefault
      initContainers:
        {{- range $index, $image := include "remuda.prepuller.images" (list $root $entry) | fromJsonArray }}
        - name: image-{{ $index }}
          image: {{ $image }}
          command: [/bin/sh, -c, echo pulled]
          securityContext:
            {{- include "remuda.restricted" $values.containerSecurityContext | nindent 12 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
        {{- end }}
      containers:
        - name: pause
          image: {{ include "remuda.image" (list $root $values.pause.image) }}
          {{- with $values.pause.image.pullPolicy }}
          imagePullPolicy: {{ . }}
          {{- end }}
          securityContext:
            {{- include "remuda.restricted" $values.containerSecurityContext | nindent 12 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
{{- end }}

{{- /* Images of one pool, as a JSON list: those of its profiles and their options, and the admin's extra ones. */ -}}
{{- define "remuda.prepuller.images" -}}
{{- $root := index . 0 -}}
{{- $images := (index . 1).images -}}
{{- range $name, $extra := $root.Values.prePuller.extraImages -}}
{{- $images = append $images (include "remuda.image" (list $root $extra)) -}}
{{- end -}}
{{- range concat ($root.Values.singleuser.initContainers | default list) ($root.Values.singleuser.extraContainers | default list) -}}
{{- $images = append $images .image -}}
{{- end -}}
{{- $images | uniq | toJson -}}
{{- end }}

{{- /* "yes" when the cluster's continuous pullers have these very images already, so a hook would only cost time. */ -}}
{{- define "remuda.prepuller.unchanged" -}}
{{- $root := index . 0 -}}
{{- $name := include "remuda.name" (list $root (printf "continuous-image-puller-%s" (index . 1))) -}}
{{- $there := lookup "apps/v1" "DaemonSet" $root.Release.Namespace $name | default dict -}}
{{- $then := dig "metadata" "annotations" "remuda.dev/images" "" $there -}}
{{- if eq $then (include "remuda.prepuller.images" (list $root (index . 2)) | sha256sum) -}}yes{{- end -}}
{{- end }}

{{- /* Argument: the hook's weight. */ -}}
{{- define "remuda.prepuller.hookAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-weight: {{ . | quote }}
{{- end }}

{{- /*
settings.yaml: what the hub reads at /etc/remuda/settings.yaml. Sections are the values of the same name, cut to the
keys that hub_extensions/settings.py knows (files/settings-keys.yaml is generated from it); what only the chart uses stays out.
*/}}

{{- define "remuda.dbUrl" -}}
{{- $db := .Values.hub.db -}}
{{- if $db.url -}}
{{- /* The hub's image has psycopg 3; the bare scheme means psycopg2 to SQLAlchemy. */ -}}
{{- regexReplaceAll "^postgres(ql)?://" $db.url "postgresql+psycopg://" -}}
{{- else if eq $db.type "sqlite-memory" -}}
sqlite://
{{- else -}}
sqlite:////srv/jupyterhub/jupyterhub.sqlite
{{- end -}}
{{- end }}

{{- define "remuda.settings" -}}
{{- $keys := .Files.Get "files/settings-keys.yaml" | fromYaml -}}
{{- $pools := dict -}}
{{- range $id, $pool := .Values.pools | default dict -}}
{{- $_ := set $pools $id (omit ($pool | default dict) "placeholders") -}}
{{- end -}}
{{- $catalog := dict "pools" $pools "profiles" (.Values.profiles | default dict) "policies" (.Values.policies | default dict) -}}
{{- with .Values.currency }}{{ $_ := set $catalog "currency" . }}{{ end -}}
{{- with .Values.defaultProfile }}{{ $_ := set $catalog "defaultProfile" . }}{{ end -}}
{{- $sections := dict -}}
{{- range $section := list "singleuser" "hub" "cull" -}}
{{- $given := get $.Values $section -}}
{{- $kept := dict -}}
{{- range $key := get $keys $section -}}
{{- if hasKey $given $key -}}
{{- $_ := set $kept $key (get $given $key) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $sections $section (deepCopy $kept) -}}
{{- end -}}
{{- $hub := $sections.hub -}}
{{- $_ := set $hub "db" (dict "type" .Values.hub.db.type "url" (include "remuda.dbUrl" .) "upgrade" .Values.hub.db.upgrade) -}}
{{- $_ := set $hub "notices" (omit (.Values.hub.notices | default dict) "existingSecret") -}}
{{- $_ := set $hub "connectUrl" (printf "http://%s:8081" (include "remuda.name" (list . "hub"))) -}}
{{- $singleuser := $sections.singleuser -}}
{{- $_ := set $singleuser.image "tag" ($singleuser.image.tag | default .Chart.AppVersion) -}}
{{- $_ := set $singleuser "extraLabels" (merge (dict "release" .Release.Name) ($singleuser.extraLabels | default dict)) -}}
{{- $secrets := concat (.Values.imagePullSecrets | default list) ($singleuser.image.pullSecrets | default list) -}}
{{- $_ := set $singleuser.image "pullSecrets" ($secrets | uniq) -}}
{{- $storage := $singleuser.storage -}}
{{- $_ := set $storage "extraVolumes" (append (include "remuda.listed" $storage.extraVolumes | fromJsonArray) (dict "name" "remuda-data" "configMap" (dict "name" (include "remuda.name" (list . "data-settings"))))) -}}
{{- $_ := set $storage "extraVolumeMounts" (append (include "remuda.listed" $storage.extraVolumeMounts | fromJsonArray) (dict "name" "remuda-data" "mountPath" "/etc/remuda" "readOnly" true)) -}}
{{- if and .Values.scheduling.podPriority.enabled (not $singleuser.priorityClassName) -}}
{{- $_ := set $singleuser "priorityClassName" (include "remuda.clusterName" (list . "user")) -}}
{{- end -}}
{{- $proxy := dict "apiUrl" (printf "http://%s:8001" (include "remuda.name" (list . "proxy-api"))) -}}
{{- $config := deepCopy ($hub.config | default dict) -}}
{{- $app := get $config "JupyterHub" | default dict -}}
{{- if not $app.public_url -}}
{{- with include "remuda.publicUrl" . -}}
{{- $_ := set $app "public_url" . -}}
{{- end -}}
{{- end -}}
{{- /* keys go to the hub as files; see _secrets.tpl */ -}}
{{- $app = omit $app "cookie_secret" -}}
{{- $_ := set $config "JupyterHub" $app -}}
{{- $config = omit $config "CryptKeeper" -}}
{{- if $config.ConfigurableHTTPProxy -}}
{{- $_ := set $config "ConfigurableHTTPProxy" (omit $config.ConfigurableHTTPProxy "auth_token") -}}
{{- end -}}
{{- $_ := set $hub "config" $config -}}
{{- $document := dict "mode" "kubernetes" "shippedProfiles" .Values.shippedProfiles "catalog" $catalog "singleuser" $sections.singleuser "hub" $hub "proxy" $proxy "cull" $sections.cull -}}
{{- if .Values.scheduling.podPriority.enabled -}}
{{- $pause := .Values.prePuller.pause.image -}}
{{- $pulled := concat (.Values.imagePullSecrets | default list) ($pause.pullSecrets | default list) | uniq -}}
{{- $_ := set $document "warming" (dict "image" (include "remuda.image" (list . $pause)) "priorityClass" (include "remuda.clusterName" (list . "placeholder")) "pullSecrets" $pulled) -}}
{{- end -}}
{{- toYaml $document -}}
{{- end }}

{{- /* z2jh's two ways to write volumes: a list, or a map whose keys only name them for overlays. Result: JSON list. */ -}}
{{- define "remuda.listed" -}}
{{- if kindIs "map" . -}}{{ toJson (values .) }}{{- else -}}{{ toJson (. | default list) }}{{- end -}}
{{- end }}

{{- /* The address people use, when the values tell it: an ingress host or an https host. Ends with a slash. */ -}}
{{- define "remuda.publicUrl" -}}
{{- if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{- printf "%s://%s%s" (ternary "https" "http" (gt (len .Values.ingress.tls) 0)) (first .Values.ingress.hosts) .Values.hub.baseUrl -}}
{{- else if and .Values.proxy.https.enabled .Values.proxy.https.hosts -}}
{{- printf "https://%s%s" (first .Values.proxy.https.hosts) .Values.hub.baseUrl -}}
{{- end -}}
{{- end }}

{{- /*
Generated secrets. Each value is, in this order: given by the values, kept from the Secret in the cluster (`lookup`), new.
`helm template` and client-side dry runs see no cluster, so they show new values each time; with a GitOps tool that
renders that way, use `hub.existingSecret`.

Keys have z2jh's names; the hub reads each as a file and sets the trait of that name.
*/}}

{{- /* The Secret that holds the hub's keys: the admin's, or the chart's own. */ -}}
{{- define "remuda.keysSecret" -}}
{{- .Values.hub.existingSecret | default (include "remuda.name" (list . "hub")) -}}
{{- end }}

{{- /* What the values themselves give: {key: value}, as JSON. */ -}}
{{- define "remuda.givenKeys" -}}
{{- $config := .Values.hub.config | default dict -}}
{{- $keys := dig "CryptKeeper" "keys" "" $config -}}
{{- $given := dict -}}
{{- $_ := set $given "hub.config.JupyterHub.cookie_secret" (dig "JupyterHub" "cookie_secret" "" $config | default .Values.hub.cookieSecret | default "") -}}
{{- $_ := set $given "hub.config.CryptKeeper.keys" (kindIs "slice" $keys | ternary (kindIs "slice" $keys | ternary $keys list | join ";") $keys) -}}
{{- $_ := set $given "hub.config.ConfigurableHTTPProxy.auth_token" (dig "ConfigurableHTTPProxy" "auth_token" "" $config | default .Values.proxy.secretToken | default "") -}}
{{- if not (dig "JupyterHub" "authenticator_class" "" $config) -}}
{{- $_ := set $given "hub.config.SharedPasswordAuthenticator.admin_password" (dig "SharedPasswordAuthenticator" "admin_password" "" $config) -}}
{{- $_ := set $given "hub.config.SharedPasswordAuthenticator.user_password" (dig "SharedPasswordAuthenticator" "user_password" "" $config) -}}
{{- end -}}
{{- range $name, $service := .Values.hub.services -}}
{{- if not $service.apiToken -}}
{{- $_ := set $given (printf "hub.services.%s.apiToken" $name) "" -}}
{{- end -}}
{{- end -}}
{{- toJson $given -}}
{{- end }}

{{- /* A new value for a key: 256 bits in hexadecimal, or a password that can be copied by hand. */ -}}
{{- define "remuda.newSecret" -}}
{{- if hasSuffix "admin_password" . -}}
{{- randAlphaNum 32 -}}
{{- else if hasSuffix "user_password" . -}}
{{- randAlphaNum 16 | lower -}}
{{- else -}}
{{- randAlphaNum 64 | sha256sum -}}
{{- end -}}
{{- end }}

{{- /* All keys of the chart's own Secret: {key: base64}, as YAML. */ -}}
{{- define "remuda.keys" -}}
{{- $there := lookup "v1" "Secret" .Release.Namespace (include "remuda.name" (list . "hub")) | default dict -}}
{{- $kept := dig "data" dict $there | default dict -}}
{{- $keys := dict -}}
{{- range $key, $given := include "remuda.givenKeys" . | fromJson -}}
{{- if $given -}}
{{- $_ := set $keys $key ($given | b64enc) -}}
{{- else -}}
{{- $_ := set $keys $key (get $kept $key | default (include "remuda.newSecret" $key | b64enc)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.hub.db.password -}}
{{- $_ := set $keys "hub.db.password" (. | b64enc) -}}
{{- end -}}
{{- toYaml $keys -}}
{{- end }}

{{- /*
Digits that change when a value changes. Short on purpose: annotations are readable by more people than Secrets, and 40
bits tell a change but do not confirm a guessed password.
*/ -}}
{{- define "remuda.checksum" -}}
{{- toJson . | sha256sum | trunc 10 -}}
{{- end }}

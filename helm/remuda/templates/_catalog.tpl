{{- /*
The catalog as the templates need it: which pools are used, and which images run there. The hub reads the same values
with `profiles.load_catalog`, which checks far more; tests hold both readings to the same answer.
*/}}

{{- /*
The rules of profiles/overlay.py: mappings merge key by key, null takes a key away, lists and plain values replace; an
amount written as one number counts as request and limit; of `choices` and `range` the later one stays.
(sprig's own `mergeOverwrite` keeps null and drops false.) Argument: list of (below, above), both maps. Result: YAML.
*/ -}}
{{- define "remuda.merge" -}}
{{- $result := deepCopy (index . 0) -}}
{{- $above := index . 1 -}}
{{- range $key, $other := dict "choices" "range" "range" "choices" -}}
{{- if and (hasKey $above $key) (not (kindIs "invalid" (index $above $key))) (not (hasKey $above $other)) -}}
{{- $_ := unset $result $other -}}
{{- end -}}
{{- end -}}
{{- range $key, $value := $above -}}
{{- $below := hasKey $result $key | ternary (get $result $key) nil -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $result $key -}}
{{- else if kindIs "map" $value -}}
{{- if and (has $key (list "cpu" "memory")) (not (kindIs "map" $below)) (not (kindIs "invalid" $below)) -}}
{{- $below = dict "request" $below "limit" $below -}}
{{- end -}}
{{- $_ := set $result $key (include "remuda.merge" (list (kindIs "map" $below | ternary $below dict) $value) | fromYaml) -}}
{{- else -}}
{{- $_ := set $result $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $result -}}
{{- end }}

{{- /*
{pools: …, profiles: …}: the shipped catalog with the values laid over it, before `extends`. A pool that says nothing of
its nodes has those labelled and tainted remuda.dev/pool=<id>.
*/ -}}
{{- define "remuda.overlaidCatalog" -}}
{{- $shipped := dict "pools" dict "profiles" dict -}}
{{- if .Values.shippedProfiles -}}
{{- $shipped = .Files.Get "files/shipped-catalog.yaml" | fromYaml -}}
{{- end -}}
{{- $own := dict "pools" (.Values.pools | default dict) "profiles" (.Values.profiles | default dict) -}}
{{- $catalog := include "remuda.merge" (list (pick $shipped "pools" "profiles") $own) | fromYaml -}}
{{- range $id, $pool := $catalog.pools -}}
{{- $pool = $pool | default dict -}}
{{- if kindIs "invalid" $pool.nodeSelector -}}
{{- $_ := set $pool "nodeSelector" (dict "remuda.dev/pool" $id) -}}
{{- end -}}
{{- if kindIs "invalid" $pool.tolerations -}}
{{- $_ := set $pool "tolerations" (list (dict "key" "remuda.dev/pool" "operator" "Equal" "value" $id "effect" "NoSchedule")) -}}
{{- end -}}
{{- $_ := set $catalog.pools $id $pool -}}
{{- end -}}
{{- toYaml $catalog -}}
{{- end }}

{{- /* What a profile reserves: `2`, or the request of `{request, limit}`, or its limit. Argument: the amount. */ -}}
{{- define "remuda.requested" -}}
{{- if kindIs "map" . -}}
{{- .request | default .limit | default "" -}}
{{- else -}}
{{- . | default "" -}}
{{- end -}}
{{- end }}

{{- /* One profile with everything it extends. Arguments: list of (all profiles, profile id, depth). Result: YAML. */ -}}
{{- define "remuda.extendedProfile" -}}
{{- $profiles := index . 0 -}}
{{- $profile := get $profiles (index . 1) -}}
{{- $depth := index . 2 -}}
{{- if and $profile.extends (hasKey $profiles $profile.extends) (lt $depth 16) -}}
{{- $base := include "remuda.extendedProfile" (list $profiles $profile.extends (add1 $depth | int)) | fromYaml -}}
{{- include "remuda.merge" (list (omit $base "enabled" "extends" "displayName") $profile) -}}
{{- else -}}
{{- toYaml $profile -}}
{{- end -}}
{{- end }}

{{- /*
Pools that an enabled profile uses: {<pool id>: {pool: …, images: [...], cpu: …, memory: …}}. cpu and memory are the
requests of the pool's first profile by name: what a placeholder reserves when its own values do not say.
*/ -}}
{{- define "remuda.usedPools" -}}
{{- $root := . -}}
{{- $catalog := include "remuda.overlaidCatalog" . | fromYaml -}}
{{- $default := include "remuda.image" (list . .Values.singleuser.image) -}}
{{- $used := dict -}}
{{- range $id := keys $catalog.profiles | sortAlpha -}}
{{- $profile := include "remuda.extendedProfile" (list $catalog.profiles $id 0) | fromYaml -}}
{{- $enabled := hasKey $profile "enabled" | ternary $profile.enabled true -}}
{{- if and $enabled $profile.pool (hasKey $catalog.pools $profile.pool) -}}
{{- $entry := get $used $profile.pool | default dict -}}
{{- if not $entry.pool -}}
{{- $_ := set $entry "pool" (get $catalog.pools $profile.pool | default dict) -}}
{{- $_ := set $entry "cpu" (include "remuda.requested" $profile.cpu) -}}
{{- $_ := set $entry "memory" (include "remuda.requested" $profile.memory) -}}
{{- $_ := set $entry "images" list -}}
{{- end -}}
{{- $images := append $entry.images ($profile.image | default $default) -}}
{{- range $option := values ($profile.options | default dict) -}}
{{- range $choice := values ($option.choices | default dict) -}}
{{- with dig "overrides" "image" "" ($choice | default dict) -}}
{{- $images = append $images . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set $entry "images" ($images | uniq | sortAlpha) -}}
{{- $_ := set $used $profile.pool $entry -}}
{{- end -}}
{{- end -}}
{{- toYaml $used -}}
{{- end }}

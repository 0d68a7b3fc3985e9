{{- /*
What the schema cannot see: settings that contradict each other, are dangerous, or come from zero-to-jupyterhub and mean
something else here. All of them are reported at once, each with what to write instead. Result: nothing, or a failure.
*/}}

{{- define "remuda.checks" -}}
{{- $problems := list -}}
{{- range $check := list "remuda.checks.retired" "remuda.checks.db" "remuda.checks.https" "remuda.checks.login" "remuda.checks.pools" "remuda.checks.policies" "remuda.checks.secret" "remuda.checks.kubespawner" "remuda.checks.data" -}}
{{- $problems = concat $problems (include $check $ | fromJsonArray) -}}
{{- end -}}
{{- if $problems -}}
{{- printf "\n\nThe values cannot be installed as they are:\n  - %s\n\n" (join "\n  - " $problems) | fail -}}
{{- end -}}
{{- end }}

{{- /* Keys of zero-to-jupyterhub that are something else here (files/from-z2jh.yaml is generated). */ -}}
{{- define "remuda.checks.retired" -}}
{{- $problems := list -}}
{{- $values := .Values.AsMap -}}
{{- range (.Files.Get "files/from-z2jh.yaml" | fromYaml).retired -}}
{{- $here := $values -}}
{{- range $part := splitList "." .key -}}
{{- if kindIs "map" $here -}}{{- $here = get $here $part -}}{{- else -}}{{- $here = "" -}}{{- end -}}
{{- end -}}
{{- if $here -}}
{{- $problems = append $problems (printf "%s: %s" .key .instead) -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- define "remuda.checks.db" -}}
{{- $problems := list -}}
{{- $db := .Values.hub.db -}}
{{- $given := $db.url | default "" -}}
{{- if and (has $db.type (list "sqlite-pvc" "sqlite-memory")) $given -}}
{{- $problems = append $problems (printf "hub.db.url is given, but hub.db.type is %s and would not use it: set hub.db.type to postgres (or mysql, other), or remove the url" $db.type) -}}
{{- end -}}
{{- if and (not (has $db.type (list "sqlite-pvc" "sqlite-memory"))) (not $given) -}}
{{- $problems = append $problems (printf "hub.db.type is %s, but hub.db.url is empty: give the address, such as postgresql+psycopg://remuda@db.example.org:5432/remuda (the password goes into hub.db.passwordSecret)" $db.type) -}}
{{- end -}}
{{- if and (hasPrefix "postgresql+psycopg2:" $given) (eq .Values.hub.image.name "remuda/hub") -}}
{{- $problems = append $problems "hub.db.url asks for psycopg2, which the hub's image does not have: write postgresql+psycopg:// (version 3 of the same driver)" -}}
{{- end -}}
{{- if and (eq $db.type "postgres") $given (not (regexMatch "^postgres(ql)?(\\+[a-z0-9]+)?://" $given)) -}}
{{- $problems = append $problems "hub.db.type is postgres, but hub.db.url does not begin with postgresql:// or postgresql+psycopg://: correct one of the two" -}}
{{- end -}}
{{- if and $db.password $db.passwordSecret.name -}}
{{- $problems = append $problems "hub.db.password and hub.db.passwordSecret are both given: keep one; the Secret is the safer one" -}}
{{- end -}}
{{- if regexMatch "^[a-z0-9+]+://[^/@:]*:[^/@]+@" $given -}}
{{- $problems = append $problems "hub.db.url contains a password, which shows in logs: remove it there and use hub.db.passwordSecret {name, key} or hub.db.password" -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- define "remuda.checks.https" -}}
{{- $problems := list -}}
{{- $https := .Values.proxy.https -}}
{{- if $https.enabled -}}
{{- if not $https.hosts -}}
{{- $problems = append $problems "proxy.https.enabled is true, but proxy.https.hosts is empty: list the name in the certificate, such as [hub.example.org]; links and cookies are made for it" -}}
{{- end -}}
{{- if and (eq $https.type "manual") (not (and $https.manual.key $https.manual.cert)) -}}
{{- $problems = append $problems "proxy.https.type is manual, but proxy.https.manual.key or .cert is empty: give both (PEM), or use type: secret with the name of a kubernetes.io/tls Secret" -}}
{{- end -}}
{{- if and (eq $https.type "secret") (not $https.secret.name) -}}
{{- $problems = append $problems "proxy.https.type is secret, but proxy.https.secret.name is empty: give the name of a kubernetes.io/tls Secret in this namespace" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (has $https.type (list "manual" "secret")) -}}
{{- $problems = append $problems "ingress.enabled and proxy.https both end TLS, and the ingress would meet a redirect for ever: keep TLS at the ingress (ingress.tls) and set proxy.https.enabled to false" -}}
{{- end -}}
{{- if and (eq $https.type "offload") .Values.proxy.service.disableHttpPort .Values.ingress.enabled -}}
{{- $problems = append $problems "proxy.service.disableHttpPort removes the port that the ingress needs: set it to false" -}}
{{- end -}}
{{- else if .Values.proxy.service.disableHttpPort -}}
{{- $problems = append $problems "proxy.service.disableHttpPort is true without proxy.https.enabled: no port would be left" -}}
{{- end -}}
{{- if and (eq .Values.proxy.service.type "ClusterIP") (or .Values.proxy.service.nodePorts.http .Values.proxy.service.nodePorts.https) -}}
{{- $problems = append $problems "proxy.service.nodePorts is given, but proxy.service.type is ClusterIP, which has none: set the type to NodePort" -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- define "remuda.checks.login" -}}
{{- $problems := list -}}
{{- $class := dig "JupyterHub" "authenticator_class" "" .Values.hub.config | toString -}}
{{- if and (has $class (list "dummy" "jupyterhub.auth.DummyAuthenticator" "DummyAuthenticator")) (not .Values.hub.allowDummyAuthenticator) -}}
{{- $problems = append $problems "hub.config.JupyterHub.authenticator_class is dummy, which lets anyone in under any name, administrators included: leave it out to log in with passwords, configure your identity provider (docs/how-to/install.md), or, for a test that nobody else can reach, set hub.allowDummyAuthenticator to true" -}}
{{- end -}}
{{- if and (eq $class "null") (not .Values.hub.services) -}}
{{- $problems = append $problems "hub.config.JupyterHub.authenticator_class is null, so nobody can log in, and there is no service in hub.services that could: choose another authenticator" -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- define "remuda.checks.pools" -}}
{{- $problems := list -}}
{{- $catalog := include "remuda.overlaidCatalog" . | fromYaml -}}
{{- $known := keys $catalog.pools | sortAlpha | join ", " | default "none" -}}
{{- $enabled := list -}}
{{- range $section := list "pools" "profiles" -}}
{{- range $id := keys (get $catalog $section) | sortAlpha -}}
{{- if or (gt (len $id) 63) (not (regexMatch "^[a-z0-9]+(-[a-z0-9]+)*$" $id)) -}}
{{- $problems = append $problems (printf "%s: '%s' is not an id: write lower-case letters, digits and single dashes, such as gpu-large" $section $id) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $id := keys $catalog.profiles | sortAlpha -}}
{{- $own := get $catalog.profiles $id | default dict -}}
{{- if and $own.extends (not (hasKey $catalog.profiles $own.extends)) -}}
{{- $problems = append $problems (printf "profiles.%s.extends: there is no profile '%s': choose one of %s" $id $own.extends (without (keys $catalog.profiles) $id | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $profile := include "remuda.extendedProfile" (list $catalog.profiles $id 0) | fromYaml -}}
{{- if hasKey $profile "enabled" | ternary $profile.enabled true -}}
{{- $enabled = append $enabled $id -}}
{{- if not $profile.pool -}}
{{- $problems = append $problems (printf "profiles.%s.pool is missing: choose one of %s" $id $known) -}}
{{- else if not (hasKey $catalog.pools $profile.pool) -}}
{{- $problems = append $problems (printf "profiles.%s.pool: there is no pool '%s': choose one of %s, or describe it under pools" $id $profile.pool $known) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $enabled -}}
{{- $problems = append $problems "no profile is enabled, so nobody could start anything: set shippedProfiles to true, or write some under profiles" -}}
{{- end -}}
{{- if and .Values.defaultProfile (not (has .Values.defaultProfile $enabled)) -}}
{{- $problems = append $problems (printf "defaultProfile: '%s' is not an enabled profile: choose one of %s" .Values.defaultProfile (join ", " $enabled)) -}}
{{- end -}}
{{- range $id, $pool := .Values.pools -}}
{{- if gt (int (dig "placeholders" "replicas" 0 ($pool | default dict))) 0 -}}
{{- if not $.Values.scheduling.podPriority.enabled -}}
{{- $problems = append $problems (printf "pools.%s.placeholders needs scheduling.podPriority.enabled: without priorities a placeholder keeps people out instead of making room for them" $id) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- /* Rules about machines that are not there, or that count nothing. Prices and time zones are for the hub to judge. */ -}}
{{- define "remuda.checks.policies" -}}
{{- $problems := list -}}
{{- $catalog := include "remuda.overlaidCatalog" . | fromYaml -}}
{{- $units := list "money" "machineHours" "gpuHours" -}}
{{- $amounts := list "servers" "cores" "memory" "gpus" "devices" -}}
{{- $policies := .Values.policies | default dict -}}
{{- range $section := list "quotas" "budgets" "approvals" -}}
{{- range $id, $rule := get $policies $section | default dict -}}
{{- if kindIs "map" $rule -}}
{{- $place := printf "policies.%s.%s" $section $id -}}
{{- range $kind := list "profiles" "pools" -}}
{{- range $name := get $rule $kind | default list -}}
{{- if not (hasKey (get $catalog $kind) $name) -}}
{{- $problems = append $problems (printf "%s.%s: there is no %s '%s': choose among %s" $place $kind (trimSuffix "s" $kind) $name (keys (get $catalog $kind) | sortAlpha | join ", " | default "none")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $given := list -}}
{{- range $key := eq $section "budgets" | ternary $units $amounts -}}
{{- if and (hasKey $rule $key) (not (kindIs "invalid" (get $rule $key))) -}}{{- $given = append $given $key -}}{{- end -}}
{{- end -}}
{{- if and (eq $section "quotas") (not $given) -}}
{{- $problems = append $problems (printf "%s limits nothing: give %s" $place (join ", " $amounts)) -}}
{{- end -}}
{{- if and (eq $section "budgets") (ne (len $given) 1) -}}
{{- $problems = append $problems (printf "%s: give exactly one of %s; there %s" $place (join ", " $units) (empty $given | ternary "is none" (printf "are %s" (join " and " $given)))) -}}
{{- end -}}
{{- if and (eq $section "budgets") (eq (toString $rule.per) "profile") -}}
{{- $problems = append $problems (printf "%s.per: a budget belongs to people: write user, group or hub, and name the profiles" $place) -}}
{{- end -}}
{{- $overrides := get $rule "overrides" | default dict -}}
{{- if and $overrides.users (ne (toString $rule.per) "user") -}}
{{- $problems = append $problems (printf "%s.overrides.users has no meaning with per: %s: write per: user, or remove them" $place $rule.per) -}}
{{- end -}}
{{- if and $overrides.groups (has (toString $rule.per) (list "profile" "hub")) -}}
{{- $problems = append $problems (printf "%s.overrides.groups has no meaning with per: %s: remove them" $place $rule.per) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- /* An existing Secret is looked at where the cluster can be asked. */ -}}
{{- define "remuda.checks.secret" -}}
{{- $problems := list -}}
{{- with .Values.hub.existingSecret -}}
{{- $there := lookup "v1" "Secret" $.Release.Namespace . -}}
{{- if $there -}}
{{- range $key := list "hub.config.JupyterHub.cookie_secret" "hub.config.CryptKeeper.keys" "hub.config.ConfigurableHTTPProxy.auth_token" -}}
{{- if not (hasKey ($there.data | default dict) $key) -}}
{{- $problems = append $problems (printf "hub.existingSecret: the Secret '%s' lacks the key %s: add it (openssl rand -hex 32)" $.Values.hub.existingSecret $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $given := include "remuda.givenKeys" $ | fromJson -}}
{{- if $given -}}
{{- $problems = append $problems (printf "hub.existingSecret is given, so the value for %s would not be used: put it into that Secret under this key, and remove it from the values" $key) -}}
{{- end -}}
{{- end -}}
{{- if $.Values.hub.db.password -}}
{{- $problems = append $problems "hub.existingSecret is given, so hub.db.password would not be used: put it into that Secret under the key hub.db.password" -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- define "remuda.checks.kubespawner" -}}
{{- $problems := list -}}
{{- $config := .Values.hub.config -}}
{{- range $class := list "KubeSpawner" "WorkbenchSpawner" -}}
{{- if dig $class "profile_list" "" $config -}}
{{- $problems = append $problems (printf "hub.config.%s.profile_list: machines are described under profiles here, where prices, quotas and the spawn page come from: `python -m tools.chart_schema.from_z2jh VALUES.yaml` writes them" $class) -}}
{{- end -}}
{{- end -}}
{{- if dig "JupyterHub" "spawner_class" "" $config -}}
{{- $problems = append $problems "hub.config.JupyterHub.spawner_class replaces the spawner that knows the profiles: remove it; its settings go under hub.config.WorkbenchSpawner" -}}
{{- end -}}
{{- range $class, $traits := $config -}}
{{- if or (get $traits "enable_user_namespaces") (and (eq $class "JupyterHub") (get $traits "internal_ssl")) -}}
{{- $problems = append $problems (printf "hub.config.%s: internal_ssl and enable_user_namespaces need rights over Secrets and namespaces, which the chart does not give the hub: remove them" $class) -}}
{{- end -}}
{{- end -}}
{{- if dig "JupyterHub" "db_url" "" $config -}}
{{- $problems = append $problems "hub.config.JupyterHub.db_url: use hub.db.type and hub.db.url, which also mount what the database needs" -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- define "remuda.checks.data" -}}
{{- $problems := list -}}
{{- range $number, $each := .Values.data.reach -}}
{{- if and $each.cidr (or $each.namespace $each.podLabels) -}}
{{- $problems = append $problems (printf "data.reach[%d] has cidr and namespace or podLabels: a rule means addresses or pods; write two entries" $number) -}}
{{- else if not (or $each.cidr $each.namespace $each.podLabels) -}}
{{- $problems = append $problems (printf "data.reach[%d] names no pods and no addresses: give podLabels, namespace or cidr, such as {podLabels: {app: minio}, ports: [9000]}" $number) -}}
{{- end -}}
{{- end -}}
{{- $settings := .Values.data.settings -}}
{{- if regexMatch "^[a-z0-9+]+://[^/@:]*:[^/@]+@" ($settings.metastore | default "") -}}
{{- $problems = append $problems "data.settings.metastore contains a password, and every user can read /etc/remuda/data.yaml: leave it out, and let each person keep theirs in ~/.pgpass" -}}
{{- end -}}
{{- range $name, $database := $settings.databases -}}
{{- if regexMatch "^[a-z0-9+]+://[^/@:]*:[^/@]+@" ($database.url | default "") -}}
{{- $problems = append $problems (printf "data.settings.databases.%s.url contains a password, and every user can read /etc/remuda/data.yaml: leave it out, and let each person keep theirs in ~/.pgpass" $name) -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{- /*
Network policies. They are allow-lists; an address is refused because no rule names it.

Three kinds of destination, by z2jh's names:
  nonPrivateIPs        the internet: everything but the ranges below
  privateIPs           RFC 1918, RFC 6598 (100.64.0.0/10, where some clouds keep pods and a metadata server) and IPv6's fc00::/7
  cloudMetadataServer  the link-local metadata address
Always outside of nonPrivateIPs as well: all of link-local (169.254.169.254 is not the only metadata address there:
169.254.170.2 and .23 hand out credentials of ECS and EKS), 192.0.0.0/24 (192.0.0.192, Oracle's metadata), 198.18.0.0/15
(benchmark range, used for clusters' insides), 168.63.129.16 (Azure's host agent, a public address), NAT64's prefix (it
leads to any IPv4 address), IPv6 link-local.
*/}}

{{- define "remuda.netpol.private4" -}}
["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
{{- end }}

{{- define "remuda.netpol.never4" -}}
["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/3", "168.63.129.16/32"]
{{- end }}

{{- define "remuda.netpol.never6" -}}
["::/127", "fe80::/10", "ff00::/8", "64:ff9b::/96", "64:ff9b:1::/48"]
{{- end }}

{{- /* Arguments: list of (list of CIDRs, true for IPv6). Result: JSON list. */ -}}
{{- define "remuda.netpol.family" -}}
{{- $kept := list -}}
{{- $want := index . 1 -}}
{{- range index . 0 -}}
{{- if eq (contains ":" .) $want -}}
{{- $kept = append $kept . -}}
{{- end -}}
{{- end -}}
{{- toJson $kept -}}
{{- end }}

{{- /* Egress rules by name. Arguments: list of (egressAllowRules, blocked CIDRs of the admin). */ -}}
{{- define "remuda.netpol.egressAllowRules" -}}
{{- $rules := index . 0 -}}
{{- $blocked := index . 1 | default list -}}
{{- $blocked4 := include "remuda.netpol.family" (list $blocked false) | fromJsonArray -}}
{{- $blocked6 := include "remuda.netpol.family" (list $blocked true) | fromJsonArray -}}
{{- $private4 := include "remuda.netpol.private4" . | fromJsonArray -}}
{{- $dns := list (dict "port" 53 "protocol" "UDP") (dict "port" 53 "protocol" "TCP") -}}
{{- if $rules.dnsPortsKubeSystemNamespace }}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
  ports:
    {{- toYaml $dns | nindent 4 }}
{{- end }}
{{- if $rules.dnsPortsCloudMetadataServer }}
- to:
    - ipBlock:
        cidr: 169.254.169.254/32
  ports:
    {{- toYaml $dns | nindent 4 }}
{{- end }}
{{- if $rules.dnsPortsPrivateIPs }}
- to:
    {{- range append $private4 "fc00::/7" }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
    # NodeLocal DNSCache listens here
    - ipBlock:
        cidr: 169.254.20.10/32
  ports:
    {{- toYaml $dns | nindent 4 }}
{{- end }}
{{- if $rules.nonPrivateIPs }}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- concat $private4 (include "remuda.netpol.never4" . | fromJsonArray) $blocked4 | uniq | toYaml | nindent 10 }}
    - ipBlock:
        cidr: "::/0"
        except:
          {{- concat (list "fc00::/7") (include "remuda.netpol.never6" . | fromJsonArray) $blocked6 | uniq | toYaml | nindent 10 }}
{{- end }}
{{- if $rules.privateIPs }}
- to:
    {{- range append $private4 "fc00::/7" }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
{{- end }}
{{- if $rules.cloudMetadataServer }}
- to:
    - ipBlock:
        cidr: 169.254.169.254/32
{{- end }}
{{- end }}

{{- /*
Peers that carry one of z2jh's access labels. In this namespace they are welcome; from other namespaces only with
`interNamespaceAccessLabels: accept`. Arguments: list of (access label, policy values).
*/ -}}
{{- define "remuda.netpol.labelled" -}}
- podSelector:
    matchLabels:
      hub.jupyter.org/network-access-{{ index . 0 }}: "true"
  {{- if eq (index . 1).interNamespaceAccessLabels "accept" }}
  namespaceSelector: {}
  {{- end }}
{{- end }}

{{- /* Arguments: list of (root, component). */ -}}
{{- define "remuda.netpol.peer" -}}
- podSelector:
    matchLabels:
      {{- include "remuda.selectorLabels" . | nindent 6 }}
{{- end }}

{{- define "remuda.netpol.singleuserPeer" -}}
- podSelector:
    matchLabels:
      {{- include "remuda.singleuserSelector" . | nindent 6 }}
{{- end }}

{{- /* Where a machine's data are. Argument: an entry of data.reach; _checks.tpl has refused one that would mean everything. */ -}}
{{- define "remuda.netpol.destination" -}}
{{- if .cidr -}}
- ipBlock:
    cidr: {{ .cidr | quote }}
{{- else -}}
- podSelector:
    {{- with .podLabels }}
    matchLabels:
      {{- toYaml . | nindent 6 }}
    {{- else }} {}
    {{- end }}
  {{- with .namespace }}
  namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

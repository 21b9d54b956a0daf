{{- define "staffetta.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{- define "staffetta.selector" -}}
app.kubernetes.io/name: staffetta
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "staffetta.labels" -}}
{{ include "staffetta.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "staffetta.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* What every container of ours may do: nothing but run. */ -}}
{{- define "staffetta.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* The settings, as staffetta serve --config reads them. */ -}}
{{- define "staffetta.settings" -}}
{{- $nats := dict "url" .Values.nats.url "replicas" (int .Values.nats.streamReplicas) -}}
{{- if .Values.nats.credsSecret }}{{ $_ := set $nats "creds" "/run/secrets/nats/nats.creds" }}{{ end -}}
{{- if .Values.nats.caSecret }}{{ $_ := set $nats "ca" "/run/secrets/nats-ca/ca.crt" }}{{ end -}}
{{- $gateway := dict "url" .Values.gateway.url -}}
{{- if .Values.gateway.existingSecret }}{{ $_ := set $gateway "key_file" "/run/secrets/gateway/gateway-key" }}{{ end -}}
{{- $all := dict "nats" $nats "gateway" $gateway "http" (dict "listen" ":8080") -}}
{{- if .Values.accounts }}{{ $_ := set $all "accounts" "/etc/staffetta/accounts.yaml" }}{{ end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.settings) $all) -}}
{{- end }}

{{- define "staffetta.accounts" -}}
{{- range .Values.accounts }}
- {{ omit . "existingSecret" | merge (dict "key_file" (printf "/run/secrets/accounts/%s/gateway-key" .name)) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end }}

{{- define "staffetta.mounts" -}}
- {name: settings, mountPath: /etc/staffetta, readOnly: true}
{{- if .Values.gateway.existingSecret }}
- {name: gateway, mountPath: /run/secrets/gateway, readOnly: true}
{{- end }}
{{- if .Values.nats.credsSecret }}
- {name: nats, mountPath: /run/secrets/nats, readOnly: true}
{{- end }}
{{- if .Values.nats.caSecret }}
- {name: nats-ca, mountPath: /run/secrets/nats-ca, readOnly: true}
{{- end }}
{{- range .Values.accounts }}
- {name: account-{{ .name | lower | replace "_" "-" }}, mountPath: /run/secrets/accounts/{{ .name }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "staffetta.volumes" -}}
- name: settings
  configMap: {name: {{ include "staffetta.name" . }}}
{{- if .Values.gateway.existingSecret }}
- name: gateway
  secret: {secretName: {{ .Values.gateway.existingSecret }}}
{{- end }}
{{- if .Values.nats.credsSecret }}
- name: nats
  secret: {secretName: {{ .Values.nats.credsSecret }}}
{{- end }}
{{- if .Values.nats.caSecret }}
- name: nats-ca
  secret: {secretName: {{ .Values.nats.caSecret }}}
{{- end }}
{{- range .Values.accounts }}
- name: account-{{ .name | lower | replace "_" "-" }}
  secret: {secretName: {{ .existingSecret }}}
{{- end }}
{{- end }}

#!/bin/sh
# Puts the secrets into Vault and lets the pods' service account read them, and nothing else.
#   DATABASE_URL, API_KEY  the values; NAMESPACE  of the pods, default `default`
# Needs the vault command, logged in, with Kubernetes authentication enabled at auth/kubernetes.
set -eu
: "${DATABASE_URL:?}" "${API_KEY:?}"

vault kv put secret/market-data-pipeline database_url="$DATABASE_URL" api_key="$API_KEY"
vault policy write market-data-pipeline - <<'POLICY'
path "secret/data/market-data-pipeline" { capabilities = ["read"] }
POLICY
vault write auth/kubernetes/role/market-data-pipeline \
  bound_service_account_names=market-data-pipeline \
  bound_service_account_namespaces="${NAMESPACE:-default}" \
  policies=market-data-pipeline ttl=1h

#!/bin/sh
# Backs up what mdp keeps, beside the running program or without it, and restores it; usage below.
# The order is what makes a backup whole: first the checkpoint, behind which everything is in the
# database; then the database; then the journal's segments. A restored program goes on from the
# checkpoint, reads the segments again, and the database keeps one copy of each row.
set -eu

usage() {
  cat <<'TEXT'
usage: backup.sh save|restore DIR [--config FILE]

  save     database, journal and checkpoint into DIR, which must not exist yet
  restore  all of it from DIR into a database that has no such schema, or an SQLite file that is
           not there, and into an empty journal.dir; then start mdp

Database and journal are those of the configuration and the environment, as for mdp itself:
DATABASE_URL or DATABASE_URL_FILE, PIPELINE_JOURNAL_DIR, FILE (default ./config.yaml).
Needs mdp (MDP=PATH says which), and pg_dump, pg_restore and psql, or sqlite3.
TEXT
}

say() { echo "backup.sh: $*"; }

fail() {
  echo "backup.sh: FAILED $*" >&2
  exit 1
}

refuse() {
  usage >&2
  echo "backup.sh: $*" >&2
  exit 2
}

verb=${1:-}
dir=${2:-}
config=
case $verb in
  save | restore) ;;
  -h | --help) usage && exit 0 ;;
  *) refuse 'save or restore?' ;;
esac
[ -n "$dir" ] || refuse "$verb needs a directory"
shift 2
while [ "$#" -gt 0 ]; do
  case $1 in
    --config) config=${2:?--config needs a file} && shift ;;
    *) refuse "unknown argument '$1'" ;;
  esac
  shift
done

mdp=${MDP:-$(command -v mdp || echo "$(dirname "$0")/../dist/mdp")}
settings=$("$mdp" config ${config:+--config "$config"}) || fail "$mdp config: see above"

# setting SECTION KEY: its value as it is in force; empty when it is not set.
setting() {
  echo "$settings" | awk -v section="$1:" -v key="$2:" '
    /^[a-z]/ { at = $1 }
    at == section && $1 == key {
      sub(/^ *[a-z_]+: */, ""); sub(/ +# .*$/, ""); gsub(/^["\047]|["\047]$/, ""); print; exit
    }'
}

journal=$(setting journal dir)
schema=$(setting database schema)
url=${DATABASE_URL:-${PIPELINE_DATABASE_URL:-}}
file=${DATABASE_URL_FILE:-${PIPELINE_DATABASE_URL_FILE:-}}
[ -n "$url" ] || [ -z "$file" ] || url=$(cat "$file")
[ -n "$url" ] || url=$(setting database url)
case $url in
  *':***@'*) refuse 'the password is in the configuration file: give DATABASE_URL instead' ;;
  sqlite:///*) kind=sqlite database=${url#sqlite://} ;;
  sqlite:*) kind=sqlite database=${url#sqlite:} ;;
  *) kind=postgres ;;
esac

# %40 is @, and so on.
decoded() {
  echo "$1" | LC_ALL=C awk '{
    while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
      high = index("0123456789abcdef", tolower(substr($0, RSTART + 1, 1))) - 1
      low = index("0123456789abcdef", tolower(substr($0, RSTART + 2, 1))) - 1
      text = text substr($0, 1, RSTART - 1) sprintf("%c", 16 * high + low)
      $0 = substr($0, RSTART + 3)
    }
    print text $0
  }'
}

# The password goes by the environment: command lines are for everyone to read.
hide_password() {
  rest=${url#*://}
  case ${rest%%[/?]*} in
    *:*@*)
      after_user=${rest#*:}
      PGPASSWORD=$(decoded "${after_user%%@*}")
      export PGPASSWORD
      url=${url%%://*}://${rest%%:*}@${rest#*@}
      ;;
  esac
  mode=$(setting database sslmode)
  ca=$(setting database ssl_ca)
  [ -z "$mode" ] || export PGSSLMODE="$mode"
  [ -z "$ca" ] || export PGSSLROOTCERT="$ca"
}

ask() { psql -AtqX -v ON_ERROR_STOP=1 -d "$url" -c "$1"; }

has_timescale() { [ -n "$(ask "select 1 from pg_extension where extname = 'timescaledb'")" ]; }

# --- save

# The newest checkpoint's position in the journal, or nothing.
position_of() {
  newest=$(find "$1" -name 'checkpoint-*.mdpc' | sort | tail -n 1)
  [ -z "$newest" ] || od -An -t f8 -j 12 -N 8 "$newest" | awk '{ printf "%.0f\n", $1 }'
}

# Checkpoints are replaced while the program runs: what has gone has a newer one in its place.
save_checkpoints() {
  mkdir "$1/journal"
  tries=0
  until [ -n "$(position_of "$1/journal")" ]; do
    [ -n "$(position_of "$journal")" ] || return 0
    cp "$journal"/checkpoint-*.mdpc "$1/journal/" 2>/dev/null || true
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the checkpoints in $journal cannot be read"
  done
}

save_database() {
  if [ "$kind" = sqlite ]; then
    sqlite3 "file:$database?mode=ro" "vacuum into '$1/mdp.db'"
  elif has_timescale; then
    # Chunks are in schemas of TimescaleDB's own: only the whole database is whole.
    pg_dump --format=custom --dbname="$url" --file="$1/database.dump"
  else
    pg_dump --format=custom --schema="$schema" --dbname="$url" --file="$1/database.dump"
  fi
}

# Segments as the program makes, compresses and removes them, until there is none that is new.
save_segments() {
  while :; do
    missing=
    for path in "$journal"/*.mdpj "$journal"/*.mdpj.zst; do
      [ -e "$path" ] || continue
      [ ! -e "$1/journal/${path##*/}" ] || continue
      missing=yes
      if cp "$path" "$1/journal/.copy" 2>/dev/null; then
        mv "$1/journal/.copy" "$1/journal/${path##*/}"
      elif [ -e "$path" ]; then
        fail "$path cannot be copied"
      fi
    done
    [ -n "$missing" ] || return 0
  done
}

# The segment that the checkpoint points into, by its number; the program removes the oldest first.
segment_at() {
  find "$journal" -name '*.mdpj*' | sed 's|.*/||' | sort |
    awk -F '[-.]' -v at="$1" 'NR == 1 || $1 + 0 <= at + 0 { number = $2 } END { print number }'
}

save() {
  [ ! -e "$dir" ] || fail "$dir is there already"
  umask 077
  part=$dir.partial
  rm -rf "$part"
  mkdir -p "$part"
  needed=
  if [ -d "$journal" ]; then
    save_checkpoints "$part"
    needed=$(segment_at "$(position_of "$part/journal")")
  fi
  save_database "$part"
  [ ! -d "$journal" ] || save_segments "$part"
  [ -z "$needed" ] || [ -n "$(find "$part/journal" -name "*-$needed.mdpj*")" ] ||
    fail "segment $needed was removed while the database was saved: raise journal.retain"
  { "$mdp" version && date -u '+%Y-%m-%dT%H:%M:%SZ'; } >"$part/made-by"
  (cd "$part" && find . -type f -exec sha256sum {} + >../.sums.$$ && mv ../.sums.$$ SHA256SUMS)
  mv "$part" "$dir"
  say "saved $(du -sh "$dir" | cut -f 1) in $dir"
}

# --- restore

# To whom the directory around it belongs: the program is not root.
give() { [ "$(id -u)" -ne 0 ] || chown -R --reference="$(dirname "$1")" "$1"; }

restore_database() {
  if [ "$kind" = sqlite ]; then
    [ -e "$dir/mdp.db" ] || refuse "$dir holds no SQLite database"
    mkdir -p "$(dirname "$database")"
    cp "$dir/mdp.db" "$database"
    give "$database"
    return
  fi
  [ -e "$dir/database.dump" ] || refuse "$dir holds no PostgreSQL database"
  into="--dbname=$url --no-owner --exit-on-error"
  if pg_restore --list "$dir/database.dump" | grep -q 'EXTENSION - timescaledb'; then
    ask 'create extension if not exists timescaledb'
    ask 'select timescaledb_pre_restore()' >/dev/null
    # shellcheck disable=SC2086 # a list of options
    pg_restore $into "$dir/database.dump"
    ask 'select timescaledb_post_restore()' >/dev/null
  else
    # shellcheck disable=SC2086 # a list of options
    pg_restore $into --single-transaction "$dir/database.dump"
  fi
}

restore() {
  [ -e "$dir/SHA256SUMS" ] || refuse "$dir is no backup"
  (cd "$dir" && sha256sum --check --quiet SHA256SUMS) || fail "$dir is damaged: nothing was done"
  if [ "$kind" = sqlite ]; then
    [ ! -e "$database" ] || fail "$database is there already: nothing was done"
  elif [ -n "$(ask "select to_regnamespace('$schema')")" ]; then
    fail "the database has a schema $schema already: nothing was done"
  fi
  [ -z "$(ls -A "$journal" 2>/dev/null)" ] || fail "$journal is not empty: nothing was done"
  restore_database
  if [ -d "$dir/journal" ]; then
    mkdir -p "$journal"
    cp -R "$dir/journal/." "$journal/"
    give "$journal"
  fi
  say "restored from $dir ($(head -n 1 "$dir/made-by")); start mdp, it goes on from its checkpoint"
}

[ "$kind" = sqlite ] || hide_password
"$verb"

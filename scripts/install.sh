#!/bin/sh
# Installs mdp as a systemd service from a checkout or an unpacked release; see usage below. It can
# be run again: what is there is kept where it is yours (configuration, secrets, data) and replaced
# where it is the program's. Needs sh and, for the service itself, systemd and root.
set -eu
CDPATH='' cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: scripts/install.sh install|upgrade|remove [--binary FILE] [--root DIR] [--purge]

  install   put the program, its service and its user in place; start it once there is a database
  upgrade   replace the program and its service, and restart it if it runs
  remove    stop it and take the program and its service away; configuration and data stay

  --binary FILE  the executable (default: dist/mdp)
  --root DIR     work on a system tree under DIR, and start nothing
  --purge        with remove: configuration, secrets, data and audit log too

install takes the address of the database from DATABASE_URL, where that is set.
TEXT
}

say() { echo "install.sh: $*"; }

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

refuse() {
  usage >&2
  echo "install.sh: $*" >&2
  exit 2
}

verb=
binary=dist/mdp
root=
purge=

while [ "$#" -gt 0 ]; do
  case $1 in
    install | upgrade | remove) verb=$1 ;;
    --binary) binary=${2:?--binary needs a file} && shift ;;
    --root) root=${2:?--root needs a directory} && shift ;;
    --purge) purge=yes ;;
    -h | --help) usage && exit 0 ;;
    *) refuse "unknown argument '$1'" ;;
  esac
  shift
done
[ -n "$verb" ] || refuse 'install, upgrade or remove?'
[ -z "$purge" ] || [ "$verb" = remove ] || refuse '--purge goes with remove'
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail 'needs root: try sudo, or --root DIR'

program=$root/usr/local/bin/mdp
backup=$root/usr/local/bin/mdp-backup
unit=$root/usr/local/lib/systemd/system/mdp.service
users=$root/usr/local/lib/sysusers.d/mdp.conf
files=$root/usr/local/lib/tmpfiles.d/mdp.conf
manual=$root/usr/local/share/doc/mdp
settings=$root/etc/mdp
data=$root/var/lib/mdp
logs=$root/var/log/mdp

# Whether the systemd of this machine is to be told.
is_live() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# place MODE FROM TO: by a rename, so that a running program is never written to.
place() {
  mkdir -p "$(dirname "$3")"
  cp "$2" "$3.new"
  chmod "$1" "$3.new"
  mv "$3.new" "$3"
}

# Against the checksums beside it, where the build or the release put some.
verify_checksum() {
  sums=$(dirname "$binary")/SHA256SUMS
  [ -e "$sums" ] || return 0
  [ "$(sed -n 's/  mdp$//p' "$sums")" = "$(sha256sum "$binary" | cut -d ' ' -f 1)" ] ||
    fail "$binary is not the file that $sums was made for; it was not installed"
}

place_program() {
  [ -x "$binary" ] || fail "$binary is no executable: ./scripts/dev.sh build makes dist/mdp"
  verify_checksum
  "$binary" version >/dev/null || fail "$binary does not run on this machine"
  place 755 "$binary" "$program"
  place 755 scripts/backup.sh "$backup"
  place 644 deploy/systemd/mdp.service "$unit"
  place 644 deploy/systemd/mdp.sysusers.conf "$users"
  place 644 deploy/systemd/mdp.tmpfiles.conf "$files"
  place 644 docs/operations.md "$manual/operations.md"
  place 644 docs/configuration.md "$manual/configuration.md"
  place 644 docs/security.md "$manual/security.md"
  bill=$(dirname "$binary")/mdp.cdx.json
  [ ! -e "$bill" ] || place 644 "$bill" "$manual/mdp.cdx.json"
}

make_user_and_directories() {
  mkdir -p "$root/etc"
  systemd-sysusers ${root:+"--root=$root"} "$users"
  systemd-tmpfiles ${root:+"--root=$root"} --create "$files"
}

# What is yours is made once and never replaced.
place_settings() {
  [ -e "$settings/config.yaml" ] || {
    "$binary" config --default >"$settings/config.yaml"
    chmod 644 "$settings/config.yaml"
  }
  [ -e "$settings/mdp.env" ] || place 644 deploy/systemd/mdp.env "$settings/mdp.env"
  [ -e "$settings/credentials/api_key" ] || {
    secret api_key "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
    say "made an API key: $settings/credentials/api_key"
  }
  [ -e "$settings/credentials/database_url" ] || [ -z "${DATABASE_URL:-}" ] ||
    secret database_url "$DATABASE_URL"
}

secret() {
  (umask 077 && printf '%s\n' "$2" >"$settings/credentials/$1")
}

start() {
  is_live || return 0
  systemctl daemon-reload
  systemctl enable --quiet mdp
  systemctl restart mdp
}

install_all() {
  place_program
  make_user_and_directories
  place_settings
  if [ -e "$settings/credentials/database_url" ]; then
    start
    say "installed $("$binary" version)"
    return
  fi
  ! is_live || systemctl daemon-reload
  say "installed $("$binary" version), not started: it has no database yet"
  say "write its address, postgres://…, to $settings/credentials/database_url"
  say "and your sources to $settings/config.yaml; then: systemctl enable --now mdp"
}

upgrade() {
  [ -e "$program" ] || fail "mdp is not installed here: scripts/install.sh install"
  place_program
  make_user_and_directories
  if is_live; then
    systemctl daemon-reload
    systemctl try-restart mdp
  fi
  say "upgraded to $("$binary" version)"
}

remove() {
  ! is_live || systemctl disable --quiet --now mdp 2>/dev/null || true
  rm -f "$program" "$backup" "$unit" "$users" "$files"
  rm -rf "$manual"
  ! is_live || systemctl daemon-reload
  if [ -n "$purge" ]; then
    rm -rf "$settings" "$data" "$logs"
    say 'removed, with configuration, secrets, data and audit log; the user mdp stays'
  else
    say "removed; $settings and $data stay (--purge removes them)"
  fi
}

case $verb in
  install) install_all ;;
  upgrade) upgrade ;;
  remove) remove ;;
esac

# shellcheck shell=sh
# What dev.sh stands on: the pinned Bun, the locked dependencies, the executable. Each is made only
# when missing or out of date, under one lock, and appears by a rename, so two dev.sh at once do not
# break each other. Needs npm or any bun; runs no install script of any package; what it downloads
# must match scripts/bun.sha512 (the registry's own dist.integrity, in hex) or bun.lock.
# Sourced from the repository's root.

BUN_VERSION=1.4.5
CACHE=${XDG_CACHE_HOME:+$XDG_CACHE_HOME/mdp}
CACHE=${CACHE:-$PWD/.cache}
LOCK=$PWD/.cache/lock
LOCK_WAIT_S=600
BUILD_INPUTS='src config.yaml package.json bun.lock bunfig.toml tsconfig.json
  scripts/build.ts scripts/sbom.ts'

WORK=
LOCKED=

say() { echo "dev.sh: $*" >&2; }

fail() {
  say "$@"
  exit 1
}

need_bun() {
  ensure bun_ready install_bun
  PATH=$(dirname "$BUN"):$PATH
  export PATH
}

need_dependencies() {
  need_bun
  ensure dependencies_ready install_dependencies
}

need_executable() {
  executable_ready && return
  need_dependencies
  ensure executable_ready build_executable
}

# ensure READY MAKE: runs MAKE under the lock, unless READY says that there is nothing to make.
ensure() {
  "$1" && return
  take_lock
  "$1" || "$2"
  drop_lock
}

# The lock is a symbolic link to its holder's process id: made in one step, never without its owner.
take_lock() {
  mkdir -p "$(dirname "$LOCK")" "$CACHE"
  trap release EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  waited=0
  until ln -s "$$" "$LOCK" 2>/dev/null; do
    holder=$(readlink "$LOCK" || echo gone)
    if [ "$holder" != gone ] && ! kill -0 "$holder" 2>/dev/null; then
      say "removing the lock of process $holder, which has ended"
      rm -f "$LOCK"
      continue
    fi
    [ "$waited" -lt "$LOCK_WAIT_S" ] ||
      fail "process $holder has held .cache/lock for $LOCK_WAIT_S s; if it hangs, end it"
    [ "$waited" -gt 0 ] || say "waiting for another dev.sh (process $holder)"
    waited=$((waited + 1))
    sleep 1
  done
  LOCKED=yes
}

drop_lock() {
  rm -f "$LOCK"
  LOCKED=
}

release() {
  [ -z "$WORK" ] || rm -rf "$WORK"
  [ -z "$LOCKED" ] || drop_lock
}

# Sets BUN: the one fetched before, else the one on PATH when it is exactly the pinned version.
bun_ready() {
  name_package
  BUN=$CACHE/$PACKAGE-$BUN_VERSION/bun
  [ -x "$BUN" ] && return
  BUN=$(command -v bun) && [ "$("$BUN" --version 2>/dev/null)" = "$BUN_VERSION" ]
}

name_package() {
  case $(uname -sm) in
    'Linux x86_64') PACKAGE=bun-linux-x64 ;;
    'Linux aarch64') PACKAGE=bun-linux-aarch64 ;;
    'Darwin x86_64') PACKAGE=bun-darwin-x64 ;;
    'Darwin arm64') PACKAGE=bun-darwin-aarch64 ;;
    *) fail "$(uname -sm) is not supported: Linux (glibc) and macOS on x64 and arm64 are" ;;
  esac
}

install_bun() {
  refuse_musl
  say "fetching Bun $BUN_VERSION into $CACHE (once)"
  tarball=oven-$PACKAGE-$BUN_VERSION.tgz
  WORK=$(mktemp -d "$CACHE/fetch.XXXXXX")
  if command -v npm >/dev/null; then
    download=download_by_npm
  elif command -v bun >/dev/null; then
    download=download_by_bun
  else
    fail "needs npm or bun on PATH: install Node.js or Bun (any version), then try again"
  fi
  $download >"$WORK/log" 2>&1 || {
    cat "$WORK/log" >&2
    fail "could not fetch @oven/$PACKAGE@$BUN_VERSION: is the npm registry reachable from here?"
  }
  checksum_matches || fail "$tarball is not the file that scripts/bun.sha512 pins; it was not used"
  tar -xzf "$WORK/$tarball" -C "$WORK" || fail "could not unpack $tarball: needs tar and gzip"
  BUN=$CACHE/$PACKAGE-$BUN_VERSION/bun
  chmod +x "$WORK/package/bin/bun"
  [ "$("$WORK/package/bin/bun" --version)" = "$BUN_VERSION" ] ||
    fail "Bun $BUN_VERSION does not run on this machine (it needs glibc 2.17 or newer and /proc)"
  mkdir -p "$(dirname "$BUN")"
  mv "$WORK/package/bin/bun" "$BUN"
  rm -rf "$WORK"
  WORK=
}

refuse_musl() {
  for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || [ -e /lib64/ld-linux-x86-64.so.2 ] || [ -e /lib/ld-linux-aarch64.so.1 ] ||
      fail "musl (Alpine) is not supported: build on a glibc Linux, for example Debian"
  done
}

download_by_npm() {
  (cd "$WORK" && npm pack --loglevel=error --ignore-scripts "@oven/$PACKAGE@$BUN_VERSION")
}

# shellcheck disable=SC2016 # the dollar signs belong to the script
download_by_bun() {
  registry=${npm_config_registry:-https://registry.npmjs.org}
  FROM=${registry%/}/@oven/$PACKAGE/-/$PACKAGE-$BUN_VERSION.tgz TO=$WORK/$tarball bun -e '
    const response = await fetch(process.env.FROM);
    if (!response.ok) throw new Error(`${process.env.FROM}: ${response.status}`);
    await Bun.write(process.env.TO, response);'
}

checksum_matches() {
  pinned=$(sed -n "s/  $tarball\$//p" scripts/bun.sha512)
  if command -v sha512sum >/dev/null; then
    found=$(sha512sum "$WORK/$tarball")
  else
    found=$(shasum -a 512 "$WORK/$tarball")
  fi
  [ -n "$pinned" ] && [ "${found%% *}" = "$pinned" ]
}

dependencies_ready() { cmp -s bun.lock node_modules/.installed.lock; }

install_dependencies() {
  say 'installing the locked dependencies'
  "$BUN" install --frozen-lockfile --ignore-scripts >.cache/install.log 2>&1 || {
    cat .cache/install.log >&2
    fail 'could not install the dependencies of bun.lock: is the npm registry reachable from here?'
  }
  cp bun.lock node_modules/.installed.lock
}

# Older than any source? A folder counts too: its time changes when a file in it comes or goes.
executable_ready() {
  [ -x dist/mdp ] && [ -e dist/mdp.cdx.json ] && [ -e dist/SHA256SUMS ] && [ -e dist/.built ] &&
    # shellcheck disable=SC2086 # a list of paths
    [ -z "$(find $BUILD_INPUTS ! -name '*.test.ts' -newer dist/.built 2>/dev/null | head -n 1)" ]
}

build_executable() {
  say 'building dist/mdp'
  mkdir -p dist
  : >dist/.building
  "$BUN" scripts/build.ts >&2 || fail 'the build failed'
  mv dist/.building dist/.built
}

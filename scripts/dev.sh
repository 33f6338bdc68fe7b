#!/bin/sh
# The one door to the repository: ./scripts/dev.sh help. Works from a bare clone with git and either
# npm or bun; scripts/toolchain.sh makes whatever a verb needs, and says so only when it does.
set -eu
CDPATH='' cd "$(dirname "$0")/.."
. scripts/toolchain.sh

usage() {
  cat <<'TEXT'
usage: ./scripts/dev.sh VERB [ARGS]

  run [ARGS]       build what is needed and start the pipeline; ARGS go to `mdp run`
  test [FILTER]    run every test, or those whose file path contains FILTER
  test-integration [FILTER]
                   diagnostics: mdp doctor, the tests on real servers and sockets, and the smoke
                   test when something answers at BASE_URL (default http://127.0.0.1:8083)
  bench [NAME]     the executable against what the machine can do; --quick: under two minutes
  sim [--seeds N]  simulated lives with every fault; --seed S repeats one, --log with its log
  soak NAME        hours under load: memory [MINUTES] [RATE], postgres-faults [SECONDS] [SEED],
                   renewal [FRAMES] [SEED], kill [FRAMES] [KILLS] [SEED],
                   database-away [SECONDS] [RATE],
                   cgroup [SECONDS] [RATE], fuzz [REQUESTS] [CONFIGURATIONS] [SEED]
  mutants [NAME]   guards taken out one by one: the test that must notice does
  check            types, lint, format, unused code, house rules
  build            make dist/mdp, one executable without dependencies
  fmt              format the repository in place
  clean            remove dist, node_modules and .cache; never ./data
  help             this text
TEXT
}

refuse() {
  say "$@"
  usage >&2
  exit 2
}

no_arguments() {
  [ "$#" -eq 1 ] || refuse "'$1' takes no arguments"
}

verb=${1:-}
[ -n "$verb" ] || refuse 'which verb?'

case $verb in
  run)
    shift
    need_executable
    exec dist/mdp run "$@"
    ;;
  test)
    shift
    need_executable
    need_dependencies
    exec "$BUN" scripts/test.ts "$@"
    ;;
  check)
    no_arguments "$@"
    need_dependencies
    exec "$BUN" scripts/check.ts
    ;;
  build)
    no_arguments "$@"
    need_executable
    echo "dist/mdp is up to date, $(($(wc -c <dist/mdp) / 1000000)) MB"
    ;;
  fmt)
    no_arguments "$@"
    need_bun
    exec "$BUN" fmt --no-script
    ;;
  clean)
    no_arguments "$@"
    take_lock
    rm -rf dist node_modules .cache
    ;;
  help | -h | --help)
    usage
    ;;
  bench)
    shift
    need_executable
    need_dependencies
    [ "${1:-}" != sink ] || {
      shift
      exec "$BUN" bench/sink.ts "$@"
    }
    exec "$BUN" bench/bench.ts "$@"
    ;;
  soak)
    name=${2:-}
    for script in "test/soak/$name.ts" "bench/soak-$name.ts"; do
      [ -f "$script" ] || continue
      shift 2
      need_executable
      need_dependencies
      exec "$BUN" "$script" "$@"
    done
    refuse "no soak is called '$name'"
    ;;
  sim)
    shift
    need_dependencies
    exec "$BUN" scripts/sim.ts "$@"
    ;;
  mutants)
    shift
    need_dependencies
    exec "$BUN" scripts/mutants.ts "$@"
    ;;
  test-integration)
    shift
    need_executable
    need_dependencies
    exec "$BUN" scripts/test-integration.ts "$@"
    ;;
  *)
    refuse "unknown verb '$verb'"
    ;;
esac

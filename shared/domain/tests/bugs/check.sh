#!/usr/bin/env bash
# Shows that the tests of the alarm engine and of reconciliation can fail: each bug of this folder is put into a copy
# of the tree, and a property test must find it. Takes a build of the crate for each bug.
#
#   shared/domain/tests/bugs/check.sh [BUG.patch ...]
set -euo pipefail

bugs=$(cd "$(dirname "$0")" && pwd)
root=$(git -C "$bugs" rev-parse --show-toplevel)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/bugs"

if [ $# -eq 0 ]; then
  set -- "$bugs"/*.patch
fi
for bug in "$@"; do
  rm -rf "$copy/tree" && mkdir "$copy/tree"
  (cd "$root" && git ls-files -coz --exclude-standard --deduplicate |
    while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done |
    tar --create --null --files-from=-) | tar --extract --directory="$copy/tree"
  patch --quiet --strip=1 --directory="$copy/tree" <"$bug"
  case "$(basename "$bug")" in
    reconcile-*) tests=(--test reconcile -- histories::after) shrunk='minimal failing input' ;;
    *) tests=(--test alarms -- oracle:: histories:: late::) shrunk='finds it again at once' ;;
  esac
  if (cd "$copy/tree" && cargo test --package fargaze "${tests[@]}") >"$copy/log" 2>&1; then
    echo "$(basename "$bug") was not found" >&2
    exit 1
  fi
  if ! grep --quiet "$shrunk" "$copy/log"; then
    cat "$copy/log" >&2
    echo "$(basename "$bug"): the tests did not run" >&2
    exit 1
  fi
  echo "$(basename "$bug") was found by:"
  sed -n 's/^test \(.*\) \.\.\. FAILED$/  \1/p' "$copy/log"
done

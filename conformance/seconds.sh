#!/usr/bin/env bash
# Prints the seconds that each language cost: its generators when they were installed, its clients' build and runs the last time.
# Buf serves all of them, and "renamed" is conformance/renamed.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

row() { printf '%-12s %6s %6s %6s\n' "$@"; }
of() { cat "$1" 2>/dev/null || echo -; }

row seconds tools build run
for file in dist/stubs/seconds/*.build; do
	language=$(basename "$file" .build)
	row "$language" "$(of ".tools/seconds/$language")" "$(of "$file")" "$(of "dist/stubs/seconds/$language.run")"
done
row buf "$(of .tools/seconds/buf)" - -
row renamed - - "$(of dist/stubs/seconds/renamed)"

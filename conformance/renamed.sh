#!/usr/bin/env bash
# Proves that clients notice a renamed field: conformance/renamed.sh [--passed] [LANGUAGE ...]. In a copy it renames fields of the
# contract, and in the server, as whoever means it would; generates and builds what comes of them; and requires that the clients
# fail, and over these fields. The unchanged clients must pass: they are run first, unless --passed says that they just did.
set -euo pipefail
cd "$(dirname "$0")/.."

printed=requested_areas     # steps print it, and no client reads it otherwise
sent=max_slots_per_practice # steps send it, and no client writes it otherwise
read=absence_not_proven     # the journeys read it, by what their language calls it

passed=
if [[ ${1:-} == --passed ]]; then passed=1 && shift; fi
languages=("$@")
(($#)) || mapfile -t languages < <(sed -n 's/^\([a-z]\+\).*/\1/p' conformance/clients.txt | sort -u)
[[ -n $passed ]] || conformance/run.sh "${languages[@]}" || { echo "the clients must pass before a field is renamed" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
began=$SECONDS seconds=$PWD/dist/stubs/seconds/renamed
# What cargo, Maven and npm leave beside the sources can be large.
tar -c --exclude=target --exclude=node_modules proto gen cmd internal tools examples conformance go.mod go.sum buf*.yaml | tar -x -C "$work"
ln -s "$PWD/.tools" "$work/.tools"
mkdir -p "$work/dist/stubs"
cp -a dist/stubs/python "$work/dist/stubs" 2>/dev/null || true # saves its build the download of what is not ours
cd "$work"

# camel FIELD: its name in Go.
camel() { sed -E 's/(^|_)([a-z])/\u\2/g' <<<"$1"; }

# rename FIELD: in the contract, and in the Go of the server.
rename() {
	local go
	grep -qw "$1" proto/api/spinegate/v1/*.proto || { echo "the contract has no field $1: choose another" >&2; exit 1; }
	sed -Ei "s/\b$1\b/renamed_$1/g" proto/api/spinegate/v1/*.proto
	go=$(camel "$1")
	{ grep -rlE "\b(Get)?$go\b" cmd internal --include='*.go' || true; } | xargs -r sed -Ei "s/\b(Get)?$go\b/\1Renamed$go/g"
}

generate() {
	.tools/buf generate --template buf.gen.yaml # the server's own
	for language in "${languages[@]}"; do
		[[ ! -e buf.gen.$language.yaml ]] || .tools/buf generate --template "buf.gen.$language.yaml"
	done
}

status=0
# because LANGUAGE FIELD TIMES PATTERN: that many lines of the log must have the pattern, or at least one for "some"; the first is shown.
because() {
	local said
	said=$(grep -icE -- "$4" log || true)
	if [[ $3 == some && $said -gt 0 || $said == "$3" ]]; then
		echo "==> $1: $2 is renamed: $(grep -iE -m 1 -- "$4" log | cut -c 1-160)"
	else
		cat log >&2
		echo "$1: $2 is renamed, and no client said so: $said lines have $4, wanted $3" >&2
		status=1
	fi
}

rename $printed
rename $sent
generate
CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/server
for language in "${languages[@]}"; do
	clients=$(grep -cE "^$language\b" conformance/clients.txt)
	if conformance/run.sh "$language" >log 2>&1; then
		echo "$language: $printed and $sent are renamed, and its clients pass" >&2
		status=1
	fi
	because "$language" $printed "$clients" "^-  opening.$printed=CLINICAL_AREA_"
	because "$language" $sent some "^[^-+ ].*$sent"
	because "$language" $sent "$clients" ": the client failed$"
done

# Names of fields are spelt in each language's own way.
rename $read
generate
for language in "${languages[@]}"; do
	if conformance/run.sh --build "$language" >log 2>&1; then
		echo "$language: $read is renamed, and its journey builds" >&2
		status=1
	fi
	because "$language" $read some "${read//_/_?}"
done
((status)) || echo "==> renamed fields were noticed: ${languages[*]}"
echo $((SECONDS - began)) >"$seconds"
exit "$status"

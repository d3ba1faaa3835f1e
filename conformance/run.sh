#!/usr/bin/env bash
# Runs every client of conformance/clients.txt against one sandbox and compares what each prints with conformance/expected.txt.
# With names of languages it runs only those: conformance/run.sh go python. With --build first it builds and does not run.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
sandbox=
finish() {
	[[ -z $sandbox ]] || { kill "$sandbox" && wait "$sandbox"; } 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

# What differs from run to run is filled in here, so that the clients need not: days, and ids for bookings and a session.
steps() {
	sed -e "s/\${TOMORROW}/$(date -d '+1 day' +%F)/g" -e "s/\${IN_A_WEEK}/$(date -d '+7 days' +%F)/g" \
		-e "s/\${REQUEST_ID}/$(cat /proc/sys/kernel/random/uuid)/g" \
		-e "s/\${OTHER_REQUEST_ID}/$(cat /proc/sys/kernel/random/uuid)/g" \
		-e "s/\${SESSION_ID}/$(cat /proc/sys/kernel/random/uuid)/g" conformance/steps.json
}

# field NAME: a member of the line in which the sandbox says what is up.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/up.json"; }

run=1
if [[ ${1:-} == --build ]]; then run= && shift; fi
languages=("$@")
clients=()
while read -r language variant; do
	[[ -n $language && $language != \#* ]] || continue
	if (($#)) && [[ " ${languages[*]} " != *" $language "* ]]; then continue; fi
	clients+=("$language${variant:+ $variant}")
done <conformance/clients.txt
((${#clients[@]})) || { echo "no client is called that: see conformance/clients.txt" >&2; exit 2; }

# What it cost is printed by conformance/seconds.sh.
seconds=dist/stubs/seconds
rm -rf "$seconds"
mkdir -p "$seconds"
status=0 built=
for client in "${clients[@]}"; do
	read -r language _ <<<"$client"
	[[ $built != *" $language "* ]] || continue
	built+=" $language " began=$SECONDS
	echo "==> $language: build"
	"examples/$language/build"
	echo $((SECONDS - began)) >"$seconds/$language.build"
done
[[ -n $run ]] || exit 0

bin/server sandbox --listen 127.0.0.1:0 --admin 127.0.0.1:0 --dir "$work/sandbox" --json >"$work/up.json" 2>"$work/sandbox.log" &
sandbox=$!
for _ in $(seq 100); do
	[[ ! -s $work/up.json ]] || break
	kill -0 "$sandbox" 2>/dev/null || { cat "$work/sandbox.log" >&2; exit 1; }
	sleep 0.1
done
SPINEGATE_ADDRESS=$(field grpc) SPINEGATE_ADMIN=$(field admin)
SPINEGATE_ADMIN=${SPINEGATE_ADMIN#http://} # HOST:PORT, as for the command line
export SPINEGATE_ADDRESS SPINEGATE_ADMIN

for client in "${clients[@]}"; do
	read -r language variant <<<"$client"
	began=$SECONDS
	echo "==> $client: run"
	steps >"$work/steps.json"
	if ! "examples/$language/run" "$work/steps.json" $variant >"$work/transcript.txt"; then
		echo "$client: the client failed" >&2
		status=1
	fi
	if [[ ${UPDATE:-} == 1 ]]; then cp "$work/transcript.txt" conformance/expected.txt; fi
	diff -u conformance/expected.txt "$work/transcript.txt" || { echo "$client: another transcript" >&2; status=1; }
	echo $(($(cat "$seconds/$language.run" 2>/dev/null || echo 0) + SECONDS - began)) >"$seconds/$language.run.new"
	mv "$seconds/$language.run.new" "$seconds/$language.run"
done

((status)) || echo "==> ${#clients[@]} clients, one transcript"
exit "$status"

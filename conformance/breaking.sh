#!/usr/bin/env bash
# Proves that `make breaking` sees what would break a client and lets pass what would not: it changes a copy of the contract, and
# compares that with what it was copied from.
set -euo pipefail
cd "$(dirname "$0")/.."
buf=$PWD/.tools/buf

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R proto buf.yaml "$work"
cd "$work"
"$buf" build proto/api --exclude-source-info -o before.binpb

status=0
# change WANT WHAT FILE EXPRESSION: edits a file, and requires that the rule called WANT says so, or that none does ("passes").
change() {
	local want=$1 what=$2 file=proto/api/spinegate/v1/$3 said
	cp "$file" original
	sed -Ei "$4" "$file"
	if cmp -s original "$file"; then
		echo "$what: nothing was changed, $3 reads otherwise than this test thinks" >&2
		status=1
	fi
	if said=$("$buf" breaking proto/api --against before.binpb --error-format json); then said=passes; fi
	if [[ $want == passes && $said != passes || $want != passes && $said != *"\"type\":\"$want\""* ]]; then
		echo "$what: wanted $want, and buf says: $said" >&2
		status=1
	fi
	mv original "$file"
}

change passes "an added field" endpoint_directory.proto 's|^( *)string manufacturer_ods_code = 6;|&\n\1// New.\n\1string added = 7;|'
change FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED "a removed field" endpoint_directory.proto '/ manufacturer_ods_code = /d'
change FIELD_SAME_JSON_NAME "a renamed field" endpoint_directory.proto 's/ manufacturer_ods_code = / supplier_ods_code = /'
change FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED "a changed number" endpoint_directory.proto 's/ manufacturer_ods_code = 6/ manufacturer_ods_code = 7/'
change FIELD_WIRE_JSON_COMPATIBLE_TYPE "a changed type" endpoint_directory.proto 's/string manufacturer_ods_code = /int32 manufacturer_ods_code = /'
change ENUM_VALUE_SAME_NAME "a renamed value" common.proto 's/PURPOSE_DIRECT_CARE = /PURPOSE_CARE = /'
change RPC_NO_DELETE "a removed method" endpoint_directory.proto '/^  rpc ResolveEndpoints\(/,/^  \}/d'
change RPC_SAME_SERVER_STREAMING "an answer that is no stream any more" endpoint_directory.proto '/rpc ResolveEndpoints\(/s/stream //'
change PACKAGE_SERVICE_NO_DELETE "a removed service" endpoint_directory.proto '/^service /,/^\}/d'
exit "$status"

#!/usr/bin/env bash
# 乡镇每晚上传台账 / A township's ledger, uploaded every night. From the document and docs/imports.md alone; bash, curl, python3.
#
#   TOILET_URL=https://… TOILET_USERNAME=… TOILET_PASSWORD=… examples/nightly_upload.sh 台账.xlsx
#
# 有被拒绝的行时，标出错误的表存为 FILE.errors.xlsx，改好再传。
# Exit codes: 0 every row is in the register; 3 the file was refused; 4 some rows were (see FILE.errors.xlsx); 5 no sign-in;
# 6 the server was not to be reached. Run it as often as you like: a file that is in already changes nothing.
set -euo pipefail

FILE=${1:?which file / 哪个文件}
API=${TOILET_URL:?}/api/v1
WAIT_SECONDS=${WAIT_SECONDS:-3600}
RETRIES=${RETRIES:-5}   # of a request: after 1, 2, 4, 8, 16 seconds
ANSWER=$(mktemp)
exec 3>&2
trap 'rm -f "$ANSWER"' EXIT

pick() {   # pick MEMBER.MEMBER: one value out of the last answer
    python3 -c 'import json, sys
value = json.load(open(sys.argv[1], encoding="utf-8"))
for name in sys.argv[2].split("."): value = value[name]
print(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))' "$ANSWER" "$1"
}

complain() {   # tells a problem (RFC 9457) as a person would want to read it
    python3 -c 'import json, sys
problem = json.load(open(sys.argv[1], encoding="utf-8"))
print(problem["title"], problem.get("detail") or "", problem.get("remedy") or "")
for one in problem.get("errors") or []: print(" ", one.get("pointer", ""), one["message"])
print("request_id:", problem["request_id"])' "$ANSWER" 2>/dev/null >&3 || cat "$ANSWER" >&2
}

# Secrets go by file descriptors, never by the command line, where every user of the machine could read them.
sign_in() {
    local status
    status=$(curl -sS -o "$ANSWER" -w '%{http_code}' --retry "$RETRIES" --retry-connrefused "$API/auth/token" \
        -d grant_type=password --data-urlencode "username=${TOILET_USERNAME:?}" \
        --data-urlencode "password@"<(printf %s "${TOILET_PASSWORD:?}")) || exit 6
    [ "$status" = 200 ] || { complain; exit 5; }
    TOKEN=$(pick access_token)
    SIGNED_IN=$SECONDS
}

call() {   # call PATH [more for curl]: the answer's body goes to $ANSWER, its status is printed
    curl -sS -o "$ANSWER" -w '%{http_code}' --retry "$RETRIES" --retry-connrefused --max-time 600 \
        -H @<(printf 'Authorization: Bearer %s' "$TOKEN") "$API$1" "${@:2}"
}

sign_in

# The same file on the same day is the same upload, however often the line breaks.
KEY=$(python3 -c 'import hashlib, sys, datetime
print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:32], datetime.date.today())' "$FILE")
STATUS=$(call /imports -F "file=@$FILE" -F dry_run=false -F on_conflict=update -H "Idempotency-Key: $KEY") || exit 6
[ "$STATUS" = 202 ] || { complain; exit 3; }
JOB=$(pick id)

STATE=$(pick state)
PAUSE=1
while [ "$STATE" = queued ] || [ "$STATE" = running ]; do
    [ "$SECONDS" -lt "$WAIT_SECONDS" ] || { echo "still $STATE after $WAIT_SECONDS s: import $JOB" >&2; exit 6; }
    sleep "$PAUSE"
    [ "$PAUSE" -ge 10 ] || PAUSE=$((PAUSE + 1))
    [ $((SECONDS - SIGNED_IN)) -lt 600 ] || sign_in   # a token lasts fifteen minutes
    STATUS=$(call "/imports/$JOB") || exit 6
    [ "$STATUS" = 200 ] || { complain; exit 3; }
    STATE=$(pick state)
done
if [ "$STATE" != succeeded ]; then
    echo "$STATE: $(pick problem)" >&2
    exit 3
fi

echo "台账行数 rows $(pick counts.rows_in): 新增 created $(pick counts.created), 更新 updated $(pick counts.updated)," \
    "无变化 unchanged $(pick counts.unchanged), 拒绝 rejected $(pick counts.rejected)"
if [ "$(pick counts.rejected)" != 0 ]; then
    STATUS=$(call "/imports/$JOB/report.xlsx") || exit 6
    [ "$STATUS" = 200 ] || { complain; exit 3; }
    cp "$ANSWER" "$FILE.errors.xlsx"
    echo "在这张表上改 / correct this one: $FILE.errors.xlsx" >&2
    exit 4
fi

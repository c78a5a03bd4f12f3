# Functions of scripts/demo that show a request and check its response.
# shellcheck shell=bash

step() { steps=$((steps + 1)); printf '\n%s\n' "$(bold "$steps. $*")"; }
bold() { if [ -t 1 ]; then printf '\033[1m%s\033[0m' "$*"; else printf '%s' "$*"; fi; }
fail() { printf '\nFAILED: %s\n' "$*" >&2; exit 1; }

# shown ARGUMENT...: prints the arguments as typed in a shell.
shown() {
  local argument line=''
  for argument in "$@"; do
    case $argument in
      *[!A-Za-z0-9_./:@=+,-]*) line+=" '${argument//\'/\'\\\'\'}'" ;;
      *) line+=" $argument" ;;
    esac
  done
  printf '%s' "$line"
}

# call STATUS METHOD PATH [CURL ARGUMENT...]: prints the request as a curl command, sends it, prints the response and keeps
# it in $answer. Another status ends the demo. PICK, a jq filter, selects the part of the response to show.
call() {
  local expected=$1 method=$2 path=$3 verb='' pick=''
  shift 3
  case $method in
    GET) ;;
    POST) [[ " $* " == *" --data"* ]] || verb=' -X POST' ;;
    *) verb=" -X $method" ;;
  esac
  [ -z "${PICK:-}" ] || pick=" | jq$(shown "$PICK")"
  printf '$ curl -H "Authorization: Bearer $KEY"%s%s "$URL%s"%s\n' "$verb" "$(shown "$@")" "$path" "$pick"
  status=$(curl -sS -o "$scratch/answer" -w '%{http_code}' --max-time 300 -X "$method" \
    -H "Authorization: Bearer $KEY" "$@" "$URL$path") || fail "no response from $URL"
  answer=$(<"$scratch/answer")
  printf 'HTTP %s\n' "$status"
  if [ -n "$pick" ]; then show "$(jq "$PICK" <<<"$answer" 2>/dev/null || printf '%s' "$answer")"; else show "$answer"; fi
  [[ $status =~ ^($expected)$ ]] || fail "$method $path answered $status, not $expected"
}

# show TEXT: prints a response, JSON formatted, long ones cut.
show() {
  [ -n "$1" ] || return 0
  local lines
  lines=$(jq . <<<"$1" 2>/dev/null || printf '%s' "$1")
  head -n "${LINES_SHOWN:-24}" <<<"$lines"
  [ "$(wc -l <<<"$lines")" -le "${LINES_SHOWN:-24}" ] || echo '  …'
}

# expect WHAT FILTER [JQ ARGUMENT...]: the filter must be true for the last response.
expect() {
  local what=$1 filter=$2
  shift 2
  jq -e "$@" "$filter" >/dev/null 2>&1 <<<"$answer" || fail "$what: the response does not satisfy $filter"
  printf '  ✓ %s\n' "$what"
}

# field FILTER: prints a value of the last response.
field() { jq -r "$1" <<<"$answer"; }

# rows_as_json CSV DATASET.JSON PREFIX: converts the rows of a CSV file without quotes to the body of POST …/labels, each with a
# key.
rows_as_json() {
  jq -Rn --slurpfile dataset "$2" --arg prefix "$3" '
    $dataset[0] as $d
    | ([$d.features[] | {(.name): .type}] | add) as $type
    | (input | split(",")) as $columns
    | {labels: [inputs | split(",") as $fields
        | [range($columns | length) | {key: $columns[.], value: $fields[.]}] as $row
        | {
            key: "\($prefix)\(input_line_number - 1)",
            features: ([$row[] | select($type[.key])
              | .value |= if . == "" then null else . end
              | if $type[.key] != "categorical" and .value != null then .value |= tonumber else . end] | from_entries),
            label: (if ($row[] | select(.key == $d.label.name).value) == $d.label.positive then 1 else 0 end)
          }]}' "$1"
}

# Functions of scripts/test-compose for the compose stack: start, fill, disturb, check, stop.
# shellcheck shell=bash

project=verdict-test-$$
env_file=$(mktemp)
port=$((20000 + RANDOM % 20000))
url=http://127.0.0.1:$port
compose=(docker compose --project-directory "$root" -f "$root/docker-compose.yml" -p "$project" --env-file "$env_file")
dataset=/v1/datasets/compose key='' writer=''

stack_up() {
  trap stack_down EXIT
  random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
  printf 'POSTGRES_PASSWORD=%s\nVERDICT_APP_PASSWORD=%s\nVERDICT_PUBLISH=127.0.0.1:%s\n' "$(random)" "$(random)" $port >"$env_file"
  "$lib/fetch-swagger-ui" || true
  say "building the image; the first build takes many minutes"
  "${compose[@]}" build --quiet migrate || die "the build of the image failed"
  say "starting the stack at $url"
  "${compose[@]}" up -d --no-build --wait || { "${compose[@]}" logs --tail 40 >&2; die "the stack did not start"; }
  key=$("${compose[@]}" exec -T server verdict tenant create demo --json </dev/null | jq -er .key) || die "could not create the tenant"
  key_works "$url" "$key" || die "the server refuses the key"
}

stack_down() {
  local code=$?
  trap - EXIT
  [ -z "$writer" ] || stop_writing
  if [ $code != 0 ]; then
    "${compose[@]}" logs --tail 30 >&2 || true
    if [ -n "${KEEP:-}" ]; then say "kept for inspection: ${compose[*]}"; exit $code; fi
  fi
  "${compose[@]}" down -v --remove-orphans >/dev/null 2>&1 || true
  rm -f "$env_file"
  exit $code
}

api() { curl -fsS --max-time 120 -H "Authorization: Bearer $key" "${@:2}" "$url$1"; }

train() {
  local state
  state=$(api $dataset/training-jobs -X POST -H 'Prefer: wait=60' | jq -r .state)
  [ "$state" = succeeded ] || die "training $1: $state"
}

# fill: creates a dataset with 24,871 labels, a model and fifty predictions.
fill() {
  jq '.name = "compose"' "$root/Examples/census/dataset.json" | api /v1/datasets -H 'Content-Type: application/json' --data-binary @- >/dev/null
  api $dataset/labels -H 'Content-Type: text/csv' --data-binary "@$root/Examples/census/census10.csv" >/dev/null
  train "the first time"
  jq -nc '{predictions: [range(50) | {features: {cont_1: (. / 10 + 2), cont_2: 1.5, cont_3: 1.0, cont_4: 0, cont_5: 0, cont_6: 4,
    cat_1: (. % 7), cat_2: (. % 15), dis_1: (. % 2), dis_2: 0}}]}' |
    api $dataset/predictions/batch -H 'Content-Type: application/json' --data-binary @- >/dev/null
}

# snapshot: prints all stored data as JSON, for a comparison byte by byte.
snapshot() {
  local labels
  labels=$(api $dataset/labels.csv | sha256sum | cut -d' ' -f1)
  jq -n --arg sha "$labels" --argjson dataset "$(api $dataset)" --argjson kpis "$(api $dataset/kpis)" \
    --argjson models "$(api $dataset/models)" --argjson predictions "$(api "$dataset/predictions?limit=1000")" \
    '{labels: $dataset.labels_stored, models: ($models.data | length), predictions: ($predictions.data | length),
      labels_sha256: $sha, $dataset, kpis: $kpis.data, model_list: $models.data, prediction_list: $predictions.data}'
}

# disturb "restart NAME" | "kill -9 NAME": disturbs a service and waits until the server is ready again.
disturb() {
  local service=${1##* } id pid
  id=$("${compose[@]}" ps -q "$service")
  case $1 in
    restart*) "${compose[@]}" restart "$service" >/dev/null 2>&1 ;;
    kill*)
      # Kills the process from the host where that is possible, so that the restart policy applies as after a crash.
      pid=$(docker inspect -f '{{.State.Pid}}' "$id")
      if [ -r "/proc/$pid/cmdline" ] && kill -9 "$pid" 2>/dev/null; then :; else
        docker kill -s KILL "$id" >/dev/null
        docker start "$id" >/dev/null
      fi
      ;;
  esac
  local deadline=$((SECONDS + 60))
  until [ "$(docker inspect -f '{{.State.Running}}' "$id")" = true ] && answers "$url" && key_works "$url" "$key"; do
    [ $SECONDS -lt $deadline ] || die "$1: the server is not ready again after 60 s"
    sleep 0.3
  done
}

# write_on FILE: posts batches of a hundred rows until it is killed, and records each acknowledged batch in FILE.
write_on() {
  local batch=0
  while :; do
    batch=$((batch + 1))
    jq -nc --arg batch "$batch" 'range(100) | {key: "\($batch)-\(.)", features: {x: .}, label: (. % 2)}' |
      curl -fsS -o /dev/null --max-time 30 -H "Authorization: Bearer $key" -H 'Content-Type: application/x-ndjson' \
        --data-binary @- "$url/v1/datasets/writes/labels" 2>/dev/null && echo "$batch" >>"$1" || sleep 0.2
  done
}

# start_writing FILE, stop_writing: start and stop write_on in the background.
start_writing() {
  jq -nc '{name: "writes", features: [{name: "x", type: "continuous"}]}' |
    api /v1/datasets -H 'Content-Type: application/json' --data-binary @- >/dev/null
  write_on "$1" &
  writer=$!
}
stop_writing() {
  kill "$writer" 2>/dev/null || true
  wait "$writer" 2>/dev/null || true
  writer=''
}

# check_written FILE: checks that every acknowledged batch exists, and that every existing batch is complete.
check_written() {
  api /v1/datasets/writes/labels.ndjson | jq -r .key | cut -d- -f1 | sort | uniq -c |
    awk -v acknowledged="$1" '
      { rows[$2] = $1; if ($1 != 100) { print "batch " $2 " has " $1 " rows"; bad = 1 } }
      END {
        while ((getline batch < acknowledged) > 0) { n++; if (rows[batch] != 100) { print "batch " batch " is lost"; bad = 1 } }
        if (!n) { print "no batch was acknowledged"; bad = 1 }
        if (!bad) print n " batches acknowledged, " length(rows) " stored, all complete"
        exit bad
      }'
}

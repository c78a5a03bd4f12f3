# A running `verdict serve` and the demo tenant's key.
# shellcheck shell=bash

# wait_ready URL PID SECONDS: waits until /readyz is 200; fails at once when the process has exited.
wait_ready() {
  local deadline=$((SECONDS + $3))
  until curl -fsS -o /dev/null --max-time 2 "$1/readyz" 2>/dev/null; do
    [ -z "$2" ] || kill -0 "$2" 2>/dev/null || return 1
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.2
  done
}

# answers URL: succeeds if a ready server answers there.
answers() { curl -fsS -o /dev/null --max-time 2 "$1/readyz" 2>/dev/null; }

# key_works URL KEY
key_works() { curl -fsS -o /dev/null --max-time 5 -H "Authorization: Bearer $2" "$1/v1/datasets" 2>/dev/null; }

# demo_key BINARY URL DIRECTORY: stores an admin key of the tenant `demo` in DIRECTORY/demo-key (mode 0600). An existing key is kept
# while it is valid.
demo_key() {
  local binary=$1 url=$2 file=$3/demo-key key=''
  [ ! -s "$file" ] || key=$(<"$file")
  if [ -n "$key" ] && key_works "$url" "$key"; then return; fi
  if "$binary" tenant list --json 2>/dev/null | jq -e 'any(.. | objects; .name? == "demo")' >/dev/null; then
    key=$("$binary" key create demo --name scripts-run --role admin --json | jq -er '.key // .secret')
  else
    key=$("$binary" tenant create demo --json | jq -er .key)
  fi || die "could not create a key for the tenant demo"
  (umask 077 && printf '%s\n' "$key" >"$file.new" && mv "$file.new" "$file")
  key_works "$url" "$key" || die "the server refuses the key that it has just created"
}

# Installs the system packages that Verdict needs. Nothing is downloaded if all are installed.
# shellcheck shell=bash

# have_postgresql: succeeds if PostgreSQL's server binary is in Debian's directory or on the path.
have_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null; }

have_command() { command -v "$1" >/dev/null; }
have_header() { local d; for d in /usr/include /usr/local/include /opt/homebrew/include; do [ -e "$d/$1" ] && return; done; false; }
have_module() { pkg-config --exists "$1" 2>/dev/null; }
have_venv() { python3 -c 'import venv, ensurepip' 2>/dev/null; }

# missing_packages GROUP...: prints the Debian packages that are not installed yet, of
#   fetch    for requests from a shell
#   build    for compiling
#   serve    for the private database
#   contract for the black-box tests
#   clients  for the generated TypeScript client
missing_packages() {
  local group
  for group in "$@"; do
    case $group in
      fetch) have_command curl || echo curl; have_command jq || echo jq ;;
      build)
        have_command git || echo git
        have_command pkg-config || echo pkg-config
        have_module libpq || echo libpq-dev
        have_module zlib || echo zlib1g-dev
        have_module libzstd || echo libzstd-dev
        have_header simdjson.h || echo libsimdjson-dev ;;
      serve) have_postgresql || echo postgresql ;;
      contract)
        have_venv || echo python3-venv
        # Runs the PMML reader.
        have_command java || echo default-jre-headless
        # Opens the page at /docs.
        have_command chromium || echo chromium ;;
      clients)
        have_command node || echo nodejs
        have_command tsc || echo node-typescript ;;
      *) die "missing_packages: no group $group" ;;
    esac
  done
}

# need_packages GROUP...: installs missing packages with apt; without apt, it prints their names and fails.
need_packages() {
  local -a missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  have_command apt-get || die "please install: ${missing[*]} (these are Debian's names)"
  if [ "$(id -u)" != 0 ]; then
    have_command sudo || die "please install as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1 ||
      { tail -n 20 "$log" >&2; die "apt-get $* failed; all of its output is in $log"; }
  }
  apt update
  # Verdict runs a private database, so Debian's package must not create and start a cluster for the whole machine.
  if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    apt install -y --no-install-recommends postgresql-common
    "${as_root[@]}" sed -ri 's/^#?\s*(create_main_cluster)\b.*$/\1 = false/' /etc/postgresql-common/createcluster.conf
  fi
  apt install -y --no-install-recommends "${missing[@]}"
  rm -f "$log"
}

# Building with the Swift package manager.
# shellcheck shell=bash

need_swift() {
  have_command swift || die "no Swift toolchain: install Swift 6.2 or newer from https://www.swift.org/install"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
  [ "$(printf '6.2\n%s\n' "$version" | sort -V | head -1)" = 6.2 ] || die "Swift $version is too old: Verdict needs 6.2 or newer"
}

# binary CONFIGURATION PRODUCT: prints the path of a built product.
binary() { echo "$(cd "$root" && swift build -c "$1" --show-bin-path)/$2"; }

# fetch_swagger_ui: fetches Swagger UI for the page at /docs. It is optional, except in CI, where the page is tested.
fetch_swagger_ui() { "$root/scripts/lib/fetch-swagger-ui" || [ -z "${CI:-}" ] || die "CI requires Swagger UI"; }

# build CONFIGURATION PRODUCT: builds a product. The first build takes minutes, later ones seconds.
build() {
  fetch_swagger_ui
  say "building $2 ($1); the first build takes some minutes"
  (cd "$root" && swift build -c "$1" --product "$2" </dev/null >&2) || die "the build failed"
}

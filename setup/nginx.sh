#!/bin/sh
# Has nginx, which the tests of the shared cache start on loopback. Does and says nothing where it is there.
set -eu
PATH="$PATH:/usr/sbin"
command -v nginx >/dev/null 2>&1 && exit 0

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

{ [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; } ||
    fail "nginx is missing, which the tests of the shared cache start" "  to do: install it (as root: apt-get install nginx-light)"

echo "set-up: apt-get install nginx-light"
export DEBIAN_FRONTEND=noninteractive
# The package would start a server for everybody: nobody asked for that.
policy=/usr/sbin/policy-rc.d
made=""
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy" && made=1; }
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
apt-get install -y -q --no-install-recommends nginx-light >/dev/null 2>&1 ||
    { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends nginx-light >/dev/null; } ||
    fail "nginx-light cannot be installed" "  to do: see apt-get's message above; then run the same command again"

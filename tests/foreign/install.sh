#!/usr/bin/env bash
# Installs the foreign clients that the tests use, on Debian: zkCli.sh, cli_mt and the C library from its packages,
# kazoo with SASL into target/foreign. Needs root where packages are missing; does nothing when all is there. Starts no service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=target/foreign
kazoo=2.11.0
pure_sasl=0.6.2

# The files that the tests look for, and the packages that bring them.
missing=()
[[ -e /usr/share/zookeeper/bin/zkCli.sh ]] || missing+=(zookeeper)
command -v java >/dev/null || missing+=(default-jre-headless)
[[ -e /usr/lib/zookeeper/bin/cli_mt ]] || missing+=(zookeeper-bin)
[[ -e /usr/include/zookeeper/zookeeper.h ]] || missing+=(libzookeeper-mt-dev)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v python3 >/dev/null || missing+=(python3)

install_packages() {
    local log
    log=$(mktemp)
    # zookeeperd, the package with the service, is not among them.
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; } \
        >"$log" 2>&1; then
        echo "$0: could not install $*" >&2
        tail -n 5 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

((${#missing[@]} == 0)) || install_packages "${missing[@]}"

has_kazoo() {
    "$venv/bin/python" -c "import kazoo.version as v, puresasl as s
raise SystemExit((v.__version__, s.__version__) != ('$kazoo', '$pure_sasl'))" 2>/dev/null
}

install_kazoo() {
    # Debian's Python makes no environments without a package of their own.
    if ! python3 -m venv --clear "$venv" >/dev/null 2>&1; then
        install_packages python3-venv
        python3 -m venv --clear "$venv"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "kazoo==$kazoo" "pure-sasl==$pure_sasl"
}

has_kazoo || install_kazoo

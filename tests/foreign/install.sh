#!/usr/bin/env bash
# Installs the foreign clients that the tests use, on Debian: zkCli.sh, cli_mt, the C library and Curator from its packages,
# kazoo with SASL into target/foreign, and there the program of java/, compiled. Needs root where packages are missing; does
# nothing when all is there. Starts no service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=target/foreign
kazoo=2.11.0
pure_sasl=0.6.2

# The files that the tests look for, and the packages that bring them.
missing=()
[[ -e /usr/share/zookeeper/bin/zkCli.sh ]] || missing+=(zookeeper)
command -v javac >/dev/null || missing+=(default-jdk-headless)
[[ -e /usr/share/java/curator-recipes.jar ]] || missing+=(libcurator-recipes-java)
[[ -e /usr/share/java/slf4j-nop.jar ]] || missing+=(libslf4j-java)
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

# What the tests hand to java: where Curator, what it needs and the program are.
java_arguments() {
    local jars=(curator-recipes curator-framework curator-client zookeeper zookeeper-jute guava slf4j-api slf4j-nop)
    local path=$PWD/$java jar
    for jar in "${jars[@]}"; do
        path+=:/usr/share/java/$jar.jar
    done
    printf -- '-cp "%s"\n' "$path"
}

# Compiled last: the environment of kazoo is made in an empty folder.
java=$venv/java
java_program_is_current() {
    [[ -e $java/arguments && "$(<"$java/arguments")" == "$(java_arguments)" ]] &&
        [[ -z "$(find tests/foreign/java -newer "$java/arguments")" ]]
}

compile_java_program() {
    rm -rf "$java"
    mkdir -p "$java"
    # A class that only tools for documentation have is named by an annotation of Debian's jars.
    javac --release 17 -Xlint:all,-classfile,-path -Werror -d "$java" @<(java_arguments) tests/foreign/java/*.java
    java_arguments >"$java/arguments"
}

java_program_is_current || compile_java_program

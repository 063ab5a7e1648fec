#!/bin/bash
# Makes an image of ZooKeeper 3.8 from Debian's packages, without an image registry: a minimal Debian by debootstrap,
# with a headless JRE and the server's jars, is handed to `docker import`. Needs root, a Debian mirror and docker.
#
# usage: build-debian-3.8.sh [--force] [IMAGE]      (IMAGE: also by ZK_LOCAL_3_8, default zk-local:3.8)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=recipe.sh
source "$here/recipe.sh"

read_arguments "${ZK_LOCAL_3_8:-zk-local:3.8}" "$@"
recipe=$(recipe_of "$here/build-debian-3.8.sh" "$here/entrypoint.sh" "$here"/*.properties)
require_docker
one_build_at_a_time
leave_if_current "$image" "$recipe"

install_debootstrap() {
    command -v debootstrap >/dev/null && return
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap debian-archive-keyring; } \
        >/dev/null 2>&1 || {
        echo "$0: debootstrap is missing and could not be installed" >&2
        exit 1
    }
}

# Not under /tmp by default: that may be a small or nodev file system, on which debootstrap cannot work.
work=$(mktemp -d "${TMPDIR:-/var/tmp}/zk-local.XXXXXX")
root=$work/root
clean_up() {
    # An interrupted debootstrap leaves these mounted, and the removal must not walk into them.
    umount "$root/proc" "$root/sys" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT

make_root() {
    install_debootstrap
    # The tree is thrown away after the import: syncing each unpacked file to disk would be time lost.
    mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/image-build"
    # The jars come with libzookeeper-java; the `zookeeper` package would add only scripts, and a JRE with a display.
    if ! debootstrap --variant=minbase --include=openjdk-17-jre-headless,libzookeeper-java \
        bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$work/log" 2>&1; then
        echo "$0: debootstrap failed: $(grep -m1 -E '^(E|W):' "$work/log" || tail -n1 "$work/log")" >&2
        exit 1
    fi
}

# Gathers the jars in one directory, so that the entry point need not know who packed them.
collect_jars() {
    local from=$root/usr/share/java lib=$root/opt/zookeeper/lib name
    mkdir -p "$lib"
    for name in zookeeper zookeeper-jute slf4j-api slf4j-log4j12 log4j-1.2 metrics-core snappy-java \
        commons-cli commons-io findbugs-annotations jackson-annotations jackson-core jackson-databind servlet-api \
        jetty9-client jetty9-http jetty9-io jetty9-security jetty9-server jetty9-servlet jetty9-util jetty9-util-ajax \
        netty-buffer netty-codec netty-common netty-handler netty-resolver netty-transport \
        netty-transport-native-epoll netty-transport-native-unix-common; do
        cp -L "$from/$name.jar" "$lib/"
    done
}

add_our_files() {
    install -m 755 "$here/entrypoint.sh" "$root/docker-entrypoint.sh"
    install -m 644 "$here"/*.properties "$root/opt/zookeeper/"
    printf '#!/bin/sh\nexec /docker-entrypoint.sh zkCli.sh "$@"\n' >"$root/usr/local/bin/zkCli.sh"
    chmod 755 "$root/usr/local/bin/zkCli.sh"
    # The ids of the official image, so that volumes can be shared.
    chroot "$root" groupadd --gid 1000 zookeeper
    chroot "$root" useradd --no-create-home --shell /usr/sbin/nologin --gid zookeeper --uid 1000 zookeeper
    mkdir "$root/conf" "$root/data" "$root/datalog" "$root/logs"
    chroot "$root" chown zookeeper:zookeeper /conf /data /datalog /logs
}

# What a server never reads makes up half of the tree.
slim() {
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,info,locale} \
        "$root"/usr/share/{java,maven-repo,fonts} "$root"/usr/lib/jvm/*/lib/server/classes_nocoops.jsa \
        "$root/etc/dpkg/dpkg.cfg.d/image-build"
}

# Prints the id of the new image.
import() {
    tar -C "$root" --one-file-system -c . | docker import \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
        --change 'ENV ZOO_CONF_DIR=/conf ZOO_DATA_DIR=/data ZOO_DATA_LOG_DIR=/datalog ZOO_LOG_DIR=/logs' \
        --change 'ENV ZOO_TICK_TIME=2000 ZOO_INIT_LIMIT=5 ZOO_SYNC_LIMIT=2 ZOO_MAX_CLIENT_CNXNS=60' \
        --change 'ENV ZOO_AUTOPURGE_PURGEINTERVAL=0 ZOO_AUTOPURGE_SNAPRETAINCOUNT=3' \
        --change 'ENV ZOO_STANDALONE_ENABLED=true ZOO_ADMINSERVER_ENABLED=true' \
        --change 'EXPOSE 2181 2888 3888 8080' \
        --change 'VOLUME ["/data", "/datalog", "/logs"]' \
        --change 'ENTRYPOINT ["/docker-entrypoint.sh"]' \
        --change 'CMD ["zkServer.sh", "start-foreground"]' \
        --change "LABEL $recipe_label=$recipe" \
        -
}

make_root
collect_jars
add_our_files
slim
candidate=$(import)
verify_version "$candidate" 3.8.0
publish "$candidate" "$image"
echo "$image built in $SECONDS s"

#!/bin/bash
# Entry point of the local ZooKeeper images. It takes the same environment variables as the official `zookeeper`
# image and writes the same configuration from them, so tests drive local and official images alike.
set -euo pipefail

home=/opt/zookeeper
jars=("$home"/lib/*.jar)
# A log4j.properties put into the configuration directory wins over the image's own.
classpath="$ZOO_CONF_DIR:$home:$(IFS=:; echo "${jars[*]}")"

# Flags for a server that starts fast and stays small; JVMFLAGS come later on the command line and so win. The
# collector is dropped if JVMFLAGS names one, because the JVM refuses two.
jvm_flags() {
    local collector=(-XX:+UseSerialGC)
    [[ "${JVMFLAGS:-}" == *-XX:+Use*GC* ]] && collector=()
    local chosen
    read -r -d '' -a chosen <<<"${JVMFLAGS:-}" || true
    flags=("${collector[@]}" -XX:TieredStopAtLevel=1 -Xmx256m -XX:+ExitOnOutOfMemoryError
        "-Djava.security.properties=$home/dns.properties" "${chosen[@]}")
}

write_config() {
    local config="$ZOO_CONF_DIR/zoo.cfg"
    # A mounted configuration is left alone, and so is the one of a container that is started again.
    [[ -e "$config" ]] && return
    {
        echo "dataDir=$ZOO_DATA_DIR"
        echo "dataLogDir=$ZOO_DATA_LOG_DIR"
        echo "tickTime=$ZOO_TICK_TIME"
        echo "initLimit=$ZOO_INIT_LIMIT"
        echo "syncLimit=$ZOO_SYNC_LIMIT"
        echo "autopurge.snapRetainCount=$ZOO_AUTOPURGE_SNAPRETAINCOUNT"
        echo "autopurge.purgeInterval=$ZOO_AUTOPURGE_PURGEINTERVAL"
        echo "maxClientCnxns=$ZOO_MAX_CLIENT_CNXNS"
        echo "standaloneEnabled=$ZOO_STANDALONE_ENABLED"
        echo "admin.enableServer=$ZOO_ADMINSERVER_ENABLED"
        [[ -z "${ZOO_4LW_COMMANDS_WHITELIST:-}" ]] || echo "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
        # Both lists are separated by blanks; read -a splits them without expanding a `*`.
        local entries
        read -r -d '' -a entries <<<"${ZOO_SERVERS:-server.1=localhost:2888:3888;2181} ${ZOO_CFG_EXTRA:-}" || true
        printf '%s\n' "${entries[@]}"
    } >"$config"
}

serve() {
    # Only root can hand the directories over (a mounted volume may belong to root) and step down; with
    # `docker run --user` the process is what the caller wants it to be already.
    local as_user=()
    if [[ "$(id -u)" == 0 ]]; then
        as_user=(setpriv --reuid=zookeeper --regid=zookeeper --init-groups --)
    fi
    write_config
    [[ -e "$ZOO_DATA_DIR/myid" ]] || echo "${ZOO_MY_ID:-1}" >"$ZOO_DATA_DIR/myid"
    # The configuration directory too: reconfiguration rewrites zoo.cfg and writes the dynamic file beside it.
    ((${#as_user[@]} == 0)) ||
        chown -R zookeeper:zookeeper "$ZOO_DATA_DIR" "$ZOO_DATA_LOG_DIR" "$ZOO_LOG_DIR" "$ZOO_CONF_DIR" 2>/dev/null || true
    jvm_flags
    # exec makes the JVM process 1, so that stop and kill reach it and not a shell.
    exec "${as_user[@]}" java "${flags[@]}" -cp "$classpath" \
        org.apache.zookeeper.server.quorum.QuorumPeerMain "$ZOO_CONF_DIR/zoo.cfg"
}

case "${*:-zkServer.sh start-foreground}" in
'zkServer.sh start-foreground') serve ;;
'zkCli.sh'*)
    shift
    read -r -a client_flags <<<"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${CLIENT_JVMFLAGS:-}"
    exec java "${client_flags[@]}" -cp "$classpath" org.apache.zookeeper.ZooKeeperMain "$@"
    ;;
*) exec "$@" ;;
esac

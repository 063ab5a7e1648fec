# Shared by the build scripts, to be sourced: when an image is up to date, one build at a time, and the check of a new
# image before it gets its name.
# shellcheck shell=bash

# The label that carries the fingerprint of the files an image was made from.
recipe_label=zk-local.recipe

# Prints the fingerprint of the named files: an edited script or entry point makes the image out of date.
recipe_of() {
    cat -- "$@" | sha256sum | cut -d' ' -f1
}

# Reads `[--force] [NAME]` into `force` and `image`; the name's default comes second, the environment is the caller's.
read_arguments() {
    image=$1
    force=no
    shift
    local argument
    for argument in "$@"; do
        case "$argument" in
        --force) force=yes ;;
        -*)
            echo "$0: unknown option $argument (usage: $0 [--force] [IMAGE])" >&2
            exit 2
            ;;
        *) image=$argument ;;
        esac
    done
}

# Ends the script at once if the image is there, made from these very files, and no rebuild is asked for. An image made
# from other files is out of date and is built again.
leave_if_current() {
    local image=$1 recipe=$2 found
    [[ "$force" == no ]] || return 0
    found=$(docker image inspect -f "{{ index .Config.Labels \"$recipe_label\" }}" "$image" 2>/dev/null) || return 0
    [[ "$found" == "$recipe" ]] || return 0
    echo "$image is there already (--force builds it again)"
    exit 0
}

# Ends the script with one line if no container engine answers: all the work before would be for nothing.
require_docker() {
    docker version -f '{{.Server.Version}}' >/dev/null 2>&1 && return
    echo "$0: no container engine answers (docker version failed)" >&2
    exit 1
}

# Two builds at once would do the same work twice; the second waits and then finds the image.
one_build_at_a_time() {
    exec 9>"${TMPDIR:-/var/tmp}/zk-local-images.lock"
    flock 9
}

# Asks a throw-away server of image $1 for its version and fails with one line if it is not $2.
verify_version() {
    local candidate=$1 wanted=$2 container answer='' try
    container=$(docker run -d -e ZOO_TICK_TIME=200 -e ZOO_ADMINSERVER_ENABLED=false "$candidate")
    for ((try = 0; try < 100; try++)); do
        # Asked from inside, so that no port of this machine is needed. A server that is still starting may take the
        # question and never answer it.
        answer=$(docker exec "$container" timeout 2 \
            bash -c 'exec 3<>/dev/tcp/127.0.0.1/2181 && echo srvr >&3 && cat <&3' 2>&1) || true
        [[ "$answer" != *Mode:* ]] || break
        sleep 0.1
    done
    docker rm -f -v "$container" >/dev/null
    [[ "$answer" == "Zookeeper version: $wanted-"*Mode:* ]] && return
    echo "$0: the new server does not answer as $wanted: ${answer%%$'\n'*}" >&2
    docker rmi "$candidate" >/dev/null 2>&1 || true
    return 1
}

# Gives image $1 the name $2, and removes the image that had it unless a container still needs it.
publish() {
    local candidate=$1 name=$2 replaced
    replaced=$(docker image inspect -f '{{.Id}}' "$name" 2>/dev/null) || replaced=
    docker tag "$candidate" "$name"
    if [[ -n "$replaced" && "$replaced" != "$(docker image inspect -f '{{.Id}}' "$name")" ]]; then
        docker rmi "$replaced" >/dev/null 2>&1 || true
    fi
}

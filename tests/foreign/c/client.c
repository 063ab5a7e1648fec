/* A client over ZooKeeper's C library: one theme a run, facts out, a line in as the sign to go on.
 *
 * usage: client HOST:PORT THEME */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

/* Silence from here on is printed by the test, with all that was said before. */
static const int PATIENCE_S = 20;

static void die(const char *why) {
    printf("%s\n", why);
    exit(1);
}

/* Events, in the order of their arrival. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    char text[64][128];
    int written, read;
} events = {.mutex = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER};

static const char *type_name(int type) {
    if (type == ZOO_CREATED_EVENT) return "created";
    if (type == ZOO_DELETED_EVENT) return "deleted";
    if (type == ZOO_CHANGED_EVENT) return "changed";
    if (type == ZOO_CHILD_EVENT) return "child";
    if (type == ZOO_SESSION_EVENT) return "session";
    return "other";
}

static const char *state_name(int state) {
    if (state == ZOO_CONNECTED_STATE) return "connected";
    if (state == ZOO_CONNECTING_STATE) return "connecting";
    if (state == ZOO_EXPIRED_SESSION_STATE) return "expired";
    if (state == ZOO_AUTH_FAILED_STATE) return "auth failed";
    return "other";
}

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context) {
    (void)handle;
    (void)context;
    pthread_mutex_lock(&events.mutex);
    if (events.written == 64) die("too many events");
    snprintf(events.text[events.written++], sizeof events.text[0], "%s %s %s", type_name(type), state_name(state),
             path);
    pthread_cond_signal(&events.arrived);
    pthread_mutex_unlock(&events.mutex);
}

static const char *next_event(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&events.mutex);
    while (events.read == events.written)
        if (pthread_cond_timedwait(&events.arrived, &events.mutex, &until) != 0) die("no event came");
    const char *event = events.text[events.read++];
    pthread_mutex_unlock(&events.mutex);
    return event;
}

static zhandle_t *open_handle(const char *host) {
    zhandle_t *handle = zookeeper_init(host, on_event, 4000, NULL, NULL, 0);
    if (handle == NULL) die("no handle");
    const char *event = next_event();
    if (strcmp(event, "session connected ") != 0) die(event);
    return handle;
}

static void close_handle(zhandle_t *handle) { printf("close: %s\n", zerror(zookeeper_close(handle))); }

static void said(void) {
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL) die("the test is gone");
    printf("%s", line);
}

static void print(const char *what, int rc) { printf("%s: %s\n", what, zerror(rc)); }

static void modes(zhandle_t *handle) {
    const struct {
        const char *path;
        int mode;
        int64_t ttl;
    } nodes[] = {
        {"/c-modes", ZOO_PERSISTENT, -1},
        {"/c-modes/s-", ZOO_PERSISTENT_SEQUENTIAL, -1},
        {"/c-modes/e", ZOO_EPHEMERAL, -1},
        {"/c-modes/es-", ZOO_EPHEMERAL_SEQUENTIAL, -1},
        {"/c-modes/c", ZOO_CONTAINER, -1},
        {"/c-modes/t", ZOO_PERSISTENT_WITH_TTL, 60000},
        {"/c-modes/ts-", ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60000},
        {"/c-modes", ZOO_PERSISTENT, -1},
        {"/c-absent/x", ZOO_PERSISTENT, -1},
        {"/c-modes/e/x", ZOO_PERSISTENT, -1},
        {"/c-modes/t0", ZOO_PERSISTENT_WITH_TTL, 0},
    };
    for (size_t at = 0; at < sizeof nodes / sizeof *nodes; at++) {
        char path[64] = "-";
        struct Stat stat = {0};
        int rc = zoo_create2_ttl(handle, nodes[at].path, "hi", 2, &ZOO_OPEN_ACL_UNSAFE, nodes[at].mode, nodes[at].ttl,
                                 path, sizeof path, &stat);
        printf("%s %s", nodes[at].path, zerror(rc));
        if (rc == ZOK)
            printf(" %s v%d %d %d", path, stat.version, stat.dataLength,
                   stat.ephemeralOwner == zoo_client_id(handle)->client_id);
        printf("\n");
    }
}

static int by_name(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void data(zhandle_t *handle) {
    char buffer[64];
    int length = sizeof buffer;
    struct Stat stat, again;
    struct String_vector children;
    print("create", zoo_create(handle, "/c-data", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    print("get", zoo_get(handle, "/c-data", 0, buffer, &length, &stat));
    printf("null data: %d\n", length);
    print("set", zoo_set2(handle, "/c-data", "second", 6, 0, &stat));
    print("stale set", zoo_set(handle, "/c-data", "lost", 4, 0));
    length = sizeof buffer;
    print("get", zoo_get(handle, "/c-data", 0, buffer, &length, &again));
    printf("%.*s v%d a%d c%d length %d\n", length, buffer, again.version, again.aversion, again.cversion,
           again.dataLength);
    printf("set returned it: %d\n",
           stat.mzxid == again.mzxid && stat.mtime == again.mtime && stat.version == again.version);
    print("create", zoo_create(handle, "/c-data/b", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    print("create", zoo_create(handle, "/c-data/a", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
    print("children", zoo_get_children2(handle, "/c-data", 0, &children, &stat));
    qsort(children.data, children.count, sizeof *children.data, by_name);
    for (int at = 0; at < children.count; at++) printf("%s ", children.data[at]);
    printf("c%d %d p+%d\n", stat.cversion, stat.numChildren, (int)(stat.pzxid - stat.czxid));
    deallocate_String_vector(&children);
    print("exists", zoo_exists(handle, "/c-data/a", 0, &stat));
    printf("mine: %d\n", stat.ephemeralOwner == zoo_client_id(handle)->client_id);
    print("not empty", zoo_delete(handle, "/c-data", -1));
    print("stale delete", zoo_delete(handle, "/c-data/b", 5));
    print("delete", zoo_delete(handle, "/c-data/b", 0));
    print("absent delete", zoo_delete(handle, "/c-data/b", -1));
    print("absent get", zoo_get(handle, "/c-data/b", 0, buffer, &length, &stat));
    print("absent exists", zoo_exists(handle, "/c-data/b", 0, &stat));
}

static void watches(zhandle_t *handle) {
    char buffer[8];
    int length = sizeof buffer;
    struct Stat stat;
    struct String_vector children;
    zoo_create(handle, "/c-watch", "0", 1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    print("get", zoo_wget(handle, "/c-watch", on_event, NULL, buffer, &length, &stat));
    print("children", zoo_wget_children(handle, "/c-watch", on_event, NULL, &children));
    print("exists", zoo_wexists(handle, "/c-watch/later", on_event, NULL, &stat));
    zoo_set(handle, "/c-watch", "1", 1, -1);
    printf("%s\n", next_event());
    zoo_create(handle, "/c-watch/other", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    printf("%s\n", next_event());
    zoo_create(handle, "/c-watch/later", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    printf("%s\n", next_event());
    print("get", zoo_wget(handle, "/c-watch/later", on_event, NULL, buffer, &length, &stat));
    zoo_delete(handle, "/c-watch/later", -1);
    printf("%s\n", next_event());
    print("get", zoo_wget(handle, "/c-watch", on_event, NULL, buffer, &length, &stat));
    print("remove", zoo_remove_watches(handle, "/c-watch", ZWATCHTYPE_DATA, on_event, NULL, 0));
    print("again", zoo_remove_watches(handle, "/c-watch", ZWATCHTYPE_DATA, on_event, NULL, 0));
    zoo_set(handle, "/c-watch", "2", 1, -1);
    /* A reply comes after the events before it. */
    zoo_exists(handle, "/c-watch", 0, &stat);
    pthread_mutex_lock(&events.mutex);
    printf("left: %d\n", events.written - events.read);
    pthread_mutex_unlock(&events.mutex);
}

static void print_results(int rc, const zoo_op_result_t *results, int count) {
    printf("multi: %s", zerror(rc));
    for (int at = 0; at < count; at++) printf(", %d", results[at].err);
    printf("\n");
}

static void multi(zhandle_t *handle) {
    char first[64], second[64];
    struct Stat stat;
    zoo_op_t ops[5];
    zoo_op_result_t results[5];
    zoo_create_op_init(&ops[0], "/c-multi", "0", 1, &ZOO_OPEN_ACL_UNSAFE, 0, first, sizeof first);
    zoo_create_op_init(&ops[1], "/c-multi/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, second, sizeof second);
    zoo_check_op_init(&ops[2], "/c-multi", 0);
    zoo_set_op_init(&ops[3], "/c-multi", "1", 1, 0, &stat);
    zoo_delete_op_init(&ops[4], "/c-multi/s-0000000000", 0);
    print_results(zoo_multi(handle, 5, ops, results), results, 5);
    printf("%s %s v%d\n", first, second, stat.version);
    zoo_create_op_init(&ops[0], "/c-multi/x", "0", 1, &ZOO_OPEN_ACL_UNSAFE, 0, first, sizeof first);
    zoo_check_op_init(&ops[1], "/c-multi", 7);
    zoo_delete_op_init(&ops[2], "/c-multi", -1);
    print_results(zoo_multi(handle, 3, ops, results), results, 3);
    print("rolled back", zoo_exists(handle, "/c-multi/x", 0, &stat));
    zoo_check_op_init(&ops[0], "/c-multi", 1);
    print_results(zoo_multi(handle, 1, ops, results), results, 1);
}

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    int rc;
} auth = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void on_auth(int rc, const void *data) {
    (void)data;
    pthread_mutex_lock(&auth.mutex);
    auth.rc = rc;
    pthread_cond_signal(&auth.done);
    pthread_mutex_unlock(&auth.mutex);
}

static void add_auth(zhandle_t *handle, const char *secret) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    auth.rc = 1;
    zoo_add_auth(handle, "digest", secret, strlen(secret), on_auth, NULL);
    pthread_mutex_lock(&auth.mutex);
    while (auth.rc == 1)
        if (pthread_cond_timedwait(&auth.done, &auth.mutex, &until) != 0) die("no answer to add_auth");
    print("auth", auth.rc);
    pthread_mutex_unlock(&auth.mutex);
}

static void acl(zhandle_t *handle, const char *host) {
    char buffer[64];
    int length = sizeof buffer;
    struct Stat stat;
    struct ACL_vector acls;
    zhandle_t *guest = open_handle(host);
    print("creator without auth",
          zoo_create(guest, "/c-acl", "x", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
    add_auth(handle, "bob:secret");
    print("create", zoo_create(handle, "/c-acl", "private", 7, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
    print("acl", zoo_get_acl(handle, "/c-acl", &acls, &stat));
    for (int at = 0; at < acls.count; at++)
        printf("%d %s %s\n", acls.data[at].perms, acls.data[at].id.scheme, acls.data[at].id.id);
    deallocate_ACL_vector(&acls);
    print("guest get", zoo_get(guest, "/c-acl", 0, buffer, &length, &stat));
    print("guest set", zoo_set(guest, "/c-acl", "", 0, -1));
    print("guest create", zoo_create(guest, "/c-acl/x", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    print("guest set acl", zoo_set_acl(guest, "/c-acl", -1, &ZOO_OPEN_ACL_UNSAFE));
    print("stale acl", zoo_set_acl(handle, "/c-acl", 3, &ZOO_READ_ACL_UNSAFE));
    print("set acl", zoo_set_acl(handle, "/c-acl", 0, &ZOO_READ_ACL_UNSAFE));
    length = sizeof buffer;
    print("guest get", zoo_get(guest, "/c-acl", 0, buffer, &length, &stat));
    printf("%.*s a%d\n", length, buffer, stat.aversion);
    print("owner set", zoo_set(handle, "/c-acl", "", 0, -1));
    close_handle(guest);
}

static void session(zhandle_t *handle) {
    char buffer[8];
    int length = sizeof buffer;
    struct Stat stat;
    zoo_create(handle, "/c-session", "0", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0);
    zoo_wget(handle, "/c-session", on_event, NULL, buffer, &length, &stat);
    int64_t id = zoo_client_id(handle)->client_id;
    printf("session %lld timeout %d\n", (long long)id, zoo_recv_timeout(handle));
    said();
    printf("%s\n", next_event());
    printf("%s\n", next_event());
    printf("same session: %d\n", zoo_client_id(handle)->client_id == id);
    print("still there", zoo_set(handle, "/c-session", "1", 1, 0));
    printf("%s\n", next_event());
    said();
    const char *event = next_event();
    while (strcmp(event, "session connecting ") == 0) event = next_event();
    printf("%s\n", event);
    print("request", zoo_exists(handle, "/c-session", 0, &stat));
    printf("unrecoverable: %d\n", is_unrecoverable(handle) != ZOK);
}

static void ensemble(zhandle_t *handle) {
    char buffer[64];
    int length = sizeof buffer;
    struct Stat stat;
    print("config", zoo_getconfig(handle, 0, buffer, &length, &stat));
    printf("length %d version %d aversion %d\n", length, stat.version, stat.aversion);
    length = sizeof buffer;
    print("reconfig", zoo_reconfig(handle, "server.2=localhost:1:2:participant;3", NULL, NULL, -1, buffer, &length,
                                   &stat));
}

int main(int count, char **arguments) {
    if (count != 3) die("usage: client HOST:PORT THEME");
    const char *host = arguments[1], *theme = arguments[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    zoo_set_debug_level(0);
    zhandle_t *handle = open_handle(host);
    if (strcmp(theme, "modes") == 0) modes(handle);
    else if (strcmp(theme, "data") == 0) data(handle);
    else if (strcmp(theme, "watches") == 0) watches(handle);
    else if (strcmp(theme, "multi") == 0) multi(handle);
    else if (strcmp(theme, "acl") == 0) acl(handle, host);
    else if (strcmp(theme, "session") == 0) session(handle);
    else if (strcmp(theme, "ensemble") == 0) ensemble(handle);
    else die("no such theme");
    close_handle(handle);
    return 0;
}

//! `mntr`: the server in numbers, for monitoring (`ZooKeeperServer.registerMetrics`).
//!
//! Given are the gauges that tools read, and those of ZooKeeper's counters that are counted here.
//! What there is nothing to count of (leaders, disks, queues) is left out rather than said to be 0.

use std::fmt::Write;
use std::fs;

use crate::engine::{Engine, Now};

use super::full_version;

/// Each key without its `zk_`, and its value.
pub(super) type Keys = Vec<(&'static str, String)>;

pub(super) fn mntr(keys: &Keys) -> String {
    let mut answer = String::new();
    for (key, value) in keys {
        let _ = writeln!(answer, "zk_{key}\t{value}");
    }
    answer
}

/// All there is to tell. Visits every node, to add up the data.
pub(super) fn keys(engine: &mut Engine, now: Now) -> Keys {
    let mut keys = state(engine, now);
    keys.extend(counters(engine));
    keys.extend(file_descriptors());
    keys
}

fn state(engine: &Engine, now: Now) -> Keys {
    let replica = engine.replica();
    let tree = replica.tree();
    let state = if engine.is_read_only() { "read-only" } else { "standalone" };
    vec![
        ("version", full_version()),
        ("server_state", state.to_owned()),
        ("uptime", now.elapsed_ms.to_string()),
        ("num_alive_connections", engine.connection_count().to_string()),
        // Requests are answered in the batch they arrive in: nothing waits when this is asked.
        ("outstanding_requests", "0".to_owned()),
        ("connection_drop_probability", "0.0".to_owned()),
        ("global_sessions", replica.session_count().to_string()),
        ("local_sessions", "0".to_owned()),
        // ZooKeeper counts the root twice: as `/` and as the empty path.
        ("znode_count", tree.node_count().saturating_add(1).to_string()),
        ("ephemerals_count", tree.ephemerals_count().to_string()),
        ("approximate_data_size", tree.approximate_data_size().to_string()),
        ("watch_count", engine.watch_count().to_string()),
        // There is no TLS whose handshakes could wait or fail, or that a client could do without.
        ("outstanding_tls_handshake", "0".to_owned()),
        ("auth_failed_count", "0".to_owned()),
        ("non_mtls_remote_conn_count", "0".to_owned()),
        ("non_mtls_local_conn_count", "0".to_owned()),
    ]
}

fn counters(engine: &Engine) -> Keys {
    let stats = engine.stats();
    let latency = stats.latency;
    let size = |index: usize| {
        let size = stats.responses.last_min_max().and_then(|sizes| sizes.get(index).copied());
        size.map_or_else(|| "-1".to_owned(), |size| size.to_string())
    };
    vec![
        ("min_latency", latency.min().to_string()),
        ("avg_latency", format!("{:?}", latency.average())),
        ("max_latency", latency.max().to_string()),
        ("packets_received", stats.received.to_string()),
        ("packets_sent", stats.sent.to_string()),
        ("bytes_received_count", stats.bytes_received.to_string()),
        ("last_client_response_size", size(0)),
        ("min_client_response_size", size(1)),
        ("max_client_response_size", size(2)),
        ("connection_request_count", stats.connection_requests.to_string()),
        ("connection_rejected", stats.connections_rejected.to_string()),
        ("sessionless_connections_expired", stats.sessionless_expired.to_string()),
        ("stale_sessions_expired", stats.sessions_expired.to_string()),
    ]
}

/// Those of the whole process, where the system tells.
fn file_descriptors() -> Keys {
    let open = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open = open.map(|count| ("open_file_descriptor_count", count.to_string()));
    let most = max_open_files(&limits).map(|most| ("max_file_descriptor_count", most.to_owned()));
    [open, most].into_iter().flatten().collect()
}

/// The soft limit, the first of two.
fn max_open_files(limits: &str) -> Option<&str> {
    let rest = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_key_and_a_value_with_a_tab_between_them() {
        let keys = vec![("version", "3.9.3-x, built on y".to_owned()), ("uptime", "7".to_owned())];
        assert_eq!(mntr(&keys), "zk_version\t3.9.3-x, built on y\nzk_uptime\t7\n");
    }

    #[test]
    fn the_limit_of_open_files_is_the_soft_one() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(max_open_files(limits), Some("1024"));
        assert_eq!(max_open_files(""), None);
    }
}

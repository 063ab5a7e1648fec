//! What a client counts, as a recorder of the `metrics` facade finds it.

use std::collections::BTreeMap;

use ::metrics::{LocalRecorderGuard, set_default_local_recorder};
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use zk_client::{AddWatchMode, ErrorCode, EventType, SessionState};
use zk_proto::message::{GetDataResponse, NoBody};

use crate::peer::connected;

/// A recorder for this thread, and so for a runtime that has no other.
struct Recorder {
    snapshotter: Snapshotter,
    _guard: LocalRecorderGuard<'static>,
    /// A snapshot tells what is new since the one before.
    sums: BTreeMap<String, f64>,
}

impl Recorder {
    fn install() -> Self {
        let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
        let (snapshotter, guard) = (recorder.snapshotter(), set_default_local_recorder(recorder));
        Self { snapshotter, _guard: guard, sums: BTreeMap::new() }
    }

    /// Counters and gauges so far, as `name{label=value}`, and how often histograms were used.
    fn look(&mut self) -> &BTreeMap<String, f64> {
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let (kind, key) = key.into_parts();
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let name = key.name().strip_prefix("zookeeper_client_").expect("one prefix for all");
            let name = format!("{name}{{{}}}", labels.join(","));
            let value = match value {
                DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(samples) => f64::from(u32::try_from(samples.len()).unwrap()),
            };
            assert_eq!(kind == MetricKind::Histogram, name.contains("seconds"), "{name}");
            *self.sums.entry(name).or_default() += value;
        }
        &self.sums
    }
}

#[track_caller]
fn check(found: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(found.get(*name), Some(value), "{name} in {found:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_operation_and_result_and_timed() {
    let mut recorder = Recorder::install();
    let (client, mut peer, _listener) = connected(|builder| builder.max_pending(2)).await;
    let replies = [client.get("/a").send(), client.get("/b").send()];
    assert!(client.delete("/c").await.is_err(), "two are waiting");
    check(
        recorder.look(),
        &[
            ("requests_pending{}", 2.0),
            ("requests_total{op=Delete,result=TooManyRequests}", 1.0),
            ("sessions{state=Connected}", 1.0),
            ("sessions{state=Connecting}", 0.0),
            ("connection_attempts_total{}", 1.0),
        ],
    );
    let [(first, _), (second, _)] = [peer.request().await, peer.request().await];
    peer.reply(first, &GetDataResponse::default()).await;
    peer.refuse(second, ErrorCode::NoNode).await;
    let [first, second] = replies;
    assert!(first.await.is_ok() && second.await.is_err());
    let found = recorder.look();
    check(
        found,
        &[
            ("requests_pending{}", 0.0),
            ("requests_total{op=GetData,result=Ok}", 1.0),
            ("requests_total{op=GetData,result=NoNode}", 1.0),
            ("request_seconds{op=GetData}", 2.0),
        ],
    );
    assert!(found["received_bytes_total{}"] > 32.0 && found["sent_bytes_total{}"] > 32.0);
}

#[tokio::test(start_paused = true)]
async fn watches_are_counted_as_long_as_somebody_may_hear_of_them() {
    let mut recorder = Recorder::install();
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let watched = client.get("/a").watch().send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    let (_, watch) = watched.await.unwrap();
    let stream = client.watch("/b", AddWatchMode::Persistent).send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &NoBody {}).await;
    let stream = stream.await.unwrap();
    let levels = [("watches{kind=once}", 1.0), ("watches{kind=stream}", 1.0)];
    check(recorder.look(), &levels);
    peer.event(EventType::NodeDeleted, "/a").await;
    watch.await.unwrap();
    drop(stream);
    let levels = [("watches{kind=once}", 0.0), ("watches{kind=stream}", 0.0)];
    check(recorder.look(), &levels);
}

#[tokio::test(start_paused = true)]
async fn lost_and_regained_connections_are_counted() {
    let mut recorder = Recorder::install();
    let (client, peer, mut listener) = connected(|builder| builder).await;
    let mut state = client.state();
    drop(peer);
    state.wait_for(|state| matches!(state, SessionState::Disconnected { .. })).await.unwrap();
    check(
        recorder.look(),
        &[
            ("sessions{state=Disconnected}", 1.0),
            ("sessions{state=Connected}", 0.0),
            ("disconnects_total{}", 1.0),
        ],
    );
    let _peer = listener.grant().await;
    state.wait_for(SessionState::is_connected).await.unwrap();
    check(
        recorder.look(),
        &[
            ("sessions{state=Disconnected}", 0.0),
            ("sessions{state=Connected}", 1.0),
            ("reconnects_total{}", 1.0),
            ("connection_attempts_total{}", 2.0),
        ],
    );
}

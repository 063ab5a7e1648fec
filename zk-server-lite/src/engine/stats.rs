//! What a server counts of its work (`ServerStats`, and the counters of `ServerCnxn`).
//!
//! Requests are counted one by one, but timed in batches: all that were read together are answered
//! together, so one look at the clock is enough for all of them.

use zk_proto::{OpCode, Xid, Zxid};

/// What the whole server has done since it started, or since its counters were reset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerStats {
    /// Requests, pings, connects and four letter words.
    pub(crate) received: u64,
    /// Replies and events.
    pub(crate) sent: u64,
    /// The bytes of what was received, lengths included.
    pub(crate) bytes_received: u64,
    pub(crate) latency: Latency,
    pub(crate) responses: ResponseSizes,
    /// Connects, whatever became of them.
    pub(crate) connection_requests: u64,
    /// Connections that were refused because their address had too many.
    pub(crate) connections_rejected: u64,
    /// Connections that never said who they are.
    pub(crate) sessionless_expired: u64,
    /// Sessions whose timeout has passed.
    pub(crate) sessions_expired: u64,
    /// Requests that are answered but not timed yet.
    untimed: u64,
}

/// What one connection has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionStats {
    /// When it was opened, in milliseconds since the epoch.
    pub(crate) established_ms: i64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) last_op: LastOp,
    /// The last xid of a client's own; −1 for none.
    pub(crate) last_cxid: i64,
    pub(crate) last_zxid: Zxid,
    /// When it was answered last, in milliseconds of the engine's clock.
    pub(crate) last_response_ms: u64,
    pub(crate) last_latency_ms: u64,
    pub(crate) latency: Latency,
}

/// What a connection has asked for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastOp {
    /// Nothing: it has taken up a session, and that counts as nothing.
    Never,
    /// What failed before it had a name.
    NotAvailable,
    /// This.
    Done(OpCode),
}

/// Times in milliseconds (`AvgMinMaxCounter`).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    min: u64,
    max: u64,
    total: u64,
    count: u64,
}

/// The sizes of what was sent, in bytes without the length (`BufferStats`).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResponseSizes(Option<Sizes>);

#[derive(Clone, Copy, Debug)]
struct Sizes {
    last: usize,
    min: usize,
    max: usize,
}

impl ServerStats {
    pub(super) const fn count_received(&mut self, bytes: usize) {
        self.received = self.received.wrapping_add(1);
        self.bytes_received = self.bytes_received.wrapping_add(bytes as u64);
    }

    pub(super) const fn count_request(&mut self) {
        self.untimed = self.untimed.wrapping_add(1);
    }

    /// A reply or an event of so many bytes was sent, if it was.
    pub(super) fn count_response(&mut self, bytes: Option<usize>) {
        if let Some(bytes) = bytes {
            self.responses.add(bytes);
        }
    }

    /// Times what was counted since the last time; how many that were.
    pub(super) fn time(&mut self, latency_ms: u64) -> u64 {
        let requests = std::mem::take(&mut self.untimed);
        self.latency.add(latency_ms, requests);
        requests
    }

    /// Forgets what `srst` is asked to forget.
    pub(super) fn reset(&mut self) {
        *self = Self { untimed: self.untimed, ..Self::default() };
    }
}

impl ConnectionStats {
    pub(crate) fn new(established_ms: i64) -> Self {
        Self {
            established_ms,
            received: 0,
            sent: 0,
            last_op: LastOp::Never,
            last_cxid: 0,
            last_zxid: Zxid::ZERO,
            last_response_ms: 0,
            last_latency_ms: 0,
            latency: Latency::default(),
        }
    }

    pub(super) const fn count_received(&mut self) {
        self.received = self.received.wrapping_add(1);
    }

    pub(super) const fn count_sent(&mut self) {
        self.sent = self.sent.wrapping_add(1);
    }

    /// Takes note of a request. The xids of pings and the like are not a client's own.
    pub(super) const fn note(&mut self, op: OpCode, xid: Xid) {
        self.last_op = LastOp::Done(op);
        if xid.0 >= 0 {
            self.last_cxid = xid.0 as i64;
        }
    }

    pub(super) fn time(&mut self, requests: u64, latency_ms: u64, now_ms: u64, zxid: Zxid) {
        self.last_response_ms = now_ms;
        self.last_latency_ms = latency_ms;
        self.last_zxid = zxid;
        self.latency.add(latency_ms, requests);
    }

    /// Forgets what `crst` is asked to forget.
    pub(super) fn reset(&mut self) {
        let established_ms = self.established_ms;
        *self = Self {
            last_op: LastOp::NotAvailable,
            last_cxid: -1,
            last_zxid: Zxid(-1),
            ..Self::new(established_ms)
        };
    }
}

impl Latency {
    fn add(&mut self, millis: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.min = if self.count == 0 { millis } else { self.min.min(millis) };
        self.max = self.max.max(millis);
        self.total = self.total.saturating_add(millis.saturating_mul(times));
        self.count = self.count.saturating_add(times);
    }

    /// The shortest; 0 without any.
    pub(crate) const fn min(&self) -> u64 {
        self.min
    }

    /// The longest; 0 without any.
    pub(crate) const fn max(&self) -> u64 {
        self.max
    }

    /// The average in whole milliseconds.
    pub(crate) fn whole_average(&self) -> u64 {
        self.total.checked_div(self.count).unwrap_or(0)
    }

    /// The average to four decimal places.
    pub(crate) fn average(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
        let average = self.total as f64 / self.count.max(1) as f64;
        (average * 10_000.0).round() / 10_000.0
    }
}

impl ResponseSizes {
    pub(super) fn add(&mut self, bytes: usize) {
        let sizes = self.0.unwrap_or(Sizes { last: bytes, min: bytes, max: bytes });
        self.0 = Some(Sizes { last: bytes, min: sizes.min.min(bytes), max: sizes.max.max(bytes) });
    }

    /// The last, the smallest and the largest.
    pub(crate) fn last_min_max(&self) -> Option<[usize; 3]> {
        self.0.map(|Sizes { last, min, max }| [last, min, max])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_batch_have_one_latency() {
        let mut stats = ServerStats::default();
        for _ in 0..3 {
            stats.count_request();
        }
        assert_eq!(stats.time(2), 3);
        stats.count_request();
        assert_eq!(stats.time(9), 1);
        assert_eq!(stats.time(100), 0);
        let latency = stats.latency;
        assert_eq!((latency.min(), latency.max(), latency.whole_average()), (2, 9, 3));
        assert!((latency.average() - 3.75).abs() < 1e-9);
    }

    #[test]
    fn an_average_has_four_decimal_places_and_is_zero_of_nothing() {
        let mut latency = Latency::default();
        assert_eq!(format!("{:?}", latency.average()), "0.0");
        latency.add(1, 1);
        latency.add(0, 2);
        assert_eq!(format!("{:?}", latency.average()), "0.3333");
    }

    #[test]
    fn a_ping_leaves_the_last_xid_alone() {
        let mut stats = ConnectionStats::new(7);
        stats.note(OpCode::GetData, Xid(5));
        stats.note(OpCode::Ping, Xid::PING);
        assert_eq!((stats.last_op, stats.last_cxid), (LastOp::Done(OpCode::Ping), 5));
        stats.reset();
        assert_eq!((stats.last_op, stats.last_cxid), (LastOp::NotAvailable, -1));
        assert_eq!(stats.established_ms, 7);
    }

    #[test]
    fn sizes_are_kept_of_the_last_the_smallest_and_the_largest() {
        let mut sizes = ResponseSizes::default();
        assert_eq!(sizes.last_min_max(), None);
        for bytes in [20, 16, 90, 40] {
            sizes.add(bytes);
        }
        assert_eq!(sizes.last_min_max(), Some([40, 16, 90]));
    }
}

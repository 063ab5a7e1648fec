//! A second server beside an embedded one, which follows it and can lag.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zk_proto::Zxid;

use crate::net::{Hub, Lag, Link, MemoryTransport, catch_up, follow_loop};

/// A server that follows an embedded one, as a follower in an ensemble does. For tests of what
/// clients do when they come to a server that is behind.
///
/// It takes the leader's transactions in their order and may be told to take them late. It answers
/// reads and pings by itself and keeps the watches of its clients, whose events come when it takes
/// the transaction. Writes and `sync` go to the leader, and what a client is told of them waits until
/// it has taken them itself. A client that has seen a later transaction is hung up on. Sessions are
/// the leader's: they may be taken up here and there, and what still comes over the connection that a
/// session had before is refused.
///
/// What an ensemble has beyond that is absent: elections, quorums, and a leader that cannot be
/// reached. The way to the leader takes no time, and only the way back can be slow.
///
/// Made by [`Server::follower`](crate::Server::follower); over memory only. Dropping it closes its
/// connections; the leader goes on.
pub struct Follower {
    hub: Arc<Hub>,
    link: Arc<Link>,
}

/// Shows nothing of what it has heard: what nodes hold may be secret.
impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}

impl Follower {
    pub(crate) fn start(leader: &Arc<Hub>) -> Self {
        let (hub, link) = Hub::follower(leader);
        hub.spawn(crate::net::tick_loop(Arc::clone(&hub)));
        hub.spawn(follow_loop(Arc::clone(&hub), Arc::clone(&link)));
        Self { hub, link }
    }

    /// Lets clients of this process in without a socket.
    #[must_use]
    pub fn memory(&self) -> MemoryTransport {
        MemoryTransport::new(Arc::clone(&self.hub))
    }

    /// Takes no transaction until it is told to otherwise. A client that writes or calls `sync` here
    /// waits as long.
    pub fn hold(&self) {
        self.link.set_lag(Lag::Held);
    }

    /// Takes each transaction as soon as it can, as at the beginning.
    pub fn release(&self) {
        self.link.set_lag(Lag::None);
    }

    /// Stays so many transactions behind the leader. What a client waits for here comes when the
    /// leader has gone on.
    pub fn lag_transactions(&self, transactions: usize) {
        self.link.set_lag(Lag::Behind(transactions));
    }

    /// Takes each transaction so long after the leader.
    pub fn lag_time(&self, time: Duration) {
        self.link.set_lag(Lag::Time(time));
    }

    /// Takes transactions only when a client here waits for what comes behind them, by a write or by
    /// `sync`, and after `at_most` if nobody does.
    pub fn lag_until_asked(&self, at_most: Duration) {
        self.link.set_lag(Lag::UntilAsked(at_most));
    }

    /// Takes all that the leader has decided by now; the lag is for what comes later.
    pub fn catch_up(&self) {
        self.catch_up_to(Zxid(i64::MAX));
    }

    /// Takes what the leader has decided up to a transaction.
    pub fn catch_up_to(&self, zxid: Zxid) {
        catch_up(&self.hub, &self.link, zxid);
    }

    /// How much it has been told and has not taken: transactions, and answers to `sync`.
    #[must_use]
    pub fn behind(&self) -> usize {
        self.link.len()
    }

    /// The last transaction that it has taken.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.hub.with_engine(|engine, _| engine.replica().last_zxid())
    }

    /// A number that is equal for equal states: that of the leader when it had the same last
    /// transaction. Visits every node.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.hub.with_engine(|engine, _| engine.replica().digest())
    }

    /// How many connections are open here.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.hub.with_engine(|engine, _| engine.connection_count())
    }

    /// How many watches are set here, on data and on children.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.hub.with_engine(|engine, _| engine.watch_count())
    }

    /// Closes every connection here. Sessions stay.
    pub fn drop_connections(&self) {
        self.hub.with_engine(|engine, _| engine.close_all());
    }

    /// Closes all connections here and waits until nothing of it runs any more.
    ///
    /// # Cancel safety
    /// It stops even when the future is dropped, but then nobody waits for it.
    pub async fn shutdown(self) {
        self.link.close();
        self.hub.stop();
        self.hub.stopped().await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.link.close();
        self.hub.stop();
    }
}

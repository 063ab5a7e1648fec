//! An async ZooKeeper client: sessions that survive, watches as values, typed operations.
//!
//! A [`Client`] is a session with an ensemble. It is cheap to clone, runs on tokio with one task of
//! its own, and lives through lost connections and servers that go away.
//!
//! ```no_run
//! use zk_client::{Client, CreateMode, Error, ErrorCode};
//!
//! # async fn run() -> Result<(), Error> {
//! let client = Client::connect("zk1:2181,zk2:2181,zk3:2181/app").await?;
//!
//! client.create("/config", "blue").await?;
//! let ((data, stat), changed) = client.get("/config").watch().await?;
//! assert_eq!(data, "blue");
//! client.set("/config", "green").version(stat.version).await?;
//! println!("{:?}", changed.await?.event_type); // NodeDataChanged
//!
//! // `send` does not wait: both requests are under way at once, in this order.
//! let member = client.create("/member-", "").mode(CreateMode::EphemeralSequential).send();
//! let members = client.children("/").send();
//! println!("{} among {:?}", member.await?.path, members.await?);
//!
//! match client.delete("/config").version(stat.version).await {
//!     Err(error) if error.code() == Some(ErrorCode::BadVersion) => println!("it is green"),
//!     outcome => outcome?,
//! }
//! client.close().await
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! **Order.** Requests reach the server in the order in which they were sent: by `send`, or by
//! awaiting. Replies come in that order, and the event of a watch comes before any reply that shows
//! its cause.
//!
//! **A lost connection.** The session is taken up again on the next host, and:
//!
//! | the request | only reads | writes |
//! |---|---|---|
//! | waits for a connection, or to be written | is sent | is sent |
//! | was written, or a part of it may have been | is sent again | fails with [`Error::ConnectionLoss`], [`Delivery::Unknown`] |
//!
//! A write is never sent twice. [`Error::outcome_unknown`] is true wherever it may have been
//! carried out in spite of an error, and [`Error::is_retriable`] where it certainly was not.
//!
//! **Deadlines.** Every operation ends within the
//! [operation timeout](ClientBuilder::operation_timeout), counted from the call, whether it waits
//! for a connection or for a reply. The time to connect has its own, and a [`Watch`] has none.
//!
//! **Dropped futures.** Dropping any future is safe at any point. A request that waits for a
//! connection is not sent then; one that was sent may be carried out. The last [`Client`] that is
//! dropped closes the session, so that its ephemeral nodes go at once.
//!
//! **Watches.** A [`Watch`] resolves once, with the first change after the read that set it, also
//! when that change happened while there was no connection: watches are set again before anything
//! else is sent. It ends with an error only when the session does. It does not tell of the changes
//! that follow; read again, and set the next one.
//!
//! **Streams.** A [`WatchStream`] tells every change of a node, or of all below it, in order. What
//! it cannot tell it does not hide: [`WatchItem::Gap`] stands where a connection was lost, and
//! [`WatchItem::Lagged`] where its reader was too slow. After either, read again.
//!
//! **The end.** An ensemble that has not heard from a session for its timeout ends it:
//! [`Error::SessionExpired`] for every request and watch from then on, and
//! [`SessionState::Expired`]. By default a client has one session in its life, and nothing is
//! carried over to another behind your back. With [`ExpiryPolicy::NewSession`] it asks for a new one instead, of the
//! next [`Generation`]: what was asked in the old one fails, what is asked later waits for the new
//! one. [`Client::bound_to_session`] is a handle to one session only. A session can be handed over
//! to another process: [`Client::detach`], [`ClientBuilder::resume`].
//!
//! **Credentials.** What [`ClientBuilder::auth`] and [`Client::add_auth`] have said is told to
//! every server that is connected to, before watches are set again and requests are sent; neither
//! logs nor `Debug` show it. A server that refuses ends the client: [`Error::AuthFailed`] from
//! then on, which says why. With the feature `sasl` a client proves a password by DIGEST-MD5, and
//! has the server prove it, before any of that.
//!
//! **Several steps.** [`Create::protected`], [`Create::idempotent`], [`Delete::guaranteed`] and
//! their like take more than one request to be certain after a lost reply. What they would leave
//! behind the [`Janitor`] of the session deletes.
//!
//! **Bounds.** Requests, replies, and what waits are bounded ([`ClientBuilder::max_request`],
//! [`max_reply`](ClientBuilder::max_reply), [`max_pending`](ClientBuilder::max_pending),
//! [`max_outgoing`](ClientBuilder::max_outgoing)). What is over a bound is refused; it does not
//! wait. Whatever a server sends, the client does not panic.
//!
//! **Servers.** Names are resolved anew for each round of attempts, and all of their addresses are
//! tried ([`Resolve`], [`Connect`]). The list can be replaced under a live session
//! ([`Client::update_hosts`]), or follow the ensemble's configuration
//! ([`ClientBuilder::follow_config`]). A server that has lost its ensemble will do only where that is
//! wanted ([`ClientBuilder::allow_read_only_server`]).
//!
//! **The lease.** [`Client::lease`] tells, without asking anybody, until when the session is certain
//! to live, counted from what the leader of the ensemble must have heard.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `tls`: `TlsConnector`, by rustls, for the secure port of a server. It needs a crypto provider,
//!   which the user of rustls chooses.
//! - `tls-ring`: `tls`, with ring for that.
//! - `sasl`: DIGEST-MD5. There is no GSSAPI (Kerberos).
//! - `metrics`: counts and times, for a recorder of the facade `metrics`.
mod auth_failure;
mod chroot;
mod client;
mod connect_string;
mod driver;
mod endpoint;
mod ensemble_config;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod lease;
mod lookups;
mod mailbox;
mod metrics;
mod options;
mod probe;
mod reply;
mod resolver;
#[cfg(feature = "sasl")]
mod sasl;
mod saved_session;
mod session;
mod shared_session;
mod state;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod watch_stream;

pub use auth_failure::AuthFailure;
pub use client::{
    AddAuth, AddWatch, AllChildrenNumber, ChildWithData, Children, ChildrenWithData,
    ChildrenWithStat, Client, Create, CreateSteps, Created, Delete, DeleteRecursive, Exists, Get,
    GetAcl, GetConfig, GetEphemerals, GuaranteedDelete, IdempotentDelete, IdempotentSet, Janitor,
    Multi, MultiOutcome, MultiRead, MultiReadOutcome, MultiReadReply, MultiReply, Reconfig, Set,
    SetAcl, SetOrCreate, Steps, Sync, WaitUntilAbsent, WaitUntilExists, Watched, WatchedConfig,
    WeakClient, WhoAmI,
};
pub use connect_string::{ConnectString, ConnectStringError, HostPort};
pub use endpoint::Endpoint;
pub use ensemble_config::ConfigPort;
pub use error::{Delivery, Error, Violation};
pub use lease::Lease;
pub use options::{ClientBuilder, ConnectAttempts, ExpiryPolicy};
pub use reply::{Reply, Watch, WatchedReply};
pub use resolver::{Resolve, Resolving, SystemResolver, resolve_with};
#[cfg(feature = "sasl")]
pub use sasl::DigestMd5;
pub use saved_session::{NotASavedSession, SavedSession};
pub use state::{Generation, SessionContinuity, SessionState};
#[cfg(feature = "tls")]
pub use tls::{TlsConnector, TlsError, TlsOptions};
/// The rustls that [`TlsOptions`] and [`TlsConnector`] are about.
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use transport::{Connect, Connecting, Stream, TcpConnector, connect_with};
pub use watch_stream::{NodeEvent, WatchItem, WatchStream, WatchStreamReply};
pub use zk_proto::path;
pub use zk_proto::{
    Acl, AddWatchMode, ByteString, CreateMode, ErrorCode, EventType, PathError, Permissions,
    SessionId, Stat, Version, WatchedEvent, ZPath, Zxid,
    data::{ClientInfo, Id},
};

/// The example of the front page is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;

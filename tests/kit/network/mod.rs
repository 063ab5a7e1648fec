//! The way from a client to a server, with switches for what can go wrong on it.

mod breaking;
mod meter;
mod stream;

use std::io;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use zk_client::{Connect, Connecting, HostPort, connect_with};
use zk_proto::{SessionId, Zxid};

pub use breaking::break_things;
use stream::FaultyStream;

/// Opens connections to the server under test, whatever host is asked for.
pub type Dial = Arc<dyn Fn() -> Connecting + Send + Sync>;

/// A way to the server. Each client that is to have faults of its own gets one of its own.
///
/// Host names mean nothing but themselves: `a:1,b:2` are two ways to the same server, which can
/// be cut one by one.
#[derive(Clone)]
pub struct Network {
    links: Arc<Mutex<Links>>,
}

struct Links {
    dial: Dial,
    refused: Vec<String>,
    hold_incoming: bool,
    hold_outgoing: bool,
    /// Nothing is sent any more behind so many requests, counted like [`Counts::requests`].
    hold_behind: Option<usize>,
    /// The connection breaks at this request, counted like [`Counts::requests`].
    cut_at: Option<(usize, Moment)>,
    /// What else happens when it does.
    on_cut: Option<Arc<dyn Fn() + Send + Sync>>,
    /// What happens when a client is about to say what it has seen.
    on_handshake: Option<Arc<dyn Fn(Zxid) + Send + Sync>>,
    /// The last one that a server has granted.
    session: Option<SessionId>,
    /// Streams with a lower number are cut.
    cut_below: u64,
    next_stream: u64,
    dialled: Vec<String>,
    counts: Counts,
    wakers: Vec<Waker>,
}

/// When, with regard to one request, a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It never reaches the server.
    BeforeSending,
    /// The server carries it out, and its reply is lost.
    BeforeReply,
    /// The server carries it out, and half of its reply arrives.
    MidReply,
    /// Its reply has arrived, and nothing after it does.
    AfterReply,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::BeforeSending, Self::BeforeReply, Self::MidReply, Self::AfterReply];
}

/// What has passed, over all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames to the server, without handshakes and pings.
    pub requests: usize,
    /// Pings to the server.
    pub pings: usize,
    /// Watch events from the server.
    pub events: usize,
    /// Bytes of the longest frame to the server, without its length.
    pub longest: usize,
}

impl Network {
    /// A way without faults.
    #[must_use]
    pub fn new(dial: Dial) -> Self {
        let links = Links {
            dial,
            refused: Vec::new(),
            hold_incoming: false,
            hold_outgoing: false,
            hold_behind: None,
            cut_at: None,
            on_cut: None,
            on_handshake: None,
            session: None,
            cut_below: 0,
            next_stream: 0,
            dialled: Vec::new(),
            counts: Counts::default(),
            wakers: Vec::new(),
        };
        Self { links: Arc::new(Mutex::new(links)) }
    }

    /// For [`zk_client::ClientBuilder::connector`].
    pub fn connector(&self) -> impl Connect {
        let network = self.clone();
        connect_with(move |host: HostPort| {
            let network = network.clone();
            async move { network.connect(&host.host).await }
        })
    }

    async fn connect(&self, host: &str) -> io::Result<FaultyStream> {
        self.change(|links| links.dialled.push(host.to_owned()));
        if self.links.lock().unwrap().refused.iter().any(|refused| refused == host) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let dial = Arc::clone(&self.links.lock().unwrap().dial);
        let inner = dial().await?;
        let number = self.change(|links| {
            links.next_stream += 1;
            links.next_stream
        });
        Ok(FaultyStream::new(inner, self.clone(), number))
    }

    /// Has new connections lead to another server.
    pub fn reroute(&self, dial: Dial) {
        self.change(|links| links.dial = dial);
    }

    /// Breaks all present connections.
    pub fn cut(&self) {
        self.change(|links| links.cut_below = links.next_stream + 1);
    }

    /// Breaks the connection once, at the request after the next `skip` ones. What is on its way
    /// behind it, in the same direction, shares its fate.
    pub fn cut_at_request(&self, skip: usize, moment: Moment) {
        self.change(|links| links.cut_at = Some((links.counts.requests + skip + 1, moment)));
    }

    /// Does this whenever the connection breaks at a request.
    pub fn on_cut(&self, then: impl Fn() + Send + Sync + 'static) {
        self.change(|links| links.on_cut = Some(Arc::new(then)));
    }

    /// Does this with the zxid that a client says it has seen, before any server reads it.
    pub fn on_handshake(&self, then: impl Fn(Zxid) + Send + Sync + 'static) {
        self.change(|links| links.on_handshake = Some(Arc::new(then)));
    }

    /// The last session that a server has granted.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.links.lock().unwrap().session
    }

    /// Takes back a cut that was ordered and is still to come.
    pub fn forget_cut(&self) {
        self.change(|links| {
            links.cut_at = None;
            links.on_cut = None;
        });
    }

    /// Whether the cut that was ordered is still to come.
    #[must_use]
    pub fn is_cut_pending(&self) -> bool {
        self.links.lock().unwrap().cut_at.is_some()
    }

    /// Lets new connections to a host fail, or succeed again.
    pub fn refuse(&self, host: &str, refused: bool) {
        self.change(|links| {
            links.refused.retain(|known| known != host);
            if refused {
                links.refused.push(host.to_owned());
            }
        });
    }

    /// Keeps back what the server sends, or lets it pass again.
    pub fn hold_incoming(&self, hold: bool) {
        self.change(|links| links.hold_incoming = hold);
    }

    /// Keeps back what the client sends, or lets it pass again.
    pub fn hold_outgoing(&self, hold: bool) {
        self.change(|links| {
            links.hold_outgoing = hold;
            links.hold_behind = None;
        });
    }

    /// Keeps back what the client sends behind the next `requests`, and those that go out together with
    /// the last of them, until [`hold_outgoing`](Self::hold_outgoing) lets it pass.
    pub fn hold_outgoing_behind(&self, requests: usize) {
        self.change(|links| links.hold_behind = Some(links.counts.requests + requests));
    }

    /// Keeps back everything both ways, or lets it pass again: a link that is silent, not cut.
    pub fn silence(&self, silent: bool) {
        self.change(|links| {
            links.hold_incoming = silent;
            links.hold_outgoing = silent;
        });
    }

    /// What has passed so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.links.lock().unwrap().counts
    }

    /// The hosts that were dialled so far.
    #[must_use]
    pub fn dialled(&self) -> Vec<String> {
        self.links.lock().unwrap().dialled.clone()
    }

    fn change<R>(&self, change: impl FnOnce(&mut Links) -> R) -> R {
        let mut links = self.links.lock().unwrap();
        let result = change(&mut links);
        let wakers = std::mem::take(&mut links.wakers);
        drop(links);
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

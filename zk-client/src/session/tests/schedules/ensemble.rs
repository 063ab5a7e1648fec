//! What the leader of an ensemble knows of a session that is with one of its followers.

use std::time::{Duration, Instant};

/// As slow in passing on as it may be: the follower keeps a note of the session to itself until the
/// leader's next ping, and loses it with its leader or its client.
#[derive(Debug, Default)]
pub(super) struct Ensemble {
    /// The last sign of life that has reached the leader. It keeps the session for its timeout from
    /// then on, and perhaps for longer.
    heard: Option<Instant>,
    /// The last one that the follower has noted.
    noted: Option<Instant>,
    next_ping: Option<Instant>,
    cut_off: bool,
    /// When a leader without a quorum has agreed to go on: heard of if it is not deposed after all.
    unheard: Option<Instant>,
    is_expired: bool,
}

impl Ensemble {
    /// The leader has made the session, or has agreed that it goes on. One that was deposed agrees,
    /// too, and nobody hears of it.
    pub(super) fn granted(&mut self, now: Instant) {
        if self.cut_off {
            self.unheard = Some(now);
        } else {
            self.heard = Some(now);
            self.is_expired = false;
        }
    }

    pub(super) const fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// A connection that outlives this is one to a follower whose leader was not deposed.
    pub(super) fn cut_off(&mut self, cut_off: bool) {
        self.cut_off = cut_off;
        if !cut_off {
            self.heard = self.heard.max(self.unheard.take());
        }
    }

    /// The follower has got a request of the session.
    pub(super) fn noted(&mut self, now: Instant) {
        self.noted = Some(now);
    }

    pub(super) fn pass(&mut self, now: Instant) {
        let mut next = self.next_ping.unwrap_or(now);
        while next <= now {
            next += LAG;
            if !self.cut_off && !self.is_expired {
                self.heard = self.heard.max(self.noted.take());
            }
        }
        self.next_ping = Some(next);
    }

    /// The leader does not keep the session any more.
    pub(super) const fn expired(&mut self) {
        self.is_expired = true;
    }

    /// The client has gone to another server.
    pub(super) fn left(&mut self) {
        self.noted = None;
        self.unheard = None;
        self.cut_off = false;
    }

    pub(super) const fn heard(&self) -> Option<Instant> {
        self.heard
    }
}

/// From one ping of the leader to the next.
pub(super) const LAG: Duration = Duration::from_secs(2);

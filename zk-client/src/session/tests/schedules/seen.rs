//! How often what happened, so that a run in which nothing does is found out.

/// Counts of one run, or of several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) answered: usize,
    pub(super) timed_out: usize,
    pub(super) in_doubt: usize,
    pub(super) notified: usize,
    /// Events of persistent watches.
    pub(super) told: usize,
    pub(super) gaps: usize,
    /// Ends at which the server had no watch left.
    pub(super) cleaned: usize,
    pub(super) resumed: usize,
    pub(super) over: usize,
    /// Connections to read-only servers.
    pub(super) read_only: usize,
    /// Moves from a read-only server to a writable one that was found.
    pub(super) moved: usize,
    /// Times that the session was proven to live longer than before.
    pub(super) proven: usize,
    /// Sessions that took the place of an expired one.
    pub(super) renewed: usize,
    /// Sessions that were left to somebody else.
    pub(super) detached: usize,
    /// Those that somebody has gone on with.
    pub(super) taken_over: usize,
    /// Lists of hosts that took the place of others.
    pub(super) lists: usize,
    /// Names that were resolved.
    pub(super) resolved: usize,
    /// Ends at which everything was dialled, as nothing could be connected to.
    pub(super) dialled_all: usize,
    /// Credentials that a server has accepted.
    pub(super) known: usize,
    /// Requests that were sent in the session that they are bound to.
    pub(super) bound: usize,
    /// Those that were refused, as that was over.
    pub(super) bound_over: usize,
}

impl Seen {
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            answered: self.answered + other.answered,
            timed_out: self.timed_out + other.timed_out,
            in_doubt: self.in_doubt + other.in_doubt,
            notified: self.notified + other.notified,
            told: self.told + other.told,
            gaps: self.gaps + other.gaps,
            cleaned: self.cleaned + other.cleaned,
            resumed: self.resumed + other.resumed,
            over: self.over + other.over,
            read_only: self.read_only + other.read_only,
            moved: self.moved + other.moved,
            proven: self.proven + other.proven,
            renewed: self.renewed + other.renewed,
            detached: self.detached + other.detached,
            taken_over: self.taken_over + other.taken_over,
            lists: self.lists + other.lists,
            resolved: self.resolved + other.resolved,
            dialled_all: self.dialled_all + other.dialled_all,
            known: self.known + other.known,
            bound: self.bound + other.bound,
            bound_over: self.bound_over + other.bound_over,
        }
    }
}

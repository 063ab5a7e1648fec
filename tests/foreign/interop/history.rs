//! Whether what happened to a lock was right: a decision about changes of nodes, in the order of
//! their transactions.

use std::collections::BTreeMap;

use zk_client::EventType;

use super::layout::{Access, Layout};

/// Where the lock of a contest is, and what kind of lock.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(super) root: String,
    layout: Layout,
}

impl Rules {
    pub(super) fn new(root: &str, layout: Layout) -> Self {
        Self { root: root.to_owned(), layout }
    }
}

/// Somebody said that it holds the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(super) who: String,
    /// The name of its contender node.
    pub(super) node: String,
    /// The czxid of that, as it says.
    pub(super) token: u64,
    pub(super) access: Access,
}

/// A node in the queue.
#[derive(Debug)]
struct Waiting {
    node: String,
    access: Access,
    /// Where the server tells.
    czxid: Option<u64>,
}

/// All that has happened so far.
#[derive(Debug)]
pub(super) struct History {
    rules: Rules,
    queue: BTreeMap<u32, Waiting>,
    /// Whether the node of the only holder is there.
    held: bool,
    /// Who says that it holds together with others, and the contender node of each that has claimed.
    sharing: BTreeMap<String, Option<String>>,
    claims: Vec<Claim>,
    /// How many contenders have left before it was their turn.
    left: usize,
    /// How many held together with others, at most.
    together: usize,
}

impl History {
    pub(super) const fn new(rules: Rules) -> Self {
        Self {
            rules,
            queue: BTreeMap::new(),
            held: false,
            sharing: BTreeMap::new(),
            claims: Vec::new(),
            left: 0,
            together: 0,
        }
    }

    /// Takes in a change; an error tells what was wrong about it.
    pub(super) fn handle(
        &mut self,
        event: EventType,
        path: &str,
        zxid: Option<u64>,
    ) -> Result<(), String> {
        let below = path.strip_prefix(&*self.rules.root).unwrap_or_default();
        let parts: Vec<&str> = below.split('/').skip(1).collect();
        match (event, &*parts) {
            (EventType::NodeCreated, ["lock", node]) => self.enters(node, zxid),
            (EventType::NodeDeleted, ["lock", node]) => self.leaves(node),
            (EventType::NodeCreated, ["held"]) => self.hold(true),
            (EventType::NodeDeleted, ["held"]) => self.hold(false),
            (EventType::NodeCreated, ["sharing", who]) => self.shares(who),
            (EventType::NodeDeleted, ["sharing", who]) => self.shares_no_more(who),
            (EventType::NodeCreated, ["ledger", entry]) => self.claims(entry),
            // The parents; a container may come and go.
            (
                EventType::NodeCreated | EventType::NodeDeleted,
                [] | ["lock" | "ledger" | "sharing"],
            ) => Ok(()),
            _ => Err(format!("unexpected: {event:?} of {path}")),
        }
    }

    /// All claims so far, and whether nobody holds or waits any more.
    pub(super) fn so_far(&self) -> (&[Claim], bool) {
        (&self.claims, !self.held && self.sharing.is_empty() && self.queue.is_empty())
    }

    pub(super) const fn left(&self) -> usize {
        self.left
    }

    pub(super) const fn together(&self) -> usize {
        self.together
    }

    fn enters(&mut self, node: &str, czxid: Option<u64>) -> Result<(), String> {
        let (number, access) = self.rules.layout.read(node)?;
        let waiting = Waiting { node: node.to_owned(), access, czxid };
        if let Some(other) = self.queue.insert(number, waiting) {
            return Err(format!("{node} has the number of {}", other.node));
        }
        Ok(())
    }

    fn leaves(&mut self, node: &str) -> Result<(), String> {
        let holds = self.held && self.claims.last().is_some_and(|claim| claim.node == node);
        if holds || self.sharing.values().flatten().any(|of| of == node) {
            return Err(format!("{node} is gone although it claims the lock"));
        }
        let (number, access) = self.rules.layout.read(node)?;
        if self.in_the_way(number, access).is_some() {
            self.left += 1;
        }
        match self.queue.remove(&number) {
            Some(waiting) if waiting.node == node => Ok(()),
            _ => Err(format!("{node} leaves, but was not there")),
        }
    }

    /// The first node that keeps one waiting that has this number.
    fn in_the_way(&self, number: u32, access: Access) -> Option<&Waiting> {
        let mut before = self.queue.range(..number).map(|(_, before)| before);
        before.find(|before| access == Access::Alone || before.access == Access::Alone)
    }

    fn hold(&mut self, held: bool) -> Result<(), String> {
        if self.held == held {
            return Err(format!("held twice in a row: {held}"));
        }
        if held && !self.sharing.is_empty() {
            return Err(format!("held alone beside {:?}", self.sharing));
        }
        self.held = held;
        Ok(())
    }

    fn shares(&mut self, who: &str) -> Result<(), String> {
        if self.held {
            return Err(format!("{who} shares what somebody holds alone"));
        }
        self.sharing.insert(who.to_owned(), None);
        self.together = self.together.max(self.sharing.len());
        Ok(())
    }

    fn shares_no_more(&mut self, who: &str) -> Result<(), String> {
        self.sharing.remove(who).map(drop).ok_or_else(|| format!("{who} does not share"))
    }

    fn claims(&mut self, entry: &str) -> Result<(), String> {
        let [who, node, token, _] = *entry.split(',').collect::<Vec<_>>() else {
            return Err(format!("no claim: {entry}"));
        };
        let token = u64::from_str_radix(token, 16).map_err(|error| format!("{entry}: {error}"))?;
        let (number, access) = self.rules.layout.read(node)?;
        let waiting = self.queue.get(&number).filter(|waiting| waiting.node == node);
        let waiting = waiting.ok_or_else(|| format!("{who} claims with {node}: not there"))?;
        if let Some(first) = self.in_the_way(number, access) {
            return Err(format!("{who} claims out of turn: with {node} behind {}", first.node));
        }
        if waiting.czxid.is_some_and(|czxid| czxid != token) {
            let czxid = waiting.czxid;
            return Err(format!("{who} claims with {token:x}, but {node} is of {czxid:x?}"));
        }
        match access {
            Access::Alone if !self.held => return Err(format!("{who} claims without holding")),
            Access::Alone => self.claims_alone(who, token)?,
            Access::Shared => match self.sharing.get_mut(who) {
                Some(of) => *of = Some(node.to_owned()),
                None => return Err(format!("{who} claims without sharing")),
            },
        }
        self.claims.push(Claim { who: who.to_owned(), node: node.to_owned(), token, access });
        Ok(())
    }

    /// The tokens of those who hold alone grow.
    fn claims_alone(&self, who: &str, token: u64) -> Result<(), String> {
        let last = self.claims.iter().rev().find(|claim| claim.access == Access::Alone);
        match last {
            Some(last) if last.token >= token => {
                Err(format!("{who} claims with {token:x} after {:x}", last.token))
            }
            _ => Ok(()),
        }
    }
}

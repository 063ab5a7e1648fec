use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use zk_client::{Acl, Client};

use super::Election;
use super::candidate::Candidate;
use super::candidate_info::LeaderInfo;
use super::leadership::Leadership;
use super::observer::Observer;
use super::role::AfterTerm;
use super::settings::{Form, Settings};
use crate::error::RecipeError;
use crate::held::SuspendPolicy;
use crate::recipe_path;

/// An election that is won by who comes first: one ephemeral node, such as `/currentMaster`, with the
/// id of the leader in it.
///
/// There is no queue. All who wait watch the node, and all try at once when it has gone: an event and
/// two requests for each of them. Who steps down gives way for a moment, so that others get it. It suits
/// a handful of candidates and whoever expects that node; [`Election`] suits many.
///
/// Taking the node and giving it back costs what it does with a [`SimpleLock`](crate::SimpleLock).
///
/// The nodes are those of a [`SimpleLock`](crate::SimpleLock) whose parents are persistent: beside
/// `currentMaster` is `_w_currentMaster`, which stays and counts the leaders, and in it a witness with a
/// unique name, which is the [`path`](crate::Held::path) of a [`Leadership`]. Whoever deletes the node
/// or the witness by hand ends the term: the leader is told by an event, and its writes are refused
/// from that moment, while another one may be quicker to take the node. There is no override and no
/// breadcrumb: an ephemeral node has no children.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until somebody joins"]
pub struct StaticElection {
    election: Election,
}

impl StaticElection {
    /// The election of a node. Nothing is sent yet; missing parents are made as persistent nodes.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule, and
    /// [`RecipeError::BadArguments`] for the root.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let path = recipe_path::checked(path)?;
        if path == "/" {
            return Err(RecipeError::BadArguments { reason: "the root is not ephemeral" });
        }
        let settings = Settings::new(path, Form::FirstComer);
        Ok(Self { election: Election { client: client.clone(), settings } })
    }

    /// As [`Election::id`].
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { election: self.election.id(id) }
    }

    /// As [`Election::payload`].
    pub fn payload(self, payload: impl Into<Bytes>) -> Self {
        Self { election: self.election.payload(payload) }
    }

    /// As [`Election::acl`].
    pub fn acl(self, acl: Vec<Acl>) -> Self {
        Self { election: self.election.acl(acl) }
    }

    /// As [`Election::on_suspend`].
    pub fn on_suspend(self, policy: SuspendPolicy) -> Self {
        Self { election: self.election.on_suspend(policy) }
    }

    /// As [`Election::rejoin`].
    pub fn rejoin(self, rejoin: bool) -> Self {
        Self { election: self.election.rejoin(rejoin) }
    }

    /// As [`Election::grace`].
    pub fn grace(self, limit: Duration) -> Self {
        Self { election: self.election.grace(limit) }
    }

    /// As [`Election::join`].
    pub fn join(&self) -> Candidate {
        self.election.join()
    }

    /// As [`Election::run_when_leader`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub fn run_when_leader<F, R>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<(), RecipeError>> + use<F, R>
    where
        F: FnMut(Leadership) -> R,
        R: Future<Output = AfterTerm>,
    {
        self.election.run_when_leader(work)
    }

    /// As [`Election::observe`].
    pub fn observe(&self) -> Observer {
        self.election.observe()
    }

    /// As [`Election::leader`].
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn leader(&self) -> Result<Option<LeaderInfo>, RecipeError> {
        self.election.leader().await
    }
}

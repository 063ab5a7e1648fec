use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;
use zk_proto::path::join;
use zk_proto::{Acl, ByteString, CreateMode, ErrorCode, Stat, Version};

use super::janitor::{HandOver, Item, Janitor};
use super::parents::Parents;
use super::steps::{MOST_ATTEMPTS, Steps, steps};
use super::{Client, Create, Created};
use crate::error::{Delivery, Error};
use crate::reply::Reply;

/// A node to create, with what that takes: its parents, or certainty after a lost reply. Made by
/// [`Create::with_parents`], [`Create::with_container_parents`], [`Create::protected`] and
/// [`Create::idempotent`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Debug)]
pub struct CreateSteps<'a> {
    create: Create<'a>,
    parents: Option<Parents>,
    protected: Option<Prefix>,
    idempotent: bool,
}

/// What a protected node's name begins with.
#[derive(Clone, Debug)]
enum Prefix {
    /// As Curator does it: `_c_<uuid>-`.
    Curators,
    /// Something else that nobody else has.
    Own(String),
}

impl<'a> Create<'a> {
    fn in_steps(self) -> CreateSteps<'a> {
        CreateSteps { create: self, parents: None, protected: None, idempotent: false }
    }

    /// Also creates the parents that are missing, as persistent nodes without data.
    ///
    /// Nothing more is sent when there are none missing; otherwise one request to see the create
    /// fail, two for each that is missing, and one or two more. Their ACL is open, whatever the
    /// node's is; see [`CreateSteps::parents_acl`].
    #[doc(alias = "creatingParentsIfNeeded")]
    #[doc(alias = "makepath")]
    pub fn with_parents(self) -> CreateSteps<'a> {
        self.in_steps().with_parents()
    }

    /// Also creates the parents that are missing, as containers, which the server removes some time
    /// after their last child went; as persistent nodes before ZooKeeper 3.5.1.
    #[doc(alias = "creatingParentContainersIfNeeded")]
    pub fn with_container_parents(self) -> CreateSteps<'a> {
        self.in_steps().with_container_parents()
    }

    /// Finds the node again when the reply to its creation was lost. See
    /// [`CreateSteps::protected`].
    #[doc(alias = "withProtection")]
    pub fn protected(self) -> CreateSteps<'a> {
        self.in_steps().protected()
    }

    /// Finds the node again by a prefix of the caller's. See [`CreateSteps::protected_as`].
    pub fn protected_as(self, prefix: impl Into<String>) -> CreateSteps<'a> {
        self.in_steps().protected_as(prefix)
    }

    /// Takes a node that is there as it should be for its own. See [`CreateSteps::idempotent`].
    pub fn idempotent(self) -> CreateSteps<'a> {
        self.in_steps().idempotent()
    }
}

impl CreateSteps<'_> {
    /// See [`Create::with_parents`].
    pub fn with_parents(mut self) -> Self {
        self.parents = Some(Parents::new(CreateMode::Persistent));
        self
    }

    /// See [`Create::with_container_parents`].
    pub fn with_container_parents(mut self) -> Self {
        self.parents = Some(Parents::new(CreateMode::Container));
        self
    }

    /// The ACL of parents that are created; without them it has no effect. Default: open. Whoever
    /// creates the node needs `CREATE` on them.
    pub fn parents_acl(mut self, acl: Vec<Acl>) -> Self {
        if let Some(parents) = &mut self.parents {
            parents.acl = acl;
        }
        self
    }

    /// Puts `_c_<uuid>-` in front of the name, as Curator does (CURATOR-3), and looks for the node
    /// by it when the reply was lost: after `sync`, and for an ephemeral node only if this session
    /// owns it. When it is not there it is created again. Whoever may not list the parent gets
    /// `NoAuth` after a lost reply.
    ///
    /// A call that does not end with the node leaves none: whether it fails or is dropped, the
    /// [`Janitor`] finds and deletes in the background what may have been created, as long as the
    /// session lives.
    #[doc(alias = "withProtection")]
    pub fn protected(mut self) -> Self {
        self.protected = Some(Prefix::Curators);
        self
    }

    /// As [`protected`](Self::protected), with a prefix of the caller's, for layouts of other
    /// libraries. It has to be one that no other node there has, or will have: make it of a UUID,
    /// anew for each call.
    pub fn protected_as(mut self, prefix: impl Into<String>) -> Self {
        self.protected = Some(Prefix::Own(prefix.into()));
        self
    }

    /// Succeeds also when the node is there already, with the same data, unchanged since its
    /// creation, and owned by this session if it is to be ephemeral; and sends the create again
    /// when its reply was lost. As Curator's `idempotent`, this cannot tell a node of somebody
    /// else that looks the same, nor a container or a node with a time to live from one that stays:
    /// servers do not tell. It may end with `NodeExists` although the node has gone since.
    ///
    /// Not for sequential nodes: use [`protected`](Self::protected).
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sends the first request.
    ///
    /// All steps together take no longer than the operation timeout. Errors: those of
    /// [`Create::send`], `NoNode` only if the parents are not to be created, and of creating the
    /// parents. After [`Error::outcome_unknown`], or when it is dropped, the node may have been
    /// created; a protected one is deleted then. A call that is protected or idempotent ends so
    /// only when its time is up. Parents that were created stay, whatever happens.
    pub fn send(self) -> Steps<Created> {
        let client = self.create.client;
        match self.plan() {
            Ok(plan) => {
                let first = plan.attempt();
                Steps::within_operation_timeout(client, plan.run(first))
            }
            Err(error) => Steps::refused(error),
        }
    }

    fn plan(self) -> Result<Plan, Error> {
        let Self { create, parents, protected, idempotent } = self;
        if idempotent && create.mode.is_sequential() {
            let reason = "a sequential node is never the same twice; protect it instead";
            return Err(Error::BadArguments { reason });
        }
        create.clone().record()?;
        let client = create.client;
        let (parent, name) = create.path.rsplit_once('/').unwrap_or(("", create.path));
        let parent = if parent.is_empty() { "/" } else { parent };
        let mut path = create.path.to_owned();
        let mut protection = None;
        if let Some(prefix) = protected {
            let prefix = match prefix {
                Prefix::Curators => format!("_c_{}-", Uuid::new_v4()),
                Prefix::Own(prefix) => prefix,
            };
            path = join(parent, &format!("{prefix}{name}"));
            let item =
                Item::FindAndDelete { parent: client.server_path(parent)?, prefix: prefix.clone() };
            let hand_over = HandOver::new(Janitor::of(client), item);
            protection = Some(Protection { prefix, hand_over, in_doubt: false });
        }
        Ok(Plan {
            client: client.clone(),
            parent: parent.to_owned(),
            path,
            node: Node { data: create.data.0, mode: create.mode, acl: create.acl, ttl: create.ttl },
            parents,
            protection,
            idempotent,
        })
    }
}

steps!(CreateSteps => Created);

/// What is being created, and what was learnt so far.
struct Plan {
    client: Client,
    parent: String,
    path: String,
    node: Node,
    parents: Option<Parents>,
    protection: Option<Protection>,
    idempotent: bool,
}

struct Node {
    data: Bytes,
    mode: CreateMode,
    acl: Vec<Acl>,
    ttl: Option<Duration>,
}

struct Protection {
    prefix: String,
    hand_over: HandOver,
    /// Whether an attempt may have created the node although it failed.
    in_doubt: bool,
}

impl Plan {
    fn attempt(&self) -> Reply<Created> {
        let mut create = Create::new(&self.client, &self.path, self.node.data.clone())
            .mode(self.node.mode)
            .acl(self.node.acl.clone());
        create.ttl = self.node.ttl;
        create.send()
    }

    async fn run(mut self, mut reply: Reply<Created>) -> Result<Created, Error> {
        for _ in 0..MOST_ATTEMPTS {
            let error = match reply.await {
                Ok(created) => return Ok(self.settled(created)),
                Err(error) => error,
            };
            if let Some(found) = self.judge(error).await? {
                return Ok(self.settled(found));
            }
            reply = self.attempt();
        }
        Err(Error::Timeout { delivery: Delivery::Unknown })
    }

    fn settled(&mut self, created: Created) -> Created {
        if let Some(protection) = &mut self.protection {
            protection.hand_over.take_back();
        }
        created
    }

    /// What an attempt that failed comes to: the node after all, another attempt, or the error.
    async fn judge(&mut self, error: Error) -> Result<Option<Created>, Error> {
        if error.code() == Some(ErrorCode::NoNode)
            && let Some(parents) = &self.parents
        {
            return match parents.create(&self.client, &self.parent).await {
                // One of them was deleted meanwhile.
                Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
                created => created.map(|()| None),
            };
        }
        if error.code() == Some(ErrorCode::NodeExists) && self.idempotent {
            return self.as_wanted().await?.map(Some).ok_or(error);
        }
        let certain = self.protection.is_some() || self.idempotent;
        if self.client.is_passing(&error) && certain {
            return self.after_a_lost_reply(&error).await;
        }
        if let Some(protection) = &mut self.protection
            && !protection.in_doubt
            && error.code().is_some()
        {
            // The server has said no, so there is nothing to look for.
            protection.hand_over.take_back();
        }
        Err(error)
    }

    async fn after_a_lost_reply(&mut self, error: &Error) -> Result<Option<Created>, Error> {
        self.client.recover(error).await?;
        let Some(protection) = &mut self.protection else {
            return Ok(None);
        };
        protection.in_doubt |= error.outcome_unknown();
        if !protection.in_doubt {
            return Ok(None);
        }
        let prefix = protection.prefix.clone();
        self.find(&prefix).await
    }

    /// Looks for the node by the beginning of its name. Only after `sync` is a server sure to show
    /// what another one has committed.
    async fn find(&self, prefix: &str) -> Result<Option<Created>, Error> {
        let synced = self.client.sync(&self.parent).send();
        let listed = self.client.children(&self.parent).send();
        synced.await?;
        let children = match listed.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            listed => listed?,
        };
        let Some(name) = children.iter().find(|name| name.starts_with(prefix)) else {
            return Ok(None);
        };
        let path = ByteString::from(join(&self.parent, name));
        let stat = self.client.exists(&path).await?;
        Ok(stat.filter(|stat| self.is_ours(stat)).map(|stat| Created { path, stat }))
    }

    /// The node that is there, if it is the one that should be.
    async fn as_wanted(&self) -> Result<Option<Created>, Error> {
        let Some((data, stat)) = self.client.get_behind_sync(&self.path).await? else {
            return Ok(None);
        };
        let same = data == self.node.data && stat.version == Version(0) && self.is_ours(&stat);
        Ok(same.then(|| Created { path: self.path.as_str().into(), stat }))
    }

    /// A node of a session that is over is about to go; it must not be taken for ours.
    fn is_ours(&self, stat: &Stat) -> bool {
        if self.node.mode.is_ephemeral() {
            // Without a session there is nothing of ours.
            stat.is_ephemeral() && stat.ephemeral_owner == self.client.session_id()
        } else {
            !stat.is_ephemeral()
        }
    }
}

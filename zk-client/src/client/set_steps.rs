use bytes::Bytes;
use zk_proto::{Acl, CreateMode, ErrorCode, Stat, Version};

use super::node_data::NodeData;
use super::steps::{MOST_ATTEMPTS, Steps, steps};
use super::{Client, Create, Set};
use crate::error::{Delivery, Error};
use crate::reply::Reply;

/// Data that is to be there. Made by [`Set::idempotent`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Debug)]
pub struct IdempotentSet<'a>(Set<'a>);

impl<'a> Set<'a> {
    /// Succeeds also when the data is there already, and finds out when the reply was lost. See
    /// [`IdempotentSet::send`].
    pub const fn idempotent(self) -> IdempotentSet<'a> {
        IdempotentSet(self)
    }
}

impl IdempotentSet<'_> {
    /// Sends the first request.
    ///
    /// After a lost reply, or `BadVersion`, the node is read: if it has this data and, where a
    /// [`version`](Set::version) was asked for, the one that follows it, it counts as set, whoever
    /// did it. Otherwise a set whose reply was lost is sent again; without a version it may then
    /// overwrite what somebody else has set in between.
    ///
    /// All attempts together take no longer than the operation timeout. Errors: those of
    /// [`Set::send`]; [`Error::outcome_unknown`] only when the time is up. When it is dropped the
    /// data may have been set.
    pub fn send(self) -> Steps<Stat> {
        let Set { client, path, data: NodeData(data), version } = self.0;
        let setting = Setting { client: client.clone(), path: path.to_owned(), data, version };
        let first = setting.attempt();
        Steps::within_operation_timeout(client, setting.run(first))
    }
}

steps!(IdempotentSet => Stat);

struct Setting {
    client: Client,
    path: String,
    data: Bytes,
    version: Version,
}

impl Setting {
    fn attempt(&self) -> Reply<Stat> {
        self.client.set(&self.path, self.data.clone()).version(self.version).send()
    }

    async fn run(self, mut reply: Reply<Stat>) -> Result<Stat, Error> {
        for _ in 0..MOST_ATTEMPTS {
            let error = match reply.await {
                Ok(stat) => return Ok(stat),
                Err(error) => error,
            };
            if error.code() == Some(ErrorCode::BadVersion) {
                return self.as_wanted().await?.ok_or(error);
            }
            if !self.client.is_passing(&error) {
                return Err(error);
            }
            self.client.recover(&error).await?;
            if error.outcome_unknown()
                && let Some(stat) = self.as_wanted().await?
            {
                return Ok(stat);
            }
            reply = self.attempt();
        }
        Err(Error::Timeout { delivery: Delivery::Unknown })
    }

    /// The state of the node, if it is as it would be after the set.
    async fn as_wanted(&self) -> Result<Option<Stat>, Error> {
        let Some((data, stat)) = self.client.get_behind_sync(&self.path).await? else {
            return Ok(None);
        };
        let next = Version(self.version.0.wrapping_add(1));
        let same_version = self.version == Version::ANY || stat.version == next;
        Ok((data == self.data && same_version).then_some(stat))
    }
}

/// Data for a node that may have to be created. Made by [`Client::set_or_create`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Debug)]
pub struct SetOrCreate<'a> {
    client: &'a Client,
    path: &'a str,
    data: NodeData,
    mode: CreateMode,
    acl: Vec<Acl>,
    parents: Option<CreateMode>,
}

impl<'a> SetOrCreate<'a> {
    pub(super) fn new(client: &'a Client, path: &'a str, data: Bytes) -> Self {
        let (mode, acl) = (CreateMode::Persistent, Acl::open());
        let data = NodeData(data);
        Self { client, path, data, mode, acl, parents: None }
    }

    /// What kind of node is created. Default: persistent. Sequential modes and those with a time to
    /// live are refused with [`Error::BadArguments`].
    pub const fn mode(mut self, mode: CreateMode) -> Self {
        self.mode = mode;
        self
    }

    /// The ACL of the node when it is created. Default: open.
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// Also creates the parents that are missing, as persistent nodes.
    pub const fn with_parents(mut self) -> Self {
        self.parents = Some(CreateMode::Persistent);
        self
    }

    /// Also creates the parents that are missing, as containers.
    pub const fn with_container_parents(mut self) -> Self {
        self.parents = Some(CreateMode::Container);
        self
    }

    /// Sends the first request.
    ///
    /// The reply is the node's new state. A node that exists takes one request, one that does not
    /// two, without its parents. All steps together take no longer than the operation timeout.
    /// Errors: those of [`Set::send`] and [`Create::send`] without `NodeExists`, and `NoNode` only
    /// when a parent is missing that is not to be created. A lost reply ends the call: after
    /// [`Error::outcome_unknown`], or when it is dropped, the data may have been set, and parents
    /// created; the same call can be made again.
    pub fn send(self) -> Steps<Stat> {
        if self.mode.is_sequential() || self.mode.has_ttl() {
            let reason = "the node is to be neither sequential nor to have a time to live";
            return Steps::refused(Error::BadArguments { reason });
        }
        let client = self.client;
        let set = client.set(self.path, self.data.0.clone()).send();
        let run = set_or_create(client.clone(), Wanted::from(self), set);
        Steps::within_operation_timeout(client, run)
    }
}

steps!(SetOrCreate => Stat);

struct Wanted {
    path: String,
    data: Bytes,
    mode: CreateMode,
    acl: Vec<Acl>,
    parents: Option<CreateMode>,
}

impl From<SetOrCreate<'_>> for Wanted {
    fn from(call: SetOrCreate<'_>) -> Self {
        let SetOrCreate { path, data: NodeData(data), mode, acl, parents, .. } = call;
        Self { path: path.to_owned(), data, mode, acl, parents }
    }
}

async fn set_or_create(
    client: Client,
    wanted: Wanted,
    mut reply: Reply<Stat>,
) -> Result<Stat, Error> {
    for _ in 0..MOST_ATTEMPTS {
        match reply.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            set => return set,
        }
        let create = Create::new(&client, &wanted.path, wanted.data.clone())
            .mode(wanted.mode)
            .acl(wanted.acl.clone());
        let created = match wanted.parents {
            None => create.await,
            Some(CreateMode::Container) => create.with_container_parents().await,
            Some(_) => create.with_parents().await,
        };
        match created {
            Err(error) if error.code() == Some(ErrorCode::NodeExists) => {}
            created => return created.map(|created| created.stat),
        }
        reply = client.set(&wanted.path, wanted.data.clone()).send();
    }
    Err(Error::Timeout { delivery: Delivery::Unknown })
}

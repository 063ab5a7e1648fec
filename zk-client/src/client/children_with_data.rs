use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use zk_proto::path::join;
use zk_proto::{ByteString, ErrorCode, Stat};

use super::node_data::NodeData;
use super::steps::{Steps, steps};
use super::{Client, MultiReadOutcome, MultiReadReply};
use crate::error::Error;

/// A listing of a node's children with the data of each. Made by [`Client::children_with_data`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct ChildrenWithData<'a> {
    client: &'a Client,
    path: &'a str,
    batch: usize,
}

/// A child, as [`Client::children_with_data`] reads it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildWithData {
    /// Its name, without the path of its parent.
    pub name: ByteString,
    /// Its data; null data reads as empty.
    pub data: Bytes,
    /// Its state.
    pub stat: Stat,
}

/// Does not show the data.
impl fmt::Debug for ChildWithData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildWithData")
            .field("name", &self.name)
            .field("data", &NodeData(self.data.clone()))
            .field("stat", &self.stat)
            .finish()
    }
}

impl<'a> ChildrenWithData<'a> {
    pub(super) const fn new(client: &'a Client, path: &'a str) -> Self {
        Self { client, path, batch: DEFAULT_BATCH }
    }

    /// How many children one request reads; at least 1. Default 16: as many nodes of the default
    /// largest size as the default largest reply can hold. More are fine where nodes are small; a
    /// reply over [`ClientBuilder::max_reply`](crate::ClientBuilder::max_reply) fails the call.
    pub const fn batch(mut self, children: usize) -> Self {
        self.batch = if children == 0 { 1 } else { children };
        self
    }

    /// Sends the first request.
    ///
    /// The reply is the children in no order. It takes two round trips as long as there are no more
    /// than 8 batches. The children of one batch are read at one moment; those that vanish
    /// between the listing and that moment are left out.
    ///
    /// There is no limit for the whole, but every request has a deadline of its own.
    ///
    /// Errors: `NoNode`, `NoAuth` on the node or a child, `Unimplemented` before ZooKeeper 3.6, and
    /// those of every operation. Nothing is left behind when it is dropped.
    pub fn send(self) -> Steps<Vec<ChildWithData>> {
        let Self { client, path, batch } = self;
        let listed = client.children(path).send();
        let (client, path) = (client.clone(), path.to_owned());
        Steps::new(async move {
            let names = listed.await?;
            let mut children = Vec::new();
            let mut under_way = VecDeque::new();
            for names in names.chunks(batch) {
                if under_way.len() == AT_ONCE {
                    collect(under_way.pop_front(), &mut children).await?;
                }
                under_way.push_back((names, read(&client, &path, names)));
            }
            while let Some(next) = under_way.pop_front() {
                collect(Some(next), &mut children).await?;
            }
            Ok(children)
        })
    }
}

steps!(ChildrenWithData => Vec<ChildWithData>);

fn read(client: &Client, path: &str, names: &[ByteString]) -> MultiReadReply {
    let reads = names.iter().fold(client.multi_read(), |reads, name| reads.get(&join(path, name)));
    reads.send()
}

async fn collect(
    next: Option<(&[ByteString], MultiReadReply)>,
    children: &mut Vec<ChildWithData>,
) -> Result<(), Error> {
    let Some((names, reply)) = next else {
        return Ok(());
    };
    for (name, outcome) in names.iter().zip(reply.await?) {
        match outcome {
            Ok(MultiReadOutcome::Data(data, stat)) => {
                children.push(ChildWithData { name: name.clone(), data, stat });
            }
            // A read of data has no other outcome; see `MultiRead`.
            Ok(MultiReadOutcome::Children(_)) => {}
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

const DEFAULT_BATCH: usize = 16;
/// Batches under way at once: more would only wait at the server.
const AT_ONCE: usize = 8;

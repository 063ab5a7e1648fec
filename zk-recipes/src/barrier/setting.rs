//! Setting a barrier that falls with its setter. Its path is not unique, so what it is known by is its
//! data, and later the transaction that has created it.

use bytes::Bytes;
use uuid::Uuid;
use zk_client::{Client, CreateMode, Error, ErrorCode, Janitor, SessionId, Zxid};

use super::Barrier;
use super::guard::BarrierGuard;
use crate::contender::own_node::OwnNode;
use crate::error::RecipeError;
use crate::held::Held;
use crate::retry::{Attempt, until_settled};

pub(super) async fn set_while_alive(barrier: &Barrier) -> Result<BarrierGuard, RecipeError> {
    let client = barrier.client.bound_to_session();
    client.connected().await?;
    let (state, session) = (client.state(), client.session_id());
    let mark = Bytes::from(Uuid::new_v4().to_string());
    let mut lifts = LiftOnDrop::new(&client, &barrier.path, mark.clone());
    let (own_client, own_mark) = (&client, &mark);
    let set = |attempt| async move {
        if attempt == Attempt::InDoubt
            && let Some(czxid) = find(own_client, &barrier.path, own_mark, session).await?
        {
            return Ok(czxid);
        }
        barrier.create(own_client, own_mark.clone(), CreateMode::Ephemeral).await
    };
    let czxid = match until_settled(&client, set).await {
        Ok(czxid) => czxid,
        Err(RecipeError::Client(error)) if error.code() == Some(ErrorCode::NodeExists) => {
            lifts.disarm();
            return Err(RecipeError::Contended);
        }
        Err(error) => return Err(error),
    };
    lifts.disarm();
    tracing::debug!("set");
    let node = OwnNode::with_shared_name(&client, barrier.path.clone(), czxid);
    Ok(BarrierGuard::new(Held::new(client, node, state, barrier.policy)))
}

/// The barrier at a path, if it carries this mark and belongs to this session.
async fn find(
    client: &Client,
    path: &str,
    mark: &Bytes,
    session: SessionId,
) -> Result<Option<Zxid>, Error> {
    let synced = client.sync(path).send();
    let read = client.get(path).send();
    synced.await?;
    match read.await {
        Ok((data, stat)) if data == *mark && stat.ephemeral_owner == session => {
            Ok(Some(stat.czxid))
        }
        Err(error) if error.code() != Some(ErrorCode::NoNode) => Err(error),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Lifts, in the background, what a call that came to nothing may have set.
struct LiftOnDrop {
    janitor: Janitor,
    path: Option<String>,
    mark: Bytes,
}

impl LiftOnDrop {
    fn new(client: &Client, path: &str, mark: Bytes) -> Self {
        Self { janitor: Janitor::of(client), path: Some(path.to_owned()), mark }
    }

    fn disarm(&mut self) {
        self.path = None;
    }
}

impl Drop for LiftOnDrop {
    fn drop(&mut self) {
        let Some(path) = self.path.take() else { return };
        let mark = self.mark.clone();
        let handed = self.janitor.errand(move |client| {
            let (path, mark) = (path.clone(), mark.clone());
            async move {
                let session = client.session_id();
                match find(&client, &path, &mark, session).await? {
                    Some(_) => client.delete(&path).await,
                    None => Ok(()),
                }
            }
        });
        if let Err(error) = handed {
            tracing::warn!(%error, "a barrier may stay until the session ends");
        }
    }
}

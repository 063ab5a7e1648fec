//! Takes: who is first in the line of consumers looks at the items, and nobody else.

use std::collections::BTreeSet;
use std::future::pending;

use tokio::sync::watch;
use zk_client::{Client, ErrorCode, SessionState, Watch};

use super::choosing::Survey;
use super::claim::Claim;
use super::core::{Core, is_passing, none_without_parent};
use super::item_name::ItemId;
use crate::error::RecipeError;

/// Items that could not be moved out of the way; they are left to others.
pub(super) type PassedOver = BTreeSet<ItemId>;

impl Core {
    /// Stands in line, and claims the next item when there is one.
    pub(super) async fn claim_next(&self, passed_over: &PassedOver) -> Result<Claim, RecipeError> {
        let line = self.line_of_consumers().await?;
        let client = line.client().clone();
        let mut state = client.state();
        loop {
            match self.claim_first(&client, &mut state, Some(line.path()), passed_over).await {
                Ok(Some(claim)) => {
                    line.forget();
                    return Ok(claim);
                }
                Ok(None) => {}
                Err(RecipeError::Client(error)) if is_passing(&error) => continue,
                Err(error) => return Err(error),
            }
            match self.wait_for_work(&client, &mut state, passed_over).await {
                Err(RecipeError::Client(error)) if is_passing(&error) => {}
                waited => waited?,
            }
        }
    }

    /// Claims the next item if there is one, without standing in line.
    pub(super) async fn claim_now(
        &self,
        passed_over: &PassedOver,
    ) -> Result<Option<Claim>, RecipeError> {
        let client = self.client.bound_to_session();
        let mut state = client.state();
        // Whoever has not written anything may be behind what others have put.
        state.mark_changed();
        self.claim_first(&client, &mut state, None, passed_over).await
    }

    /// Claims the first item that nobody else is faster with.
    async fn claim_first(
        &self,
        client: &Client,
        state: &mut watch::Receiver<SessionState>,
        place_in_line: Option<&str>,
        passed_over: &PassedOver,
    ) -> Result<Option<Claim>, RecipeError> {
        loop {
            let found = self.look(client, state, passed_over).await?;
            let Some(first) = found.ready.first() else { return Ok(None) };
            if let Some(claim) = self.claim(client, first, place_in_line).await? {
                return Ok(Some(claim));
            }
            tracing::debug!(item = %first.name, "somebody else was faster");
        }
    }

    /// What can be taken now.
    pub(super) async fn look(
        &self,
        client: &Client,
        state: &mut watch::Receiver<SessionState>,
        passed_over: &PassedOver,
    ) -> Result<Survey, RecipeError> {
        let synced = self.catch_up(client, state).await?;
        let items = client.children(&self.items).send();
        let claims = client.children(&self.claims).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        let items = none_without_parent(items.await)?;
        let claims = none_without_parent(claims.await)?;
        self.survey(client, &items, &claims, passed_over).await
    }

    /// Behind another connection a server may lag: it is asked to `sync` first. What changes from here
    /// on makes what is seen uncertain.
    async fn catch_up(
        &self,
        client: &Client,
        state: &mut watch::Receiver<SessionState>,
    ) -> Result<Option<zk_client::Reply<()>>, RecipeError> {
        client.connected().await?;
        let behind = state.has_changed().unwrap_or(true);
        state.mark_unchanged();
        Ok(behind.then(|| client.sync(&self.path).send()))
    }

    /// Waits until there may be something to take: an item was put or given back, its time has come,
    /// or the connection was lost meanwhile.
    async fn wait_for_work(
        &self,
        client: &Client,
        state: &mut watch::Receiver<SessionState>,
        passed_over: &PassedOver,
    ) -> Result<(), RecipeError> {
        let synced = self.catch_up(client, state).await?;
        let items = client.children(&self.items).watch().send();
        let claims = client.children(&self.claims).watch().send();
        if let Some(synced) = synced {
            synced.await?;
        }
        let (items, put) = match items.await {
            // An empty container was removed, or nothing was ever put (CURATOR-308).
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {
                return self.ensure(client, &self.items).await;
            }
            listed => listed?,
        };
        let (claims, given_back) = match claims.await {
            // Nothing can be given back that nobody has.
            Err(error) if error.code() == Some(ErrorCode::NoNode) => (Vec::new(), None),
            listed => listed.map(|(names, watch)| (names, Some(watch)))?,
        };
        let found = self.survey(client, &items, &claims, passed_over).await?;
        if !found.ready.is_empty() {
            return Ok(());
        }
        tracing::debug!(path = self.path, items = items.len(), "waiting for an item");
        tokio::select! {
            event = put => event.map(|_| ())?,
            event = or_never(given_back) => event?,
            () = async {
                match found.next_due {
                    Some(due) => self.clock.until(due).await,
                    None => pending().await,
                }
            } => {}
            // The sender lives in the client.
            _ = state.changed() => state.mark_changed(),
        }
        Ok(())
    }
}

async fn or_never(watch: Option<Watch>) -> Result<(), zk_client::Error> {
    match watch {
        Some(watch) => watch.await.map(|_| ()),
        None => pending().await,
    }
}

//! A candidate's place in an election of either form.

use zk_client::Client;

use super::first_comer::FirstComer;
use super::settings::{Form, Settings};
use crate::contender::in_line::InLine;
use crate::error::RecipeError;
use crate::held::{Held, SuspendPolicy};

#[derive(Debug)]
pub(super) enum Place {
    Queue(InLine),
    FirstComer(FirstComer),
}

impl Place {
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub(super) async fn enter(client: &Client, settings: &Settings) -> Result<Self, RecipeError> {
        match settings.form {
            Form::Queue(layout) => {
                let spec = settings.spec(layout)?;
                Ok(Self::Queue(InLine::enter(client, &spec, layout.rule()).await?))
            }
            Form::FirstComer => Ok(Self::FirstComer(FirstComer::new(client, settings)?)),
        }
    }

    /// Waits for one change; tells whether it is our turn.
    ///
    /// # Cancel safety
    /// The place stays.
    pub(super) async fn step(&mut self) -> Result<bool, RecipeError> {
        match self {
            Self::Queue(line) => line.step().await,
            Self::FirstComer(node) => node.step().await,
        }
    }

    /// The path of the node that is waited for.
    pub(super) fn ahead(&self) -> Option<String> {
        match self {
            Self::Queue(line) => {
                let parent = zk_client::path::parent(line.path())?;
                line.ahead().map(|name| zk_client::path::join(parent, name))
            }
            Self::FirstComer(node) => node.ahead().map(str::to_owned),
        }
    }

    /// What is held now that it is our turn.
    pub(super) fn into_held(self, policy: SuspendPolicy) -> Option<Held> {
        match self {
            Self::Queue(line) => Some(line.into_held(policy)),
            Self::FirstComer(node) => node.into_held(policy),
        }
    }

    /// Leaves, and waits for the server to confirm.
    ///
    /// # Cancel safety
    /// A dropped future leaves in the background.
    pub(super) async fn leave(self) -> Result<(), RecipeError> {
        match self {
            Self::Queue(line) => Ok(line.leave().await.map(|_| ())?),
            // What waits has no node, and what was taken goes with the place.
            Self::FirstComer(_) => Ok(()),
        }
    }
}

//! What a candidate is told to be.

use std::time::Duration;

use bytes::Bytes;
use zk_client::Acl;

use super::breadcrumb::Fence;
use super::candidate_info;
use super::layout::Layout;
use crate::contender::own_node::NodeSpec;
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::held::SuspendPolicy;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) path: String,
    pub(super) form: Form,
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) acl: Vec<Acl>,
    pub(super) parents: Parents,
    pub(super) policy: SuspendPolicy,
    pub(super) rejoins: bool,
    pub(super) overridable: bool,
    pub(super) grace: Duration,
    pub(super) fence: Option<Fence>,
}

/// What decides who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The order in a queue of sequential nodes.
    Queue(Layout),
    /// Who has created one node of a fixed name.
    FirstComer,
}

impl Settings {
    pub(super) fn new(path: String, form: Form) -> Self {
        Self {
            path,
            form,
            id: String::new(),
            payload: Bytes::new(),
            acl: Acl::open(),
            parents: match form {
                Form::Queue(layout) => layout.parents(),
                Form::FirstComer => Parents::Persistent,
            },
            policy: SuspendPolicy::Strict,
            rejoins: true,
            overridable: false,
            grace: GRACE,
            fence: None,
        }
    }

    pub(super) fn data(&self) -> Result<Bytes, RecipeError> {
        candidate_info::write(&self.id, &self.payload)
    }

    /// The node of a candidate in a queue.
    pub(super) fn spec(&self, layout: Layout) -> Result<NodeSpec, RecipeError> {
        let mut spec = NodeSpec::new(self.path.clone(), layout.dialect(), layout.kind());
        spec.data = self.data()?;
        spec.acl = self.acl.clone();
        spec.parents = self.parents;
        Ok(spec)
    }
}

/// How long a leader that is to step down may take to finish.
const GRACE: Duration = Duration::from_secs(1);

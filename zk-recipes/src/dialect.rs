//! How the nodes of contenders are named, so that other libraries know them.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

/// Whose names the nodes of a recipe have. All contenders of one path must use the same one:
/// neither library counts the nodes of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// Curator's, which go-zookeeper and the `zookeeper-client` crate share for locks:
    /// `_c_<uuid>-lock-<sequence>`. Missing parents are made as containers.
    #[default]
    Curator,
    /// kazoo's: `<hex>__lock__<sequence>`. Missing parents are made as persistent nodes.
    Kazoo,
}

impl Dialect {
    /// What a name begins with that nobody else has.
    pub(crate) fn unique_prefix(self) -> String {
        match self {
            Self::Curator => format!("_c_{}-", Uuid::new_v4()),
            Self::Kazoo => Uuid::new_v4().simple().to_string(),
        }
    }
}

/// What is made of the parents of a recipe's nodes when they are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parents {
    /// Containers, which the server removes some time after their last child went; persistent
    /// nodes before ZooKeeper 3.5.1.
    Container,
    /// Persistent nodes.
    Persistent,
    /// Nothing: they must be there, or the call ends with `NoNode`.
    Required,
}

impl Parents {
    /// As the library of a dialect makes them.
    pub(crate) const fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Curator => Self::Container,
            Dialect::Kazoo => Self::Persistent,
        }
    }
}

/// The part of a name between what is unique in it and the sequence number, such as `lock-`.
pub(crate) type Kind = Cow<'static, str>;

/// Which nodes are contenders, and which of them stand in the way of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Of the own node.
    pub(crate) own: Kind,
    /// Those of whom nobody may be ahead.
    pub(crate) blocking: Arc<[Kind]>,
    /// Those whose nodes may go and leave another one in their place that is in the way as well, as a
    /// writer does that becomes a reader.
    pub(crate) replaceable: Option<Kind>,
}

impl Rule {
    pub(crate) fn new(own: &'static str, blocking: &[&'static str]) -> Self {
        let blocking = blocking.iter().map(|kind| Cow::Borrowed(*kind)).collect();
        Self { own: Cow::Borrowed(own), blocking, replaceable: None }
    }

    /// The same, where that kind may leave another one in its place.
    pub(crate) fn replaceable(self, kind: &'static str) -> Self {
        Self { replaceable: Some(Cow::Borrowed(kind)), ..self }
    }

    /// The same, with others in the way as well.
    pub(crate) fn respecting(&self, kind: impl Into<Kind>) -> Self {
        let blocking = self.blocking.iter().cloned().chain([kind.into()]).collect();
        Self { blocking, ..self.clone() }
    }
}

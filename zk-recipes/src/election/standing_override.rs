//! What an operator wants of an election: a decision that is made without IO.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zk_client::path::join;
use zk_client::{SessionId, Stat, Version};

use crate::codec::{Codec, CodecError, Json};

/// An operator's word on who should lead. It only makes candidates withdraw, or not claim: two
/// leaders at once are excluded by the queue, with or without it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Override {
    /// What is wanted.
    pub mode: OverrideMode,
    /// The [ids](super::Election::id) of the candidates that it names.
    pub ids: Vec<String>,
    /// Who wants it.
    pub by: String,
    /// And why.
    pub reason: String,
    /// Until when, in milliseconds since the epoch by the clock of the ensemble.
    pub expires: Option<u64>,
    /// The version of its node.
    pub version: Version,
    /// Whose session it ends with, if it does.
    pub session: Option<SessionId>,
}

/// What an [`Override`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OverrideMode {
    /// One of those named should lead: others withdraw as long as one of them is in the queue.
    Prefer,
    /// Only those named may lead: others leave the queue and wait.
    Force,
    /// Those named may not lead: they leave the queue and wait.
    Exclude,
    /// Nobody becomes the leader. Who leads goes on.
    Freeze,
}

/// What an override means for one candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Free,
    /// It withdraws when one of these is in the queue.
    YieldTo(Vec<String>),
    /// It stays where it is, and does not begin to lead.
    Frozen,
    /// It is not to be in the queue.
    Out,
}

/// As the node carries it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) mode: OverrideMode,
    #[serde(default)]
    pub(super) ids: Vec<String>,
    #[serde(default)]
    pub(super) by: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<u64>,
}

impl Override {
    /// Reads what somebody has written.
    pub(super) fn read(data: &Bytes, stat: &Stat) -> Result<Self, CodecError> {
        let Record { mode, ids, by, reason, expires } = Json.decode(data)?;
        let session = (stat.ephemeral_owner != SessionId(0)).then_some(stat.ephemeral_owner);
        Ok(Self { mode, ids, by, reason, expires, version: stat.version, session })
    }
}

/// What an override, if there is one, means for the candidate with an id.
pub(super) fn verdict(standing: Option<&Override>, id: &str) -> Verdict {
    let Some(standing) = standing else { return Verdict::Free };
    let named = standing.ids.iter().any(|named| named == id);
    match standing.mode {
        OverrideMode::Freeze => Verdict::Frozen,
        OverrideMode::Prefer if !named => Verdict::YieldTo(standing.ids.clone()),
        OverrideMode::Force if !named => Verdict::Out,
        OverrideMode::Exclude if named => Verdict::Out,
        OverrideMode::Prefer | OverrideMode::Force | OverrideMode::Exclude => Verdict::Free,
    }
}

/// Where the override of an election is. The name is no candidate's in any layout.
pub(super) fn path(election: &str) -> String {
    join(election, "_override")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: OverrideMode, ids: &[&str], own: &str, expected: Verdict) {
        let standing = Override {
            mode,
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            by: String::new(),
            reason: String::new(),
            expires: None,
            version: Version(0),
            session: None,
        };
        assert_eq!(verdict(Some(&standing), own), expected, "{mode:?} {ids:?} {own}");
    }

    #[test]
    fn each_mode_says_who_withdraws() {
        use OverrideMode::{Exclude, Force, Freeze, Prefer};
        let both = || vec!["a".to_owned(), "b".to_owned()];
        check(Prefer, &["a", "b"], "a", Verdict::Free);
        check(Prefer, &["a", "b"], "c", Verdict::YieldTo(both()));
        check(Force, &["a", "b"], "b", Verdict::Free);
        check(Force, &["a", "b"], "c", Verdict::Out);
        check(Force, &[], "c", Verdict::Out);
        check(Exclude, &["a", "b"], "a", Verdict::Out);
        check(Exclude, &["a", "b"], "c", Verdict::Free);
        check(Exclude, &[], "c", Verdict::Free);
        check(Freeze, &[], "a", Verdict::Frozen);
        check(Freeze, &["a"], "a", Verdict::Frozen);
        assert_eq!(verdict(None, "a"), Verdict::Free);
    }

    #[test]
    fn what_people_write_is_read_and_the_rest_is_refused() {
        let read = |text: &'static str| {
            Override::read(&Bytes::from_static(text.as_bytes()), &Stat::default())
        };
        let short = read(r#"{"mode":"freeze"}"#).unwrap();
        assert_eq!((short.mode, short.ids, short.expires), (OverrideMode::Freeze, vec![], None));
        let long =
            read(r#"{"mode":"prefer","ids":["a"],"by":"eve","reason":"r","expires":7,"x":1}"#);
        let long = long.unwrap();
        assert_eq!((long.by.as_str(), long.reason.as_str(), long.expires), ("eve", "r", Some(7)));
        for bad in ["", "{}", "prefer", r#"{"mode":"rule"}"#, r#"{"mode":"prefer","ids":"a"}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

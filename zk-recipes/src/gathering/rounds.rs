//! Which round it is, who is in it, and what comes next: decided without IO.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::LastToGo;
use crate::codec::{Codec, CodecError, Json};
use crate::error::RecipeError;

/// What the node says that all members agree on. One without data is before its first round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rounds {
    /// How many make a round.
    pub(crate) parties: usize,
    /// From 1.
    pub(crate) round: u64,
    pub(crate) phase: Phase,
    /// The last rounds that were broken, for those who learn it late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    broken: Vec<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// There were too few members so far.
    Gathering,
    Open(Open),
}

/// Those who were let in together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// In the order in which they came.
    pub(crate) members: Vec<RoundMember>,
    /// Those who have said that they go. Only a strict round keeps count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
    /// Those who went without a word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Broken {
    round: u64,
    who: Vec<RoundMember>,
}

/// A member of a round.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoundMember {
    /// The name of its node, without the path.
    pub name: String,
    /// What it says of itself; may be empty.
    #[serde(with = "payload", default, skip_serializing_if = "Bytes::is_empty")]
    pub payload: Bytes,
}

/// Does not show the payload.
impl fmt::Debug for RoundMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoundMember").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RoundMember {
    pub(crate) const fn new(name: String, payload: Bytes) -> Self {
        Self { name, payload }
    }
}

/// What is to be done with the node, by whoever sees it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The round is over, and there are not enough members for another one.
    Close,
    /// Those who are to be let in, by name.
    Open(Vec<String>),
}

/// How a round stands for one who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    Open(&'a Open),
    /// All have gone.
    Over,
    /// Over, and broken by these.
    Broken(Vec<RoundMember>),
    /// No such round was there yet.
    Unknown,
}

impl Rounds {
    /// Reads the data of the node at `path`.
    pub(crate) fn read(path: &str, data: &Bytes, parties: usize) -> Result<Self, RecipeError> {
        if data.is_empty() {
            return Ok(Self { parties, round: 1, phase: Phase::Gathering, broken: Vec::new() });
        }
        let read: Result<Self, CodecError> = Json.decode(data);
        let rounds = read.map_err(|error| RecipeError::Codec { path: path.to_owned(), error })?;
        if rounds.parties != parties {
            let reason = format!("{} make a round there, and {parties} here", rounds.parties);
            return Err(RecipeError::Conflict { path: path.to_owned(), reason });
        }
        Ok(rounds)
    }

    pub(crate) fn write(&self, path: &str) -> Result<Bytes, RecipeError> {
        Json.encode(self).map_err(|error| RecipeError::Codec { path: path.to_owned(), error })
    }

    /// What is to be done, where `present` are the members that are there, in their order.
    pub(crate) fn next(&self, present: &[String]) -> Option<Next> {
        let over = match &self.phase {
            Phase::Gathering => false,
            Phase::Open(open) if open.members.iter().any(|one| present.contains(&one.name)) => {
                return None;
            }
            Phase::Open(_) => true,
        };
        match present.get(..self.parties) {
            Some(enough) => Some(Next::Open(enough.to_vec())),
            None if over => Some(Next::Close),
            None => None,
        }
    }

    /// What the node says when the round is over and too few wait for another one.
    pub(crate) fn closed(&self, strict: bool) -> Self {
        let Phase::Open(open) = &self.phase else { return self.clone() };
        let mut broken = self.broken.clone();
        if strict {
            let who: Vec<_> =
                open.members.iter().filter(|one| !open.left.contains(&one.name)).cloned().collect();
            if !who.is_empty() {
                broken.push(Broken { round: self.round, who });
            }
            broken.drain(..broken.len().saturating_sub(REMEMBERED));
        }
        let round = self.round.saturating_add(1);
        Self { parties: self.parties, round, phase: Phase::Gathering, broken }
    }

    /// What it says when these have been let in: into this round, or the next one if this one is over.
    pub(crate) fn opened(&self, members: Vec<RoundMember>, strict: bool) -> Self {
        let open = Open { members, left: Vec::new(), missing: Vec::new() };
        Self { phase: Phase::Open(open), ..self.closed(strict) }
    }

    /// What it says when one has gone with a word.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut rounds = self.clone();
        if let Phase::Open(open) = &mut rounds.phase
            && !open.left.iter().any(|left| left == name)
        {
            open.left.push(name.to_owned());
        }
        rounds
    }

    /// What it says when these have gone without one.
    pub(crate) fn missing(&self, who: &[String]) -> Self {
        let mut rounds = self.clone();
        if let Phase::Open(open) = &mut rounds.phase {
            let new: Vec<_> = who.iter().filter(|name| !open.missing.contains(name)).collect();
            open.missing.extend(new.into_iter().cloned());
        }
        rounds
    }

    /// The open round, if this one was let in.
    pub(crate) fn round_of(&self, name: &str) -> Option<(&Open, usize)> {
        let Phase::Open(open) = &self.phase else { return None };
        let place = open.members.iter().position(|one| one.name == name)?;
        Some((open, place))
    }

    pub(crate) fn standing(&self, round: u64) -> Standing<'_> {
        if round < self.round {
            let broken = self.broken.iter().find(|broken| broken.round == round);
            return broken.map_or(Standing::Over, |broken| Standing::Broken(broken.who.clone()));
        }
        match &self.phase {
            Phase::Open(open) if round == self.round => Standing::Open(open),
            Phase::Open(_) | Phase::Gathering => Standing::Unknown,
        }
    }
}

impl Open {
    /// The members that are still there, in their order.
    pub(crate) fn remaining<'a>(&'a self, present: &[String]) -> Vec<&'a str> {
        let names = self.members.iter().map(|one| one.name.as_str());
        names.filter(|name| present.iter().any(|there| there == name)).collect()
    }

    /// The one among them that is usually the last one to go.
    pub(crate) fn last_to_go<'a>(&'a self, present: &[String], last: LastToGo) -> Option<&'a str> {
        let remaining = self.remaining(present);
        match last {
            LastToGo::FirstInList => remaining.first().copied(),
            LastToGo::LastInList => remaining.last().copied(),
        }
    }

    /// Whether one has said that it goes.
    pub(crate) fn has_left(&self, name: &str) -> bool {
        self.left.iter().any(|left| left == name)
    }

    /// Those who have gone without a word, among the first `count` of the list.
    pub(crate) fn dead(&self, present: &[String], count: usize) -> Vec<String> {
        let gone = |name: &String| !present.contains(name) && !self.left.contains(name);
        let mut dead = self.missing.clone();
        let names = self.members.iter().take(count).map(|one| &one.name);
        dead.extend(names.filter(|name| gone(name) && !self.missing.contains(name)).cloned());
        dead
    }

    /// Members by their names.
    pub(crate) fn named(&self, names: &[impl AsRef<str>]) -> Vec<RoundMember> {
        let named = |one: &&RoundMember| names.iter().any(|name| name.as_ref() == one.name);
        self.members.iter().filter(named).cloned().collect()
    }
}

/// Each byte as the character of its number, so that text stays readable and other bytes stay whole.
mod payload {
    use bytes::Bytes;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes.map(Bytes::from).map_err(|_| D::Error::custom("a character that is no byte"))
    }
}

/// Broken rounds that are told to those who learn late that theirs is over.
const REMEMBERED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn members(text: &str) -> Vec<RoundMember> {
        names(text).into_iter().map(|name| RoundMember::new(name, Bytes::new())).collect()
    }

    fn fresh(parties: usize) -> Rounds {
        Rounds::read("/p", &Bytes::new(), parties).unwrap()
    }

    fn check(rounds: &Rounds, present: &str, expected: Option<Next>) {
        assert_eq!(rounds.next(&names(present)), expected, "{present}");
    }

    #[test]
    fn a_round_opens_for_those_who_came_first_and_not_for_fewer() {
        let rounds = fresh(2);
        check(&rounds, "", None);
        check(&rounds, "a", None);
        check(&rounds, "a b", Some(Next::Open(names("a b"))));
        check(&rounds, "a b c", Some(Next::Open(names("a b"))));
    }

    #[test]
    fn nothing_is_to_be_done_while_one_of_an_open_round_is_there() {
        let rounds = fresh(2).opened(members("a b"), false);
        check(&rounds, "a b", None);
        check(&rounds, "b c d e", None);
    }

    #[test]
    fn a_round_that_all_have_left_is_closed_and_the_next_one_opens_with_it_if_it_can() {
        let rounds = fresh(2).opened(members("a b"), false);
        check(&rounds, "", Some(Next::Close));
        check(&rounds, "c", Some(Next::Close));
        check(&rounds, "c d e", Some(Next::Open(names("c d"))));
        let closed = rounds.closed(false);
        assert_eq!((closed.round, &closed.phase), (2, &Phase::Gathering));
        let next = rounds.opened(members("c d"), false);
        assert_eq!(next.round, 2);
        assert_eq!(fresh(2).opened(members("c d"), false).round, 1);
    }

    #[test]
    fn one_who_was_let_in_knows_its_place_and_when_its_round_is_over() {
        let rounds = fresh(2).opened(members("a b"), false);
        assert_eq!(rounds.round_of("b").map(|(_, place)| place), Some(1));
        assert_eq!(rounds.round_of("c").map(|(_, place)| place), None);
        assert!(matches!(rounds.standing(1), Standing::Open(_)));
        assert_eq!(rounds.standing(2), Standing::Unknown);
        assert_eq!(rounds.closed(false).standing(1), Standing::Over);
        assert_eq!(fresh(2).standing(1), Standing::Unknown);
    }

    #[test]
    fn a_strict_round_remembers_who_went_without_a_word() {
        let open = fresh(3).opened(members("a b c"), true).without("a");
        let Standing::Open(state) = open.standing(1) else { panic!("{open:?}") };
        assert_eq!(state.dead(&names("b"), 3), names("c"));
        assert_eq!(state.dead(&names("b"), 2), names(""));
        assert_eq!(state.dead(&names("b c"), 3), names(""));
        let broken = open.missing(&names("c")).without("b").closed(true);
        assert_eq!(broken.standing(1), Standing::Broken(members("c")));
        let whole = open.without("b").without("c").closed(true);
        assert_eq!(whole.standing(1), Standing::Over);
    }

    #[test]
    fn broken_rounds_are_forgotten_after_a_while() {
        let mut rounds = fresh(1);
        for round in 1..=20 {
            rounds = rounds.opened(members("a"), true).closed(true);
            assert_eq!(rounds.standing(round), Standing::Broken(members("a")));
        }
        assert_eq!(rounds.broken.len(), REMEMBERED);
    }

    #[test]
    fn the_last_to_go_is_told_by_the_list_and_not_by_who_came_later() {
        let rounds = fresh(3).opened(members("a b c"), false);
        let Standing::Open(open) = rounds.standing(1) else { panic!("{rounds:?}") };
        assert_eq!(open.last_to_go(&names("d b c"), LastToGo::FirstInList), Some("b"));
        assert_eq!(open.last_to_go(&names("a b d"), LastToGo::LastInList), Some("b"));
        assert_eq!(open.last_to_go(&names("d"), LastToGo::LastInList), None);
    }

    #[test]
    fn what_is_written_is_read_again_and_other_data_is_refused() {
        let member = RoundMember::new("a".to_owned(), Bytes::from_static(&[0, 255, b'x']));
        let rounds = fresh(1).opened(vec![member], true).without("a").missing(&names("b"));
        let written = rounds.write("/p").unwrap();
        assert_eq!(Rounds::read("/p", &written, 1), Ok(rounds));
        let conflict = Rounds::read("/p", &written, 2).unwrap_err();
        assert!(matches!(conflict, RecipeError::Conflict { .. }), "{conflict}");
        let other = Rounds::read("/p", &Bytes::from_static(b"127.0.0.1"), 1).unwrap_err();
        assert!(matches!(other, RecipeError::Codec { .. }), "{other}");
        let bad = Bytes::from_static(
            "{\"parties\":1,\"round\":1,\"phase\":{\"open\":{\"members\":[{\"name\":\"a\",\"payload\":\"\u{101}\"}]}}}".as_bytes(),
        );
        assert!(Rounds::read("/p", &bad, 1).is_err());
    }
}

//! What a run has met, as the judge answered it: what is not in this table was not compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::observe::{Item, Kind};
use crate::program::{MULTI, op_name};
use crate::side::Transcript;

/// Counts of outcomes.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// By what was done, and how it came out.
    outcomes: BTreeMap<String, BTreeMap<String, usize>>,
    codes: BTreeSet<i32>,
}

impl Coverage {
    pub(crate) fn count(&mut self, transcript: &Transcript) {
        for seen in transcript.iter().flat_map(|stream| &stream.seen) {
            let field = |name| seen.item.field(name).unwrap_or("?").to_owned();
            match &seen.item.kind {
                Kind::Reply(op) => {
                    self.reply(op_name(*op), &field("err"));
                    if *op == MULTI
                        && let Some(call) = &seen.call
                    {
                        self.multi(call.ops().iter().map(|(op, _)| *op), &seen.item);
                    }
                }
                Kind::Event => self.add("event".to_owned(), field("type")),
                Kind::Connected => self.add(
                    "connect".to_owned(),
                    field("session").replace(|c: char| c.is_ascii_digit() && c != '0', ""),
                ),
                other => self.add("connection".to_owned(), format!("{other:?}")),
            }
        }
    }

    fn multi(&mut self, ops: impl Iterator<Item = i32>, item: &Item) {
        for (position, op) in ops.enumerate() {
            let code = match item.field(&format!("{position}.error")) {
                Some(code) => code,
                None if item.field(&format!("{position}.type")).is_some() => "0",
                None => continue,
            };
            self.reply(format!("multi: {}", op_name(op)), code);
        }
    }

    fn reply(&mut self, what: String, code: &str) {
        self.codes.extend(code.parse::<i32>().ok());
        self.add(what, code.to_owned());
    }

    fn add(&mut self, what: String, outcome: String) {
        *self.outcomes.entry(what).or_default().entry(outcome).or_default() += 1;
    }

    pub(crate) fn report(&self) -> String {
        let mut text = String::new();
        for (what, outcomes) in &self.outcomes {
            let total: usize = outcomes.values().sum();
            let outcomes: Vec<_> =
                outcomes.iter().map(|(outcome, count)| format!("{outcome}: {count}")).collect();
            text.push_str(&format!("  {total:7}  {what:22}  {}\n", outcomes.join(", ")));
        }
        let missing: Vec<_> = SENT_BY_SERVERS
            .iter()
            .filter(|code| !self.codes.contains(code))
            .map(i32::to_string)
            .collect();
        let missing = if missing.is_empty() { "none".to_owned() } else { missing.join(", ") };
        text.push_str(&format!("  error codes that were not met: {missing}\n"));
        text
    }
}

/// The codes that a standalone server answers with, unless it is set up in a special way.
const SENT_BY_SERVERS: [i32; 16] =
    [0, -2, -5, -6, -8, -101, -102, -103, -108, -110, -111, -114, -115, -121, -123, -125];

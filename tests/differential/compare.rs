//! Two transcripts side by side.

use crate::known::Known;
use crate::observe::{Item, Kind};
use crate::program::{Program, op_name};
use crate::side::{Seen, Stream, Transcript};

/// Where two transcripts first differ.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// The first step of which that is known.
    pub(crate) step: usize,
    /// What differs, in short: equal for two programs that likely show the same fault.
    pub(crate) signature: String,
}

/// Both outcomes of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) real: Transcript,
    pub(crate) ours: Transcript,
}

impl Outcome {
    /// What differs first and is not known to.
    pub(crate) fn difference(&self, known: &mut Known) -> Option<Difference> {
        let count = self.real.len().max(self.ours.len());
        (0..count)
            .filter_map(|number| {
                let stream = |transcript: &Transcript| {
                    transcript.get(number).map_or_else(Vec::new, |stream| stream.seen.clone())
                };
                first(stream(&self.real), stream(&self.ours), known)
            })
            .min_by_key(|difference| difference.step)
    }

    /// The program with what each step brought, once where both agree.
    pub(crate) fn describe(&self, program: &Program, known: &mut Known) -> String {
        let mut text = String::new();
        for (number, step) in program.steps.iter().enumerate() {
            text.push_str(&format!("  {step}\n"));
            for (real, ours) in pairs(&self.real, &self.ours) {
                let slot = real.or(ours).map_or(0, |stream| stream.slot);
                describe_step(
                    &mut text,
                    slot,
                    [of_step(real, number), of_step(ours, number)],
                    known,
                );
            }
        }
        if self.difference(known).is_some_and(|found| found.step >= program.steps.len()) {
            text.push_str("  and the sessions did not end in the same way\n");
        }
        text
    }
}

fn pairs<'a>(
    real: &'a Transcript,
    ours: &'a Transcript,
) -> impl Iterator<Item = (Option<&'a Stream>, Option<&'a Stream>)> {
    (0..real.len().max(ours.len())).map(|number| (real.get(number), ours.get(number)))
}

fn of_step(stream: Option<&Stream>, step: usize) -> Vec<Seen> {
    let seen = stream.map_or(&[][..], |stream| &stream.seen);
    seen.iter().filter(|seen| seen.step == step).cloned().collect()
}

fn describe_step(text: &mut String, slot: usize, [real, ours]: [Vec<Seen>; 2], known: &mut Known) {
    for position in 0..real.len().max(ours.len()) {
        let (mut a, mut b) = (real.get(position).cloned(), ours.get(position).cloned());
        let same = match (&mut a, &mut b) {
            (Some(a), Some(b)) => {
                known.mask(a, b);
                a.item == b.item
            }
            _ => false,
        };
        let shown = |seen: Option<&Seen>| {
            seen.map_or_else(|| "nothing".to_owned(), |seen| seen.item.to_string())
        };
        if same {
            text.push_str(&format!("         both c{slot} {}\n", shown(real.get(position))));
        } else {
            text.push_str(&format!("    >>>  real c{slot} {}\n", shown(real.get(position))));
            text.push_str(&format!("    >>>  ours c{slot} {}\n", shown(ours.get(position))));
        }
    }
}

fn first(real: Vec<Seen>, ours: Vec<Seen>, known: &mut Known) -> Option<Difference> {
    let (mut real, mut ours) = (real.into_iter(), ours.into_iter());
    loop {
        let (a, b) = match (real.next(), ours.next()) {
            (None, None) => return None,
            (Some(mut a), Some(mut b)) => {
                known.mask(&mut a, &mut b);
                if a.item == b.item {
                    continue;
                }
                (Some(a), Some(b))
            }
            pair => pair,
        };
        let step = a.iter().chain(&b).map(|seen| seen.step).min().unwrap_or(0);
        let signature = signature(a.as_ref().map(|a| &a.item), b.as_ref().map(|b| &b.item));
        return Some(Difference { step, signature });
    }
}

fn signature(real: Option<&Item>, ours: Option<&Item>) -> String {
    let (Some(a), Some(b)) = (real, ours) else {
        return format!("real: {}, ours: {}", kind(real), kind(ours));
    };
    if a.kind != b.kind {
        return format!("real: {}, ours: {}", kind(real), kind(ours));
    }
    for (name, value) in &a.fields {
        let other = b.field(name);
        if other != Some(value) && name != "length" {
            // The values of a field that is a code or a type say which fault it is.
            let general = name.trim_start_matches(|c: char| c.is_ascii_digit());
            let values = match general {
                "err" | ".error" | ".type" | "type" => {
                    format!(" {value} and {}", other.unwrap_or("none"))
                }
                _ => String::new(),
            };
            return format!("{}: {general}{values}", kind(real));
        }
    }
    format!("{}: more or other fields", kind(real))
}

fn kind(item: Option<&Item>) -> String {
    match item.map(|item| &item.kind) {
        None => "nothing".to_owned(),
        Some(Kind::Reply(op)) => format!("reply to {}", op_name(*op)),
        Some(Kind::NoReply(op)) => format!("no reply to {}", op_name(*op)),
        Some(other) => format!("{other:?}"),
    }
}

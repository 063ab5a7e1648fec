//! Makes a program that shows a difference as short as it goes.

use crate::program::{Call, Field, Handshake, Program, Session, Step, Zx};

/// Programs that are a little less than this one, boldest first.
pub(crate) fn smaller(program: &Program) -> Vec<Program> {
    let mut smaller = without_runs(program);
    smaller.extend(on_first_connection(program));
    for (number, step) in program.steps.iter().enumerate() {
        for step in smaller_steps(step) {
            let mut program = program.clone();
            program.steps[number] = step;
            smaller.push(program);
        }
    }
    smaller
}

/// With what one step sends on the connection that the program begins with.
fn on_first_connection(program: &Program) -> Vec<Program> {
    let Some(Step::Connect { slot: first, .. }) = program.steps.first() else {
        return Vec::new();
    };
    let mut smaller = Vec::new();
    for (number, step) in program.steps.iter().enumerate() {
        if let Step::Send { slot, calls } = step
            && slot != first
        {
            let mut program = program.clone();
            program.steps[number] = Step::Send { slot: *first, calls: calls.clone() };
            smaller.push(program);
        }
    }
    smaller
}

/// Without a run of steps: half of them, a quarter, …, one.
fn without_runs(program: &Program) -> Vec<Program> {
    let mut smaller = Vec::new();
    let mut length = program.steps.len() / 2;
    while length > 0 {
        // From the end: what is last is least likely to be needed by others.
        for start in (0..program.steps.len()).step_by(length).rev() {
            let mut steps = program.steps.clone();
            steps.drain(start..(start + length).min(program.steps.len()));
            smaller.push(Program { steps });
        }
        length /= 2;
    }
    smaller
}

fn smaller_steps(step: &Step) -> Vec<Step> {
    let (slot, calls) = match step {
        Step::Send { slot, calls } => (slot, calls),
        Step::Connect { slot, handshake } => {
            let plain = Step::Connect { slot: *slot, handshake: plain(handshake) };
            return if plain == *step { Vec::new() } else { vec![plain] };
        }
        Step::Drop { .. } | Step::Close { .. } => return Vec::new(),
    };
    let send = |calls| Step::Send { slot: *slot, calls };
    let mut smaller: Vec<_> =
        without_one(calls).into_iter().filter(|calls| !calls.is_empty()).map(send).collect();
    for (number, call) in calls.iter().enumerate() {
        for call in smaller_calls(call) {
            let mut calls = calls.clone();
            calls[number] = call;
            smaller.push(send(calls));
        }
    }
    smaller
}

/// The same without anything special.
fn plain(handshake: &Handshake) -> Handshake {
    let session = match &handshake.session {
        Session::New { number, .. } => Session::New { number: *number, passwd: Some(vec![0; 16]) },
        other => other.clone(),
    };
    Handshake { session, timeout: 20_000, read_only: Some(false), last_zxid: Zx::Zero }
}

fn smaller_calls(call: &Call) -> Vec<Call> {
    let mut smaller = Vec::new();
    if call.cut > 1 {
        smaller.push(Call { cut: 1, ..call.clone() });
    }
    if call.cut > 0 {
        smaller.push(Call { cut: 0, ..call.clone() });
    }
    if call.xid.is_some() && call.op != crate::program::AUTH {
        smaller.push(Call { xid: None, ..call.clone() });
    }
    for (number, field) in call.fields.iter().enumerate() {
        for field in smaller_fields(field) {
            let mut call = call.clone();
            call.fields[number] = field;
            smaller.push(call);
        }
    }
    smaller
}

fn smaller_fields(field: &Field) -> Vec<Field> {
    match field {
        Field::Ops(ops) => {
            let mut smaller: Vec<_> = without_one(ops).into_iter().map(Field::Ops).collect();
            for (number, (op, fields)) in ops.iter().enumerate() {
                for (position, field) in fields.iter().enumerate() {
                    for field in smaller_fields(field) {
                        let (mut ops, mut fields) = (ops.clone(), fields.clone());
                        fields[position] = field;
                        ops[number] = (*op, fields);
                        smaller.push(Field::Ops(ops));
                    }
                }
            }
            smaller
        }
        Field::Acls(Ok(acls)) => {
            without_one(acls).into_iter().map(|acls| Field::Acls(Ok(acls))).collect()
        }
        Field::Paths(Ok(paths)) => {
            without_one(paths).into_iter().map(|paths| Field::Paths(Ok(paths))).collect()
        }
        // Nodes of quotas must stay readable.
        Field::Data(Some(data)) if !data.is_empty() && !data.contains(&b'=') => {
            vec![Field::Data(Some(Vec::new()))]
        }
        Field::Bool(1..) => vec![Field::Bool(0)],
        Field::Int(_)
        | Field::Long(_)
        | Field::Bool(0)
        | Field::Zxid(_)
        | Field::Path(_)
        | Field::Text(_)
        | Field::Data(_)
        | Field::Acls(Err(_))
        | Field::Paths(Err(_)) => Vec::new(),
    }
}

fn without_one<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    (0..items.len())
        .rev()
        .map(|number| {
            let mut rest = items.to_vec();
            rest.remove(number);
            rest
        })
        .collect()
}

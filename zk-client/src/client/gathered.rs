//! The operations of one request that has several.

use std::fmt;

use zk_proto::{ByteString, OpCode};

use crate::error::Error;

/// What is being gathered, and what errors will call it.
#[derive(Clone)]
pub(super) struct Gathered<O> {
    ops: Vec<O>,
    names: Names,
    /// Why the first operation that was refused was, before anything was sent.
    refused: Option<Error>,
}

/// Each operation and its path, as the caller named it.
pub(super) type Names = Vec<(OpCode, ByteString)>;

/// Does not show what is to be written.
impl<O> fmt::Debug for Gathered<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

impl<O> Gathered<O> {
    pub(super) const fn new() -> Self {
        Self { ops: Vec::new(), names: Vec::new(), refused: None }
    }

    pub(super) fn push(&mut self, op: OpCode, path: &str, record: Result<O, Error>) {
        match record {
            Ok(record) => {
                self.ops.push(record);
                self.names.push((op, path.into()));
            }
            Err(error) => {
                self.refused.get_or_insert(error);
            }
        }
    }

    /// What is to be sent, or why nothing is; and the names.
    pub(super) fn finish(self) -> (Result<Vec<O>, Error>, Names) {
        let ops = match self.refused {
            Some(error) => Err(error),
            None => Ok(self.ops),
        };
        (ops, self.names)
    }
}

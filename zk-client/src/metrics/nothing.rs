//! The shapes of what is counted, without what they do.

use zk_proto::OpCode;

use crate::session::{Answer, Failure, SubmitError};
use crate::state::SessionState;

#[derive(Debug)]
pub(crate) struct Asked;

impl Asked {
    pub(crate) const fn new(_op: OpCode) -> Self {
        Self
    }

    pub(crate) const fn answered(&self, _outcome: &Result<Answer, Failure>) {}
}

#[derive(Debug)]
pub(crate) struct Held;

impl Held {
    pub(crate) const fn once() -> Self {
        Self
    }

    pub(crate) const fn stream() -> Self {
        Self
    }
}

#[derive(Debug)]
pub(crate) struct Stay;

impl Stay {
    pub(crate) const fn new(_state: &SessionState) -> Self {
        Self
    }

    pub(crate) const fn change_to(&mut self, _state: &SessionState) {}
}

pub(crate) const fn refused(_op: OpCode, _why: &SubmitError) {}

pub(crate) const fn sent(_bytes: usize) {}

pub(crate) const fn received(_bytes: usize) {}

pub(crate) const fn dialled() {}

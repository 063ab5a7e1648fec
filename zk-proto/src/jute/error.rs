use thiserror::Error;

/// Bytes that are not the value they should be: which record, which field, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{record}.{field} at byte {offset}: {problem}")]
pub struct DecodeError {
    /// The innermost record that was being read; empty when a bare value was.
    pub record: &'static str,
    /// The field of that record.
    pub field: &'static str,
    /// Bytes from the start of the message to the value that could not be read.
    pub offset: usize,
    /// What was wrong.
    pub problem: DecodeProblem,
}

/// What was wrong with bytes that could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeProblem {
    /// The message ended inside the value.
    #[error("{missing} bytes are missing")]
    Truncated {
        /// How many more bytes the value needs at least.
        missing: usize,
    },
    /// A length below −1, which stands for no value at all.
    #[error("negative length {0}")]
    NegativeLength(i32),
    /// Null where the record has no room for it.
    #[error("null where a value is required")]
    Null,
    /// A number that is none of the values of its enumeration.
    #[error("{0} is not a value of this enumeration")]
    UnknownValue(i32),
}

impl DecodeError {
    /// Names the record and field, unless a record further inside has done so.
    #[must_use]
    pub fn at(mut self, record: &'static str, field: &'static str) -> Self {
        if self.record.is_empty() {
            self.record = record;
            self.field = field;
        }
        self
    }
}

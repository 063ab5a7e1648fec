//! How values become the data of nodes.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Makes node data of values, and values of node data.
pub trait Codec<T>: Send + Sync + 'static {
    /// The data of a value.
    ///
    /// # Errors
    /// When this value cannot be written.
    fn encode(&self, value: &T) -> Result<Bytes, CodecError>;

    /// The value of some data, which may be anybody's.
    ///
    /// # Errors
    /// When it is no such value.
    fn decode(&self, data: &Bytes) -> Result<T, CodecError>;
}

/// The value is the data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

/// Text as UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8;

/// Whatever serde can write as JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

/// A value that cannot be written, or data that is no such value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct CodecError {
    reason: String,
}

impl CodecError {
    /// For people.
    pub fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string() }
    }
}

impl Codec<Bytes> for Raw {
    fn encode(&self, value: &Bytes) -> Result<Bytes, CodecError> {
        Ok(value.clone())
    }

    fn decode(&self, data: &Bytes) -> Result<Bytes, CodecError> {
        Ok(data.clone())
    }
}

impl Codec<Vec<u8>> for Raw {
    fn encode(&self, value: &Vec<u8>) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }

    fn decode(&self, data: &Bytes) -> Result<Vec<u8>, CodecError> {
        Ok(data.to_vec())
    }
}

impl Codec<String> for Utf8 {
    fn encode(&self, value: &String) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value.as_bytes()))
    }

    fn decode(&self, data: &Bytes) -> Result<String, CodecError> {
        std::str::from_utf8(data).map(str::to_owned).map_err(CodecError::new)
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> for Json {
    fn encode(&self, value: &T) -> Result<Bytes, CodecError> {
        serde_json::to_vec(value).map(Bytes::from).map_err(CodecError::new)
    }

    fn decode(&self, data: &Bytes) -> Result<T, CodecError> {
        serde_json::from_slice(data).map_err(CodecError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_other_data_is_refused() {
        let text = "zoë".to_owned();
        assert_eq!(Utf8.decode(&Utf8.encode(&text).unwrap()), Ok(text));
        assert!(Utf8.decode(&Bytes::from_static(&[0xff])).is_err());
        let pair = ("a".to_owned(), 7_u32);
        assert_eq!(Json.decode(&Json.encode(&pair).unwrap()), Ok(pair));
        let refused: Result<u32, CodecError> = Json.decode(&Bytes::from_static(b"\"7\""));
        assert!(refused.is_err());
        let data = vec![0_u8, 255];
        assert_eq!(Codec::<Vec<u8>>::decode(&Raw, &Raw.encode(&data).unwrap()), Ok(data));
    }
}

//! How many permits there are.

use bytes::Bytes;
use zk_client::{Client, Reply, Stat};

use crate::codec::CodecError;
use crate::error::RecipeError;

/// How many permits there are.
#[derive(Clone, Debug)]
pub(super) enum Maximum {
    /// A convention of all contenders.
    Fixed(u32),
    /// The value of a node.
    Shared { path: String },
}

/// The number as it was asked for.
pub(super) enum Asked<'a> {
    Known(u32),
    Due(&'a str, Reply<(Bytes, Stat)>),
}

impl Maximum {
    /// Whether so many can ever be had.
    pub(super) fn check(&self, count: u32) -> Result<(), RecipeError> {
        let reason = match self {
            _ if count == 0 => "no permits are asked for",
            Self::Fixed(permits) if count > *permits => "more permits are asked for than there are",
            Self::Fixed(_) | Self::Shared { .. } => return Ok(()),
        };
        Err(RecipeError::BadArguments { reason })
    }

    /// Asks for the present number.
    pub(super) fn ask(&self, client: &Client) -> Asked<'_> {
        match self {
            Self::Fixed(permits) => Asked::Known(*permits),
            Self::Shared { path } => Asked::Due(path, client.get(path).send()),
        }
    }

    pub(super) async fn set(&self, client: &Client, permits: u32) -> Result<(), RecipeError> {
        let Self::Shared { path } = self else {
            return Err(RecipeError::BadArguments { reason: "the number of permits is fixed" });
        };
        let Ok(count) = i32::try_from(permits) else {
            return Err(RecipeError::BadArguments { reason: "more permits than a count can have" });
        };
        client.set_or_create(path, encode(count)).with_parents().await?;
        Ok(())
    }
}

impl Asked<'_> {
    pub(super) async fn told(self) -> Result<u32, RecipeError> {
        match self {
            Self::Known(permits) => Ok(permits),
            Self::Due(path, reply) => decode(path, &reply.await?.0),
        }
    }
}

/// As Curator's `SharedCount` has it.
fn encode(count: i32) -> Bytes {
    Bytes::copy_from_slice(&count.to_be_bytes())
}

pub(super) fn decode(path: &str, data: &Bytes) -> Result<u32, RecipeError> {
    let Ok(bytes) = <[u8; 4]>::try_from(&data[..]) else {
        let error = CodecError::new(format!("{} bytes where a count has four", data.len()));
        return Err(RecipeError::Codec { path: path.to_owned(), error });
    };
    Ok(u32::try_from(i32::from_be_bytes(bytes)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_comes_back_and_a_negative_one_is_none() {
        assert_eq!(encode(258), Bytes::from_static(&[0, 0, 1, 2]));
        for (count, permits) in [(0, 0), (7, 7), (i32::MAX, 0x7fff_ffff), (-1, 0), (i32::MIN, 0)] {
            assert_eq!(decode("/count", &encode(count)), Ok(permits));
        }
    }

    #[test]
    fn data_of_another_length_is_no_count() {
        for data in [&b""[..], b"7", b"abc", b"12345", &[0; 8]] {
            let refused = decode("/count", &Bytes::from_static(data));
            let Err(RecipeError::Codec { path, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!(path, "/count");
        }
    }

    #[test]
    fn what_can_never_be_had_is_refused_where_that_is_known() {
        let bad = |maximum: Maximum, count| {
            matches!(maximum.check(count), Err(RecipeError::BadArguments { .. }))
        };
        let shared = || Maximum::Shared { path: "/count".to_owned() };
        assert!(bad(Maximum::Fixed(3), 0));
        assert!(bad(shared(), 0));
        assert!(bad(Maximum::Fixed(3), 4));
        assert!(!bad(Maximum::Fixed(3), 3));
        assert!(!bad(shared(), u32::MAX));
    }
}

//! Jute, ZooKeeper's serialisation format: big endian, no tags, no padding.
//!
//! A value knows how to write itself ([`Encode`]) and how to read itself back ([`Decode`]); a
//! record is the sequence of its fields, declared with the [`record!`](crate::record) macro so
//! that the source reads like `zookeeper.jute`. Null and empty are different values on the wire
//! and stay different here: a field that may be null is an `Option`.
//!
//! Decoding never panics and allocates nothing by a length that was not checked against the
//! bytes that are really there. Bytes behind the last field are ignored, as Java's reader does.

mod error;
mod fixed;
mod reader;
mod text;
mod value;

pub use error::{DecodeError, DecodeProblem};
pub(crate) use fixed::Fixed;
pub use reader::Reader;

use bytes::BytesMut;

/// A value that can be written in jute.
pub trait Encode {
    /// Appends the value to `out`.
    fn encode(&self, out: &mut BytesMut);
}

/// A value that can be read from jute.
pub trait Decode: Sized {
    /// Reads the value from the front of `reader`.
    ///
    /// # Errors
    /// When bytes are missing, or hold what this type has no value for.
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError>;
}

/// Declares a record with its fields in wire order, written and read field by field.
#[macro_export]
#[doc(hidden)]
macro_rules! record {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        $visibility struct $name {
            $( $(#[$field_meta])* $visibility $field: $type, )*
        }

        impl $crate::Encode for $name {
            fn encode(&self, out: &mut ::bytes::BytesMut) {
                $( $crate::Encode::encode(&self.$field, out); )*
                let _ = out;
            }
        }

        impl $crate::Decode for $name {
            fn decode(reader: &mut $crate::jute::Reader) -> Result<Self, $crate::DecodeError> {
                let _ = &reader;
                Ok(Self {
                    $( $field: $crate::Decode::decode(reader)
                        .map_err(|error| error.at(stringify!($name), stringify!($field)))?, )*
                })
            }
        }
    };
    // Of fields of a fixed length only. One by one, they are read to say which of them is cut off.
    (
        fixed
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        $visibility struct $name {
            $( $(#[$field_meta])* $visibility $field: $type, )*
        }

        impl $crate::Encode for $name {
            fn encode(&self, out: &mut ::bytes::BytesMut) {
                $( $crate::Encode::encode(&self.$field, out); )*
            }
        }

        impl $crate::jute::Fixed for $name {
            const LENGTH: usize = 0 $( + <$type as $crate::jute::Fixed>::LENGTH )*;

            #[inline]
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $( $field: $crate::jute::Fixed::take(bytes)?, )* })
            }
        }

        impl $crate::Decode for $name {
            #[inline]
            fn decode(reader: &mut $crate::jute::Reader) -> Result<Self, $crate::DecodeError> {
                if let Some(value) = reader.fixed() {
                    return Ok(value);
                }
                Ok(Self {
                    $( $field: $crate::Decode::decode(reader)
                        .map_err(|error| error.at(stringify!($name), stringify!($field)))?, )*
                })
            }
        }
    };
}

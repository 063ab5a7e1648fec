//! What a client counts and times. With the feature `metrics` it goes to the facade of that name;
//! without it nothing is counted, and all of this comes to nothing.
//!
//! The names, labels and units are those of `docs/observability.md`.

#[cfg(feature = "metrics")]
mod facade;
#[cfg(not(feature = "metrics"))]
mod nothing;

#[cfg(feature = "metrics")]
pub(crate) use facade::{Asked, Held, Stay, dialled, received, refused, sent};
#[cfg(not(feature = "metrics"))]
pub(crate) use nothing::{Asked, Held, Stay, dialled, received, refused, sent};

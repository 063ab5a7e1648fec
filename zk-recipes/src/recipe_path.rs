//! Paths that recipes are made with.

use zk_client::{Error, PathError, ZPath};

use crate::error::RecipeError;

/// The path, if it follows the rules.
pub(crate) fn checked(path: &str) -> Result<String, RecipeError> {
    let bad = |reason: PathError| Error::BadPath { path: path.to_owned(), reason };
    Ok(ZPath::parse(path).map_err(bad)?.to_string())
}

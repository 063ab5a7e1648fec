//! Paths: what a valid one is, and how to take it apart.
//!
//! Servers check paths of creates and of some writes, but look up whatever a read names; so the
//! free functions here work on any text, and [`ZPath`] is a path that was checked.

use std::fmt;

use bytestring::ByteString;
use thiserror::Error;

/// Why a text is not a path (`PathUtils.validatePath`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// The empty text.
    #[error("a path cannot be empty")]
    Empty,
    /// It does not begin with a slash.
    #[error("a path must begin with /")]
    NotAbsolute,
    /// It ends with a slash, and is not the root.
    #[error("a path must not end with /")]
    TrailingSlash,
    /// Two slashes in a row.
    #[error("empty name at byte {0}")]
    EmptyName(usize),
    /// A name that is `.` or `..`.
    #[error("relative name at byte {0}")]
    RelativeName(usize),
    /// A control character, a private-use character, or one above U+FFEF.
    #[error("character {character:?} at byte {offset} is not allowed")]
    BadCharacter {
        /// The character.
        character: char,
        /// Where it stands, in bytes.
        offset: usize,
    },
}

/// Checks a path by ZooKeeper's rules.
///
/// # Errors
/// The first rule that the path breaks.
pub fn validate(path: &str) -> Result<(), PathError> {
    // Nearly every path is: the rules are gone through one by one only for those that are not.
    if is_plain(path.as_bytes()) {
        return Ok(());
    }
    find_broken_rule(path)
}

/// Whether a path is certainly valid: printable ASCII, and no name begins with a dot.
fn is_plain(path: &[u8]) -> bool {
    let ends = path.first() == Some(&b'/') && path.last() != Some(&b'/');
    // Without a branch for each byte.
    let (is_plain, _) = path.iter().fold((true, b' '), |(is_plain, before), byte| {
        let begins_badly = (before == b'/') & ((*byte == b'/') | (*byte == b'.'));
        (is_plain & matches!(byte, b' '..=b'~') & !begins_badly, *byte)
    });
    ends & is_plain
}

fn find_broken_rule(path: &str) -> Result<(), PathError> {
    let Some(first) = path.chars().next() else {
        return Err(PathError::Empty);
    };
    if first != '/' {
        return Err(PathError::NotAbsolute);
    }
    if path == "/" {
        return Ok(());
    }
    if path.ends_with('/') {
        return Err(PathError::TrailingSlash);
    }
    let mut offset = 1_usize;
    for name in path.split('/').skip(1) {
        validate_name(name, offset)?;
        offset = offset.saturating_add(name.len()).saturating_add(1);
    }
    Ok(())
}

fn validate_name(name: &str, start: usize) -> Result<(), PathError> {
    match name {
        "" => return Err(PathError::EmptyName(start)),
        "." | ".." => return Err(PathError::RelativeName(start)),
        _ => {}
    }
    match name.char_indices().find(|(_, character)| is_forbidden(*character)) {
        Some((at, character)) => {
            Err(PathError::BadCharacter { character, offset: start.saturating_add(at) })
        }
        None => Ok(()),
    }
}

/// ZooKeeper looks at UTF-16 units and refuses surrogates, so everything above U+FFFF goes too.
const fn is_forbidden(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..
    )
}

/// The path above; `None` for the root and for a text without a slash.
#[must_use]
pub fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/')? {
        ("", "") => None,
        // A slice of `path`, not a literal: `ZPath::parent` shares its memory.
        ("", _) => path.get(..1),
        (parent, _) => Some(parent),
    }
}

/// The last name of a path; empty for the root.
#[must_use]
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// `parent` and `name` as one path.
#[must_use]
pub fn join(parent: &str, name: &str) -> String {
    let parent = parent.trim_end_matches('/');
    format!("{parent}/{name}")
}

/// The path itself, then every path above it, up to the root.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| parent(path))
}

/// The text a server appends to the name of a sequential node: ten digits, or a minus sign first
/// once the counter has run over (`String.format("%010d")`).
#[must_use]
pub fn sequence_suffix(number: i32) -> String {
    format!("{number:010}")
}

/// Reads back what [`sequence_suffix`] wrote: the part of a name behind its prefix.
///
/// `None` unless it is ten digits, or a minus sign and nine or ten digits, and fits. The prefix
/// must be known: in `lock-1000000000` the dash may belong to it or to the number.
#[must_use]
pub fn parse_sequence(suffix: &str) -> Option<i32> {
    let (digits, allowed) = match suffix.strip_prefix('-') {
        Some(digits) => (digits, 9..=10),
        None => (suffix, 10..=10),
    };
    let well_formed =
        allowed.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { suffix.parse().ok() } else { None }
}

/// A path that was checked by [`validate`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZPath(ByteString);

impl ZPath {
    /// The path of the root.
    pub const ROOT: Self = Self(ByteString::from_static("/"));

    /// Checks a text and keeps it.
    ///
    /// # Errors
    /// The first of ZooKeeper's rules that the text breaks.
    pub fn parse(text: impl Into<ByteString>) -> Result<Self, PathError> {
        let text = text.into();
        validate(&text)?;
        Ok(Self(text))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path above; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        parent(&self.0).map(|path| Self(self.0.slice_ref(path)))
    }

    /// The last name; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        name(&self.0)
    }

    /// The path of a child.
    ///
    /// # Errors
    /// When `name` is not a valid name, or more than one.
    pub fn child(&self, name: &str) -> Result<Self, PathError> {
        if name.contains('/') {
            return Err(PathError::EmptyName(self.0.len()));
        }
        Self::parse(join(&self.0, name))
    }
}

impl From<ZPath> for ByteString {
    fn from(path: ZPath) -> Self {
        path.0
    }
}

impl AsRef<str> for ZPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ZPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn valid_paths_are_accepted() {
        for path in
            ["/", "/a", "/a/b", "/...", "/.a", "/a.", "/..a", "/a b", "/\u{a0}", "/\u{ffef}"]
        {
            assert_eq!(validate(path), Ok(()), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_cut_takes_no_path_that_breaks_a_rule(path in "[/a.\\x00\\x1f ~\\x7fé]{0,8}") {
            prop_assert_eq!(validate(&path), find_broken_rule(&path));
        }
    }

    #[test]
    fn every_broken_rule_is_named() {
        let bad = |character, offset| PathError::BadCharacter { character, offset };
        for (path, expected) in [
            ("", PathError::Empty),
            ("a", PathError::NotAbsolute),
            ("/a/", PathError::TrailingSlash),
            ("//", PathError::TrailingSlash),
            ("/a//b", PathError::EmptyName(3)),
            ("/./a", PathError::RelativeName(1)),
            ("/a/..", PathError::RelativeName(3)),
            ("/\0", bad('\0', 1)),
            ("/a\u{1f}", bad('\u{1f}', 2)),
            ("/\u{7f}", bad('\u{7f}', 1)),
            ("/\u{9f}", bad('\u{9f}', 1)),
            ("/\u{e000}", bad('\u{e000}', 1)),
            ("/\u{f8ff}", bad('\u{f8ff}', 1)),
            ("/\u{fff0}", bad('\u{fff0}', 1)),
            ("/\u{fffd}", bad('\u{fffd}', 1)),
            ("/\u{1f600}", bad('\u{1f600}', 1)),
        ] {
            assert_eq!(validate(path), Err(expected), "{path:?}");
        }
    }

    #[test]
    fn a_path_comes_apart() {
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/a"), Some("/"));
        assert_eq!(parent("/"), None);
        assert_eq!(name("/a/b"), "b");
        assert_eq!(name("/"), "");
        assert_eq!(ancestors("/a/b").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/a", "b"), "/a/b");
    }

    #[test]
    fn a_checked_path_comes_apart_as_a_text_does() {
        let path = ZPath::parse("/a/b").unwrap();
        let above = path.parent().unwrap();
        assert_eq!(above.as_str(), "/a");
        assert_eq!(above.name(), "a");
        assert_eq!(above.parent(), Some(ZPath::ROOT));
        assert_eq!(ZPath::ROOT.parent(), None);
        assert_eq!(ZPath::parse("/\u{e4}").unwrap().parent(), Some(ZPath::ROOT));
    }

    #[test]
    fn a_sequence_number_is_read_back() {
        for number in [0, 7, i32::MAX, -1, -999_999_999, -1_000_000_000, i32::MIN] {
            assert_eq!(parse_sequence(&sequence_suffix(number)), Some(number));
        }
    }

    #[test]
    fn what_no_server_appends_is_not_a_sequence_number() {
        for suffix in
            ["", "1", "123456789a", "9999999999", "+000000001", "-12345678", "00000000001"]
        {
            assert_eq!(parse_sequence(suffix), None, "{suffix}");
        }
    }

    #[test]
    fn a_child_is_one_name() {
        let root = ZPath::ROOT;
        assert_eq!(root.child("a").unwrap().as_str(), "/a");
        assert!(root.child("a/b").is_err());
        assert!(root.child("..").is_err());
    }
}

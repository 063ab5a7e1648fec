//! Lists of `name=value` and `name="value"`, which all tokens of DIGEST-MD5 are.

use std::fmt;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

/// A list of directives: names in lower case, values without their quotes.
///
/// A value is bytes: only a directive of the same list says which characters they are. `Debug`
/// shows the names alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Directives(Vec<(String, Vec<u8>)>);

/// Why bytes are no list of directives, or not the one that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DirectiveError {
    /// Longer than any token of this mechanism may be.
    #[error("a token of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Bytes of the token.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not `name=value` with commas.
    #[error("no list of directives, at byte {at}")]
    Malformed {
        /// How far it could be read.
        at: usize,
    },
    /// A directive that may be there once is there again.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// A directive that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
}

impl Directives {
    /// Reads a list. Empty elements, blanks around elements and directives that nobody knows are
    /// fine, as RFC 2831 wants it.
    ///
    /// # Errors
    /// When it is longer than 4 KiB, or no list of directives.
    pub fn parse(token: &[u8]) -> Result<Self, DirectiveError> {
        let length = token.len();
        if length > LONGEST_TOKEN {
            return Err(DirectiveError::TooLong { length, limit: LONGEST_TOKEN });
        }
        let mut rest = Rest { token, at: 0 };
        let mut found = Vec::new();
        while rest.skip_separators() {
            let name = rest.word()?;
            rest.expect(b'=')?;
            let value = if rest.peek() == Some(b'"') { rest.quoted()? } else { rest.word()? };
            rest.expect_end_of_element()?;
            found.push((String::from_utf8_lossy(&name).to_ascii_lowercase(), value));
        }
        Ok(Self(found))
    }

    /// The value of a directive that may be there once.
    ///
    /// # Errors
    /// When it is there more than once.
    pub fn one(&self, name: &'static str) -> Result<Option<&[u8]>, DirectiveError> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(DirectiveError::Repeated(name));
        }
        Ok(value)
    }

    /// The value of a directive that must be there once.
    ///
    /// # Errors
    /// When it is not there, or more than once.
    pub fn required(&self, name: &'static str) -> Result<&[u8], DirectiveError> {
        self.one(name)?.ok_or(DirectiveError::Missing(name))
    }

    /// All values of a directive, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| &**value)
    }
}

impl fmt::Debug for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Puts `name=value` behind what is there already.
pub fn put_token(out: &mut BytesMut, name: &str, value: &str) {
    put_name(out, name);
    out.put_slice(value.as_bytes());
}

/// Puts `name="value"` behind what is there already; quotes and backslashes get one before them.
pub fn put_quoted(out: &mut BytesMut, name: &str, value: &[u8]) {
    put_name(out, name);
    out.put_u8(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

fn put_name(out: &mut BytesMut, name: &str) {
    if !out.is_empty() {
        out.put_u8(b',');
    }
    out.put_slice(name.as_bytes());
    out.put_u8(b'=');
}

/// What is yet to be read.
struct Rest<'a> {
    token: &'a [u8],
    at: usize,
}

impl Rest<'_> {
    fn peek(&self) -> Option<u8> {
        self.token.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.next();
        }
    }

    /// Goes to the next element, if there is one.
    fn skip_separators(&mut self) -> bool {
        self.skip(|byte| byte == b',' || is_blank(byte));
        self.peek().is_some()
    }

    /// A run of characters that need no quotes.
    fn word(&mut self) -> Result<Vec<u8>, DirectiveError> {
        self.skip(is_blank);
        let start = self.at;
        self.skip(is_word);
        let word = self.token.get(start..self.at).unwrap_or_default();
        if word.is_empty() { Err(self.malformed()) } else { Ok(word.to_vec()) }
    }

    /// A value between quotes; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<Vec<u8>, DirectiveError> {
        self.expect(b'"')?;
        let mut value = Vec::new();
        loop {
            match self.next().ok_or_else(|| self.malformed())? {
                b'"' => return Ok(value),
                b'\\' => value.push(self.next().ok_or_else(|| self.malformed())?),
                byte => value.push(byte),
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), DirectiveError> {
        self.skip(is_blank);
        if self.peek() != Some(wanted) {
            return Err(self.malformed());
        }
        self.next();
        self.skip(|byte| wanted == b'=' && is_blank(byte));
        Ok(())
    }

    fn expect_end_of_element(&mut self) -> Result<(), DirectiveError> {
        self.skip(is_blank);
        if matches!(self.peek(), None | Some(b',')) { Ok(()) } else { Err(self.malformed()) }
    }

    const fn malformed(&self) -> DirectiveError {
        DirectiveError::Malformed { at: self.at }
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A `token` of RFC 2616: no control characters, no blanks, no separators.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\')
        && !matches!(byte, b'"' | b'/' | b'[' | b']' | b'?' | b'=' | b'{' | b'}')
}

/// RFC 2831: a response is shorter than 4 KiB, a challenge than 2 KiB.
const LONGEST_TOKEN: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(token: &[u8]) -> Vec<(String, String)> {
        let Directives(found) = Directives::parse(token).unwrap();
        let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
        found.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    fn check(token: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        assert_eq!(shown(token.as_bytes()), expected, "{token}");
    }

    #[test]
    fn a_list_is_names_and_values_with_or_without_quotes() {
        check("", &[]);
        check(" , ,, ", &[]);
        check("nc=00000001", &[("nc", "00000001")]);
        check(r#"Nonce="a",QOP=auth"#, &[("nonce", "a"), ("qop", "auth")]);
        check("\r\n a = b ,\t c=\"d\" ,", &[("a", "b"), ("c", "d")]);
        check(r#"realm="",a="b,c=d""#, &[("realm", ""), ("a", "b,c=d")]);
        check(r#"username="a\"b\\c\d""#, &[("username", r#"a"b\cd"#)]);
        check(r#"realm="x",realm="y""#, &[("realm", "x"), ("realm", "y")]);
        check("response=d388dad90d4bbd76-_.!", &[("response", "d388dad90d4bbd76-_.!")]);
    }

    #[test]
    fn what_is_no_list_is_refused_where_it_ends_to_be_one() {
        for (token, at) in [
            ("a", 1),
            ("a=", 2),
            ("a=,b=c", 2),
            ("=b", 0),
            ("a=\"b", 4),
            ("a=\"b\\", 5),
            ("a=\"b\"c", 5),
            ("a=b c=d", 4),
            ("a=zookeeper/zk", 11),
            ("\u{e9}=b", 0),
        ] {
            let parsed = Directives::parse(token.as_bytes());
            assert_eq!(parsed, Err(DirectiveError::Malformed { at }), "{token}");
        }
        let long = [b"a=\"".to_vec(), vec![b'x'; 4096]].concat();
        assert!(matches!(Directives::parse(&long), Err(DirectiveError::TooLong { .. })));
    }

    #[test]
    fn what_may_be_there_once_is_not_there_twice() {
        let list = Directives::parse(b"a=1,b=2,A=3").unwrap();
        assert_eq!(list.one("a"), Err(DirectiveError::Repeated("a")));
        assert_eq!(list.one("b"), Ok(Some(&b"2"[..])));
        assert_eq!(list.one("c"), Ok(None));
        assert_eq!(list.required("c"), Err(DirectiveError::Missing("c")));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = BytesMut::new();
        let odd = "ü\"\\,=\u{1f600}".as_bytes();
        put_quoted(&mut out, "username", odd);
        put_token(&mut out, "qop", "auth");
        let read = Directives::parse(&out).unwrap();
        assert_eq!(read.required("username"), Ok(odd));
        assert_eq!(read.required("qop"), Ok(&b"auth"[..]));
    }

    #[test]
    fn debug_shows_no_value() {
        let list = Directives::parse(b"username=bob,response=abc").unwrap();
        assert_eq!(format!("{list:?}"), r#"{"username", "response"}"#);
    }
}

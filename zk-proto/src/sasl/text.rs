//! Which bytes a name is: UTF-8 if the server has offered it, ISO 8859-1 otherwise.

/// How text stands in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// What `charset=utf-8` says.
    Utf8,
    /// What no `charset` says.
    Latin1,
}

/// Text as bytes of a token; `None` when the charset has not all of its characters.
#[must_use]
pub fn encode(text: &str, charset: Charset) -> Option<Vec<u8>> {
    match charset {
        Charset::Utf8 => Some(text.as_bytes().to_vec()),
        Charset::Latin1 => latin_1(text),
    }
}

/// Bytes of a token as text; `None` when they are not of the charset.
#[must_use]
pub fn decode(bytes: &[u8], charset: Charset) -> Option<String> {
    match charset {
        Charset::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        Charset::Latin1 => Some(bytes.iter().copied().map(char::from).collect()),
    }
}

/// What is hashed of text: ISO 8859-1 if that has all its characters, whatever stands in the token,
/// and UTF-8 otherwise (RFC 2831, 2.1.2.1).
pub(super) fn to_hash(text: &str) -> Vec<u8> {
    latin_1(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn latin_1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_through_each_charset_that_has_it() {
        for (text, latin) in [("bob", true), ("b\u{f6}b", true), ("b\u{151}b", false), ("", true)] {
            for (charset, has_it) in [(Charset::Utf8, true), (Charset::Latin1, latin)] {
                let encoded = encode(text, charset);
                assert_eq!(encoded.is_some(), has_it, "{text} in {charset:?}");
                let decoded = encoded.and_then(|bytes| decode(&bytes, charset));
                assert_eq!(decoded.as_deref(), has_it.then_some(text));
            }
        }
        assert_eq!(decode(b"b\xf6b", Charset::Utf8), None);
    }
}

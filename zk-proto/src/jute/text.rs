//! Strings as Java writes them.
//!
//! `BinaryOutputArchive.writeString` encodes each UTF-16 unit by itself, so a character above
//! U+FFFF arrives as two three-byte surrogates (CESU-8), which is not UTF-8. Such strings are
//! decoded to the character that was meant; everything else that is not UTF-8 becomes U+FFFD, as
//! in Java's reader.

use bytes::Bytes;
use bytestring::ByteString;

pub(super) fn from_wire(bytes: Bytes) -> ByteString {
    match ByteString::try_from(bytes.clone()) {
        Ok(text) => text,
        Err(_) => lenient(&bytes).into(),
    }
}

fn lenient(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(chunk) = rest.utf8_chunks().next() {
        text.push_str(chunk.valid());
        rest = match rest.get(chunk.valid().len()..).unwrap_or_default() {
            [
                0xED,
                a @ 0xA0..=0xAF,
                b @ 0x80..=0xBF,
                0xED,
                c @ 0xB0..=0xBF,
                d @ 0x80..=0xBF,
                tail @ ..,
            ] => {
                text.push(supplementary([*a, *b], [*c, *d]));
                tail
            }
            [] => break,
            stray => {
                text.push(char::REPLACEMENT_CHARACTER);
                let length = match stray {
                    // Java replaces a lone surrogate as a whole.
                    [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
                    _ => chunk.invalid().len(),
                };
                stray.get(length..).unwrap_or_default()
            }
        };
    }
    text
}

/// The character that two encoded surrogates stand for: ten bits from each, above U+10000.
fn supplementary([a, b]: [u8; 2], [c, d]: [u8; 2]) -> char {
    let high = (u32::from(a & 0x0F) << 6) | u32::from(b & 0x3F);
    let low = (u32::from(c & 0x0F) << 6) | u32::from(d & 0x3F);
    char::from_u32(0x1_0000_u32.saturating_add((high << 10) | low))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: &[u8], expected: &str) {
        assert_eq!(from_wire(Bytes::copy_from_slice(wire)), expected);
    }

    #[test]
    fn utf_8_is_taken_as_it_is() {
        check("/gr\u{fc}\u{df}e/\u{1F600}".as_bytes(), "/gr\u{fc}\u{df}e/\u{1F600}");
    }

    #[test]
    fn a_surrogate_pair_from_java_is_the_character_it_stands_for() {
        check(&[b'a', 0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80, b'b'], "a\u{1F600}b");
    }

    #[test]
    fn stray_bytes_become_replacement_characters() {
        check(&[b'a', 0xFF, b'b', 0xED, 0xA0, 0xBD], "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn a_character_that_is_cut_off_is_replaced_once() {
        check(&[0xE2, 0x82, b'a'], "\u{FFFD}a");
        check(&[b'a', 0xF0, 0x9F, 0x98], "a\u{FFFD}");
    }

    #[test]
    fn surrogates_in_the_wrong_order_are_replaced_one_by_one() {
        check(
            &[0xED, 0xB8, 0x80, 0xED, 0xA0, 0xBD, 0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
            "\u{FFFD}\u{FFFD}\u{1F600}",
        );
    }

    #[test]
    fn the_first_and_the_last_pair_are_characters_too() {
        check(&[0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], "\u{10000}");
        check(&[0xED, 0xAF, 0xBF, 0xED, 0xBF, 0xBF], "\u{10FFFF}");
    }
}

//! The scheme `ip`: addresses, and ranges of them (`IPAuthenticationProvider`).
//!
//! Addresses are read as ZooKeeper 3.9.4 and later read them, which is not how everybody else
//! does: IPv4 parts are decimal numbers of any length, and IPv6 has no mixed form.

use ::core::net::IpAddr;

/// The name of the scheme.
pub(super) const SCHEME: &str = "ip";

/// An address as ids have it (`InetAddress.getHostAddress`): an IPv4 address that comes as IPv6 is
/// IPv4, and IPv6 addresses are written in full.
pub(super) fn address_text(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let segments = address.segments().map(|segment| format!("{segment:x}"));
            segments.join(":")
        }
    }
}

/// Whether an id of an access list is an address, or an address and how many of its bits count.
pub(super) fn is_valid(expression: &str) -> bool {
    Range::parse(expression).is_some()
}

/// Whether an address is within an id of an access list.
pub(super) fn matches(address: &str, expression: &str) -> bool {
    Range::parse(expression)
        .zip(Address::parse(address))
        .is_some_and(|(range, address)| range.contains(address))
}

/// An address, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Address {
    V4(u32),
    V6(u128),
}

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: Address,
    bits: u32,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let start = Address::parse(address)?;
        let bits = match bits {
            Some(bits) => u32::try_from(bits.parse::<i32>().ok()?).ok()?,
            None => start.width(),
        };
        (bits <= start.width()).then_some(Self { start, bits })
    }

    /// The two families never match each other.
    fn contains(self, address: Address) -> bool {
        let rest = self.start.width().saturating_sub(self.bits);
        match (self.start, address) {
            (Address::V4(start), Address::V4(other)) => {
                (start ^ other).checked_shr(rest).is_none_or(|differ| differ == 0)
            }
            (Address::V6(start), Address::V6(other)) => {
                (start ^ other).checked_shr(rest).is_none_or(|differ| differ == 0)
            }
            (Address::V4(_), Address::V6(_)) | (Address::V6(_), Address::V4(_)) => false,
        }
    }
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        if text.contains(':') { parse_v6(text).map(Self::V6) } else { parse_v4(text).map(Self::V4) }
    }

    const fn width(self) -> u32 {
        match self {
            Self::V4(_) => u32::BITS,
            Self::V6(_) => u128::BITS,
        }
    }
}

fn parse_v4(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    let mut parts = text.split('.');
    for byte in &mut bytes {
        *byte = u8::try_from(parts.next()?.parse::<i32>().ok()?).ok()?;
    }
    parts.next().is_none().then_some(u32::from_be_bytes(bytes))
}

/// Eight segments, or fewer with one `::` that stands for at least one segment of zeros.
fn parse_v6(text: &str) -> Option<u128> {
    let Some((front, back)) = text.split_once("::") else {
        let (value, count) = parse_segments(text)?;
        return (count == SEGMENTS).then_some(value);
    };
    if back.contains("::") {
        return None;
    }
    let (front, front_count) = if front.is_empty() { (0, 0) } else { parse_segments(front)? };
    let (back, back_count) = if back.is_empty() { (0, 0) } else { parse_segments(back)? };
    if front_count.saturating_add(back_count) >= SEGMENTS {
        return None;
    }
    let free = SEGMENTS.saturating_sub(front_count).saturating_mul(SEGMENT_BITS);
    Some(front.checked_shl(free).unwrap_or(0) | back)
}

/// The segments as one number, and how many there are; at most eight.
fn parse_segments(text: &str) -> Option<(u128, u32)> {
    let (mut value, mut count) = (0_u128, 0_u32);
    for segment in text.split(':') {
        if segment.len() > 4 || count == SEGMENTS {
            return None;
        }
        // Java reads a sign, and then keeps the lower half of the number.
        let number = i32::from_str_radix(segment, 16).ok()?;
        let [_, _, high, low] = number.to_be_bytes();
        value = value.wrapping_shl(SEGMENT_BITS) | u128::from(u16::from_be_bytes([high, low]));
        count = count.saturating_add(1);
    }
    Some((value, count))
}

const SEGMENTS: u32 = 8;
const SEGMENT_BITS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_an_address_or_an_address_and_a_number_of_bits() {
        for (id, valid) in [
            ("10.0.0.1", true),
            ("10.0.0.0/8", true),
            ("010.000.0.1", true),
            ("0.0.0.0/0", true),
            ("10.0.0.0/32", true),
            ("10.0.0.0/33", false),
            ("10.0.0.0/-1", false),
            ("10.0.0.0/", false),
            ("10.0.0.0/8/8", false),
            ("1.2.3", false),
            ("1.2.3.4.5", false),
            ("1.2.3.256", false),
            ("1.2.3.x", false),
            ("localhost", false),
            ("", false),
            ("::1", true),
            ("::", true),
            ("fe80::/10", true),
            ("1:2:3:4:5:6:7:8", true),
            ("::/128", true),
            ("::/129", false),
            ("1:2:3:4:5:6:7", false),
            ("1:2:3:4:5:6:7:8:9", false),
            ("1:2:3:4::5:6:7:8", false),
            ("1::2::3", false),
            ("12345::", false),
            ("g::", false),
            (":1:2:3:4:5:6:7", false),
            ("::ffff:1.2.3.4", false),
        ] {
            assert_eq!(is_valid(id), valid, "{id}");
        }
    }

    #[test]
    fn an_address_matches_by_its_first_bits() {
        for (address, range, expected) in [
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.0/31", false),
            ("10.1.2.3", "10.1.2.2/31", true),
            ("10.1.2.3", "10.1.2.99/24", true),
            ("255.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "::/0", false),
            ("0:0:0:0:0:0:0:1", "::1", true),
            ("0:0:0:0:0:0:0:1", "::2/127", false),
            ("0:0:0:0:0:0:0:3", "::2/127", true),
            ("fe80:0:0:0:0:0:0:1", "fe80::/10", true),
            ("2001:db8:0:0:0:0:0:1", "2001:db8::1", true),
            ("2001:db8:0:0:0:0:0:1", "::/0", true),
            ("0:0:0:0:0:0:0:1", "0.0.0.0/0", false),
            ("no address", "0.0.0.0/0", false),
        ] {
            assert_eq!(matches(address, range), expected, "{address} in {range}");
        }
    }

    #[test]
    fn addresses_are_written_as_java_writes_them() {
        for (address, text) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("2001:DB8::8:800:200c:417a", "2001:db8:0:0:8:800:200c:417a"),
        ] {
            assert_eq!(address_text(address.parse().unwrap()), text);
        }
    }
}

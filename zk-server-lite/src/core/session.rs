//! Session ids and passwords (`SessionTrackerImpl`, `ZooKeeperServer.generatePasswd`).

use zk_proto::{Password, SessionId};

/// The id before the first one a server gives out: the server in the top byte, then the time.
///
/// `elapsed_ms` should differ from one start of a server to the next.
pub(crate) const fn first_session_id(server_id: u8, elapsed_ms: u64) -> SessionId {
    let time = (elapsed_ms << 24) >> 8;
    let server = (server_id as u64) << 56;
    SessionId((server | time).cast_signed())
}

/// The id behind `last`; 0 and the mark of containers are no session's.
pub(crate) const fn next_session_id(last: SessionId) -> SessionId {
    match last.0.wrapping_add(1) {
        0 | i64::MIN => next_session_id(SessionId(last.0.wrapping_add(1))),
        next => SessionId(next),
    }
}

/// The password of a session: the first 16 bytes of Java's generator, seeded with the id. It is
/// not a secret, but every server of an ensemble can tell it from the id.
pub(crate) fn session_password(session: SessionId) -> Password {
    let mut state = (session.0 ^ SUPER_SECRET).cast_unsigned() ^ MULTIPLIER;
    let mut bytes = [0; Password::LENGTH];
    for chunk in bytes.chunks_exact_mut(4) {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & ((1 << 48) - 1);
        // Bits 16 to 47, lowest byte first.
        let [_, _, four @ .., _, _] = state.to_le_bytes();
        chunk.copy_from_slice(&four);
    }
    Password::new(bytes)
}

const SUPER_SECRET: i64 = 0xB341_5C00;
const MULTIPLIER: u64 = 0x5_DEEC_E66D;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(password: &Password) -> String {
        password.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_password_is_the_one_that_zookeeper_gave_the_same_id() {
        for (id, password) in [
            (0x0100_0033_0082_0000, "4cc110ade9c671a40ad3f351da1f46c3"),
            (0x0100_0033_0082_0001, "5fe20aad891251e9ff155b7daea85a90"),
            (0x0100_0033_02c3_0000, "1f502a63c02829c895a523ed09a7ef6f"),
            (0x0100_0033_02c3_0001, "327124636074080d8ae88a18dd2f043d"),
        ] {
            assert_eq!(hex(&session_password(SessionId(id))), password);
        }
    }

    #[test]
    fn ids_begin_with_the_server_and_the_time_and_count_up() {
        let first = first_session_id(1, 0x00ff_0033_0082);
        assert_eq!(first, SessionId(0x01ff_0033_0082_0000));
        assert_eq!(next_session_id(first), SessionId(0x01ff_0033_0082_0001));
        assert_eq!(first_session_id(1, 0xff_0000_0000_0001), SessionId(0x0100_0000_0001_0000));
    }

    #[test]
    fn no_session_has_the_id_of_no_session_or_the_mark_of_containers() {
        assert_eq!(next_session_id(SessionId(-1)), SessionId(1));
        assert_eq!(next_session_id(SessionId(i64::MAX)), SessionId(i64::MIN + 1));
    }
}

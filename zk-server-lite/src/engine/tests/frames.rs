//! Any bytes at all.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn no_frame_breaks_the_engine(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..20),
        ops in prop::collection::vec(-11..110_i32, 20),
    ) {
        let mut bench = Bench::new();
        let mut conn = bench.session().conn;
        for (frame, op) in frames.into_iter().zip(ops) {
            let mut content = BytesMut::new();
            RequestHeader { xid: Xid(1), op }.encode(&mut content);
            content.extend_from_slice(&frame);
            bench.engine.handle_frame(conn, content.freeze(), bench.now);
            let before_handshake = bench.open();
            bench.engine.handle_frame(before_handshake, frame.into(), bench.now);
            if bench.outputs().contains(&(conn, Seen::Closed)) {
                conn = bench.session().conn;
            }
        }
        prop_assert_eq!(bench.code(conn, OpCode::Exists, &exists("/", false)), ErrorCode::Ok);
    }
}

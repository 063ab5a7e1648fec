use crate::error_code::ErrorCode;
use crate::id::{Xid, Zxid};
use crate::record;

record! {
    /// Stands before every request but the first of a connection.
    pub struct RequestHeader {
        /// Comes back with the reply.
        xid: Xid,
        /// The opcode, unchecked; see [`OpCode::from_code`](crate::OpCode::from_code).
        op: i32,
    }
}

record! {
    fixed
    /// Stands before every reply but the first of a connection, and before every watch event.
    pub struct ReplyHeader {
        /// The request this answers, or [`Xid::NOTIFICATION`].
        xid: Xid,
        /// The transaction of a write, also of one that was refused; otherwise the last one the
        /// server has processed. 0 for auth and sasl; −1 for an unknown opcode, and for events
        /// before ZooKeeper 3.9.
        zxid: Zxid,
        /// The outcome; the body is absent when it is not [`ErrorCode::Ok`], but for
        /// a refused sasl.
        err: ErrorCode,
    }
}

record! {
    /// Nothing, as the body of requests and replies that have none.
    #[derive(Copy)]
    pub struct NoBody {}
}

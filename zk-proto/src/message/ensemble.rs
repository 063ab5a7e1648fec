use bytestring::ByteString;

use crate::data::ClientInfo;
use crate::record;

record! {
    /// Asks a server to catch up with the leader.
    pub struct SyncRequest {
        /// Any path; it comes back unchecked.
        path: ByteString,
    }
}

record! {
    /// The server has caught up.
    pub struct SyncResponse {
        /// The path of the request.
        path: ByteString,
    }
}

record! {
    /// Changes the members of the ensemble.
    pub struct ReconfigRequest {
        /// Servers to add, as in the configuration file.
        joining_servers: Option<ByteString>,
        /// Ids of servers to remove.
        leaving_servers: Option<ByteString>,
        /// All members, instead of the two lists above.
        new_members: Option<ByteString>,
        /// The configuration this is meant to change; −1 for any.
        cur_config_id: i64,
    }
}

record! {
    /// The identities of a connection.
    pub struct WhoAmIResponse {
        /// Each identity once, in no order.
        client_info: Vec<ClientInfo>,
    }
}

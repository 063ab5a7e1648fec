use bytestring::ByteString;

use crate::error_code::ErrorCode;
use crate::id::Zxid;
use crate::record;
use crate::watch::{AddWatchMode, WatcherType};

record! {
    /// Sets one-shot watches again after a reconnect.
    pub struct SetWatches {
        /// The last transaction this client has seen: later changes fire at once.
        relative_zxid: Zxid,
        /// Set by getData, or by exists on nodes that existed.
        data_watches: Vec<ByteString>,
        /// Set by exists on nodes that did not exist.
        exist_watches: Vec<ByteString>,
        /// Set by getChildren.
        child_watches: Vec<ByteString>,
    }
}

record! {
    /// Sets watches of all kinds again after a reconnect (ZooKeeper 3.6).
    pub struct SetWatches2 {
        /// As in [`SetWatches`].
        relative_zxid: Zxid,
        /// As in [`SetWatches`].
        data_watches: Vec<ByteString>,
        /// As in [`SetWatches`].
        exist_watches: Vec<ByteString>,
        /// As in [`SetWatches`].
        child_watches: Vec<ByteString>,
        /// Set by addWatch; what they have missed is not told.
        persistent_watches: Vec<ByteString>,
        /// Set by addWatch in recursive mode; what they have missed is not told.
        persistent_recursive_watches: Vec<ByteString>,
    }
}

record! {
    /// Sets a watch that stays.
    pub struct AddWatchRequest {
        /// The path to watch; the node need not exist.
        path: ByteString,
        /// Which kind of watch.
        mode: AddWatchMode,
    }
}

record! {
    /// Asks whether this connection has a watch.
    pub struct CheckWatchesRequest {
        /// The path that is watched.
        path: ByteString,
        /// Which kinds of watch.
        watcher_type: WatcherType,
    }
}

record! {
    /// Removes watches of this connection.
    pub struct RemoveWatchesRequest {
        /// The path that is watched.
        path: ByteString,
        /// Which kinds of watch.
        watcher_type: WatcherType,
    }
}

record! {
    /// A code on its own: the reply to addWatch, and the place of a failed operation in a multi.
    pub struct ErrorResponse {
        /// The code.
        err: ErrorCode,
    }
}

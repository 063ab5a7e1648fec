//! The requests that set all watches again on a new connection.

use zk_proto::message::{SetWatches, SetWatches2};
use zk_proto::op::Request;
use zk_proto::watch::WatchKind;
use zk_proto::{ByteString, Zxid};

/// The kinds in the order in which they are set again, which is that of the lists of a request.
///
/// It matters to servers before 3.9, where on one path the last one set decides what all of them
/// hear: one-shot watches hear the least, recursive ones must hear the most.
pub(super) const ORDER: [WatchKind; 5] = [
    WatchKind::Data,
    WatchKind::Exist,
    WatchKind::Child,
    WatchKind::Persistent,
    WatchKind::PersistentRecursive,
];

/// Requests that set these watches, which come in the order of their kinds, each request well below
/// the limit of a frame. Without a persistent watch in it, a request is one that any server knows.
pub(super) fn batches(
    relative_zxid: Zxid,
    watches: impl Iterator<Item = (WatchKind, ByteString)>,
) -> Vec<Request> {
    let mut batches = Vec::new();
    let mut batch = SetWatches2 { relative_zxid, ..SetWatches2::default() };
    let mut bytes = 0;
    for (kind, path) in watches {
        let length = path.len() + LENGTH_PREFIX;
        if bytes > 0 && bytes + length > BATCH_BYTES {
            let next = SetWatches2 { relative_zxid, ..SetWatches2::default() };
            batches.push(request(std::mem::replace(&mut batch, next)));
            bytes = 0;
        }
        bytes += length;
        list(&mut batch, kind).push(path);
    }
    if bytes > 0 {
        batches.push(request(batch));
    }
    batches
}

const fn list(batch: &mut SetWatches2, kind: WatchKind) -> &mut Vec<ByteString> {
    match kind {
        WatchKind::Data => &mut batch.data_watches,
        WatchKind::Exist => &mut batch.exist_watches,
        WatchKind::Child => &mut batch.child_watches,
        WatchKind::Persistent => &mut batch.persistent_watches,
        WatchKind::PersistentRecursive => &mut batch.persistent_recursive_watches,
    }
}

fn request(batch: SetWatches2) -> Request {
    if !batch.persistent_watches.is_empty() || !batch.persistent_recursive_watches.is_empty() {
        return Request::SetWatches2(batch);
    }
    let SetWatches2 { relative_zxid, data_watches, exist_watches, child_watches, .. } = batch;
    Request::SetWatches(SetWatches { relative_zxid, data_watches, exist_watches, child_watches })
}

/// The Java client splits at 128 KiB of characters, and may pass it by one path. Here the
/// lengths count too, and only a single path may be longer.
const BATCH_BYTES: usize = 128 * 1024;
const LENGTH_PREFIX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// As if it had lists of persistent watches, too.
    fn widened(request: Request) -> SetWatches2 {
        if let Request::SetWatches2(batch) = request {
            return batch;
        }
        let Request::SetWatches(batch) = request else { panic!("{request:?}") };
        let SetWatches { relative_zxid, data_watches, exist_watches, child_watches } = batch;
        let none = SetWatches2::default();
        SetWatches2 { relative_zxid, data_watches, exist_watches, child_watches, ..none }
    }

    #[test]
    fn many_watches_are_set_again_in_several_requests_in_the_order_of_their_kinds() {
        let paths: Vec<ByteString> =
            (0..5_000).map(|number| format!("/a/quite/long/path/{number:06}").into()).collect();
        let watches = ORDER.iter().flat_map(|kind| paths.iter().map(|path| (*kind, path.clone())));
        let batches = batches(Zxid(1), watches);
        assert!(batches.len() > 1);
        let mut kinds = Vec::new();
        for batch in batches {
            let batch = widened(batch);
            let lists = [
                batch.data_watches,
                batch.exist_watches,
                batch.child_watches,
                batch.persistent_watches,
                batch.persistent_recursive_watches,
            ];
            let bytes: usize = lists.iter().flatten().map(|path| path.len() + LENGTH_PREFIX).sum();
            assert!(bytes <= BATCH_BYTES);
            for (kind, list) in ORDER.iter().zip(lists) {
                kinds.extend(list.iter().map(|_| *kind));
            }
        }
        assert_eq!(kinds.len(), 25_000);
        assert!(kinds.is_sorted());
    }

    #[test]
    fn a_request_with_only_one_shot_watches_is_one_that_old_servers_know() {
        let path = ByteString::from("/a");
        for (kind, known) in ORDER.into_iter().zip([true, true, true, false, false]) {
            let batches = batches(Zxid(1), [(kind, path.clone())].into_iter());
            let old = matches!(batches.as_slice(), [Request::SetWatches(_)]);
            let new = matches!(batches.as_slice(), [Request::SetWatches2(_)]);
            assert_eq!((old, new), (known, !known), "{kind:?}");
        }
    }
}

//! What becomes of a request that is answered.

use bytes::Bytes;
use zk_proto::message::ReplyHeader;
use zk_proto::op::Request;

use super::super::Trouble;
use super::super::entry::{Entry, Purpose, watch_set};
use super::super::output::{Answer, Failure, Outputs, Ticket};
use super::super::watches::Watches;
use super::Pending;
use crate::error::Violation;

/// What the reply to a request meant.
#[derive(Debug)]
pub(in crate::session) enum Completed {
    Request,
    /// Watches are set again.
    SetWatches,
    /// The server has ended the session, as it was asked to, or says why not.
    Close(Result<Answer, Failure>),
}

impl<T: Ticket, W: Ticket> Pending<T, W> {
    /// Ends the oldest request in flight with a reply, whose body may be none that can be had.
    pub(in crate::session) fn complete(
        &mut self,
        header: ReplyHeader,
        body: Result<Bytes, Failure>,
        watches: &mut Watches<T, W>,
        outputs: &mut Outputs<T, W>,
    ) -> Result<Completed, Trouble> {
        let expected = self.oldest_sent().map(|oldest| oldest.xid);
        if expected != Some(header.xid) {
            let got = header.xid;
            return Err(Violation::UnexpectedXid { got, expected }.into());
        }
        // Few answers are read together with what was asked.
        let request = self.oldest_request();
        let Some(Entry { purpose, .. }) = self.pop_oldest() else {
            return Ok(Completed::Request);
        };
        let zxid = header.zxid;
        let result = header.err.into_result();
        let read = result.map_err(Failure::Server).and(body);
        let outcome = read.map(|body| Answer { zxid, body });
        match purpose {
            Purpose::User { ticket, watcher } => {
                if let Some(watcher) = watcher
                    && let Some((path, kind)) =
                        request.and_then(|request| watch_set(&request, header.err))
                {
                    watches.insert(path, kind, watcher);
                }
                outputs.reply(ticket, outcome);
            }
            // Going on would mean to wait for events that no server will send.
            Purpose::SetWatches => {
                result.map_err(Trouble::WatchesNotSet)?;
                let set = request.map(|request| watches.set_again(&request));
                outputs.reply_all(set.unwrap_or_default(), &outcome);
                return Ok(Completed::SetWatches);
            }
            Purpose::AddWatch { registration } => {
                let Some(request) = request else {
                    return Ok(Completed::Request);
                };
                let answered = watches.add_answered(&request, registration, header.err);
                outputs.reply_all(answered.map_err(Trouble::WatchesNotSet)?, &outcome);
            }
            Purpose::RemoveWatches => {
                if let Some(request) = request {
                    watches.removal_answered(&request, header.err);
                }
            }
            // What it says was taken note of already.
            Purpose::Prove => {}
            Purpose::Close => {
                let confirmed = result.map_err(Failure::Server);
                let outcome = confirmed.map(|()| Answer { zxid, body: Bytes::new() });
                return Ok(Completed::Close(outcome));
            }
        }
        Ok(Completed::Request)
    }

    /// What the oldest request in flight asks for, where the answer cannot be read without.
    fn oldest_request(&self) -> Option<Request> {
        let oldest = self.in_flight.front()?;
        let needed = match &oldest.entry.as_ref()?.purpose {
            Purpose::User { watcher, .. } => watcher.is_some(),
            Purpose::SetWatches | Purpose::AddWatch { .. } | Purpose::RemoveWatches => true,
            Purpose::Prove | Purpose::Close => false,
        };
        if needed { oldest.request(self.frames.of_each().next()?) } else { None }
    }
}

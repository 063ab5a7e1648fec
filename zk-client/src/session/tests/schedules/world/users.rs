//! What users of a session do.

use std::cell::Cell;
use std::rc::Rc;

use zk_proto::op::Request;

use super::super::listeners::{MODES, PATHS};
use super::super::server::path;
use super::{Number, World};
use crate::session::Table;

impl World {
    pub(super) fn submit(&mut self, request: impl FnOnce(String) -> Request, watch: bool) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone) };
        let watcher = watch.then(|| Number { number, gone: Rc::clone(&gone) });
        if self.session.submit(self.now, request(path(number)), ticket, watcher).is_ok() {
            if watch {
                self.watching.insert(number, Rc::clone(&gone));
            }
            self.owed.insert(number, gone);
            self.sessions.submitted(number);
        }
    }

    /// As the handle of a watch does when it is dropped.
    pub(super) fn drop_watch(&mut self, number: u32) {
        if let Some(gone) = self.watching.remove(&number) {
            gone.set(true);
            self.session.forget_watch(self.now, &path(number).into(), Table::Data);
        }
    }

    pub(super) fn subscribe(&mut self, which: usize) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone) };
        let (path, mode) = (PATHS[which % PATHS.len()], MODES[which / PATHS.len() % 2]);
        if let Ok(id) = self.session.subscribe(self.now, path.into(), mode, ticket) {
            self.owed.insert(number, gone);
            self.listeners.add(id, number, path, mode);
        }
    }

    pub(super) fn unsubscribe(&mut self, which: usize) {
        if let Some((subscriber, path, mode, ticket)) = self.listeners.take(which) {
            self.owed.remove(&ticket);
            self.session.unsubscribe(self.now, &path.into(), mode, subscriber);
        }
    }

    pub(super) fn close(&mut self) {
        self.last_number += 1;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number: self.last_number, gone: Rc::clone(&gone) };
        if self.session.close(self.now, Some(ticket)).is_ok() {
            self.owed.insert(self.last_number, gone);
        }
    }
}

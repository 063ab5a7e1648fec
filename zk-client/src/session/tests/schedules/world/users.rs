//! What users of a session do.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use zk_proto::message::{AuthPacket, Secret};
use zk_proto::op::Request;

use super::super::listeners::{MODES, PATHS};
use super::super::server::path;
use super::{Number, World};
use crate::session::Table;

impl World {
    pub(super) fn submit(&mut self, request: impl FnOnce(String) -> Request, watch: bool) {
        self.submit_as(request, watch, false);
    }

    fn submit_as(&mut self, request: impl FnOnce(String) -> Request, watch: bool, is_bound: bool) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone), is_bound };
        let watcher = watch.then(|| Number { number, gone: Rc::clone(&gone), is_bound: false });
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
        let ticket = Number { number, gone: Rc::clone(&gone), is_bound: false };
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
        let ticket = Number { number: self.last_number, gone: Rc::clone(&gone), is_bound: false };
        if self.session.close(self.now, Some(ticket)).is_ok() {
            self.owed.insert(self.last_number, gone);
        }
    }
}

impl World {
    /// One of a few credentials, some of which the session has already.
    pub(super) fn add_credential(&mut self, which: usize) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone), is_bound: false };
        let auth = Secret(Some(Bytes::from(vec![b'x'; which % 3])));
        let packet = AuthPacket { auth_type: 0, scheme: "digest".into(), auth };
        if self.session.add_auth(self.now, packet, Some(ticket)).is_ok() {
            self.owed.insert(number, gone);
            self.credentials.insert(number);
        }
    }

    /// Somebody takes a handle that is bound to the present session.
    pub(super) fn bind(&mut self) {
        self.bound = Some(self.session.generation());
    }

    /// As a bound handle does.
    pub(super) fn submit_bound(&mut self, request: impl FnOnce(String) -> Request) {
        let Some(generation) = self.bound else {
            return;
        };
        if self.session.check_bound(self.bound).is_err() {
            self.seen.bound_over += 1;
            return;
        }
        self.submit_as(request, false, true);
        self.bound_numbers.insert(self.last_number, generation);
    }

    /// What is bound to a session is sent in that one only.
    pub(super) fn check_bound(&mut self, number: u32) {
        if let Some(bound) = self.bound_numbers.get(&number) {
            assert_eq!(*bound, self.session.generation(), "{number} is bound to another session");
            assert!(
                !self.server.is_read_only(),
                "{number} is bound, and asked of nobody's session"
            );
            self.seen.bound += 1;
        }
    }
}

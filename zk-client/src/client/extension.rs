//! Values that libraries keep with a session, and a handle that does not keep it open.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Client, Handle};
use crate::chroot::Chroot;
use crate::state::Generation;

/// A [`Client`] that does not keep its session open.
#[derive(Clone)]
pub struct WeakClient {
    handle: Weak<Handle>,
    chroot: Chroot,
    bound: Option<Generation>,
}

/// One value of a type for a session, made when it is first asked for.
#[derive(Default)]
pub(super) struct Extensions(Mutex<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Client {
    /// A handle that does not keep the session open: the session is closed when the last
    /// `Client` is dropped, whatever number of these there are.
    #[must_use]
    pub fn downgrade(&self) -> WeakClient {
        let handle = Arc::downgrade(&self.handle);
        WeakClient { handle, chroot: self.chroot.clone(), bound: self.bound }
    }

    /// The value of type `T` that is kept with this session; `make` is called when there is none
    /// yet. All clones share it.
    ///
    /// For libraries on top, such as recipes that need one background task for each session. A
    /// value that holds a `Client` would keep the session open for ever: hold a [`WeakClient`].
    /// Other callers wait while `make` runs, so it must not ask for an extension itself.
    pub fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut extensions =
            self.handle.extensions.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = TypeId::of::<T>();
        let found = extensions.get(&key).map(Arc::clone);
        if let Some(found) = found.and_then(|found| Arc::downcast(found).ok()) {
            return found;
        }
        let made = Arc::new(make());
        extensions.insert(key, Arc::clone(&made) as _);
        made
    }
}

impl WeakClient {
    /// A full handle, if the session has not been given up by all others.
    #[must_use]
    pub fn upgrade(&self) -> Option<Client> {
        let handle = self.handle.upgrade()?;
        Some(Client { handle, chroot: self.chroot.clone(), bound: self.bound })
    }
}

impl std::fmt::Debug for WeakClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakClient").finish_non_exhaustive()
    }
}

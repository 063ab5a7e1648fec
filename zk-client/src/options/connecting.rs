//! From the settings of a client to a client that has a session, and its chroot.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
#[cfg(feature = "sasl")]
use uuid::Uuid;
use zk_proto::ErrorCode;

use super::{ClientBuilder, MissingChroot};
use crate::client::Client;
use crate::connect_string::ConnectString;
use crate::driver;
use crate::error::{Delivery, Error};
use crate::session::{LONGEST_REQUEST_TIMEOUT, Session};
use crate::shared_session::SharedSession;
use crate::state::SessionState;

impl ClientBuilder {
    /// What [`connect`](Self::connect) does.
    pub(super) async fn establish(mut self) -> Result<Client, Error> {
        let ConnectString { hosts, chroot } = self.connect_string.parse()?;
        let runtime = Handle::try_current()
            .map_err(|_| Error::Connect { reason: "not within a tokio runtime".into() })?;
        self.session.seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        let limit = self.connect_timeout.unwrap_or(self.session.request_timeout);
        let limit = limit.min(LONGEST_REQUEST_TIMEOUT);
        self.session.wants_addresses = self.connector.wants_addresses();
        let now = Instant::now().into_std();
        let mut session = Session::new(self.session, hosts, now);
        if let Some(saved) = self.resumed {
            session.resume(saved);
        }
        for credential in self.credentials {
            session.add_auth(now, credential, None)?;
        }
        #[cfg(feature = "sasl")]
        if let Some(who) = self.sasl {
            // Nonces are never repeated, so not even a run with a seed has them from it.
            session.use_sasl(who, Uuid::new_v4().into_bytes());
        }
        let shared = Arc::new(SharedSession::new(session));
        let client = Client::new(Arc::clone(&shared), chroot, runtime.clone());
        runtime.spawn(driver::run(Arc::clone(&shared), self.connector, self.resolver));
        let mut state = client.state();
        let connected = state.wait_for(|state| *state != SessionState::Connecting);
        let deadline = Instant::now() + limit;
        if matches!(timeout_at(deadline, connected).await, Ok(Ok(state)) if !state.is_over()) {
            if let Some(port) = self.follow {
                client.follow_config(port);
            }
            let looked = timeout_at(deadline, client.look_for_chroot(self.missing_chroot)).await;
            let late = Error::Timeout { delivery: Delivery::Unknown };
            return looked.unwrap_or(Err(late)).map(|()| client);
        }
        match shared.state() {
            SessionState::AuthFailed { reason } => return Err(Error::AuthFailed { reason }),
            SessionState::Expired => return Err(Error::SessionExpired),
            _ => {}
        }
        let reason = shared.last_trouble().unwrap_or_else(|| "no answer in time".into());
        Err(Error::Connect { reason })
    }
}

impl Client {
    async fn look_for_chroot(&self, missing: MissingChroot) -> Result<(), Error> {
        let path = self.server_path("/")?;
        // The root of the server is always there.
        let missing = if &*path == "/" { MissingChroot::Ignore } else { missing };
        match missing {
            MissingChroot::Ignore => Ok(()),
            MissingChroot::Create => self.create_chroot(&path).await,
            MissingChroot::Fail => {
                // Another server may not show yet what was made just before.
                let synced = self.sync("/").send();
                let found = self.exists("/").send();
                synced.await?;
                found.await?.map(|_| ()).ok_or(Error::NoChroot { path })
            }
        }
    }

    async fn create_chroot(&self, path: &str) -> Result<(), Error> {
        let create = self.whole().create(path, "").with_parents().idempotent().await;
        match create {
            Err(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
            created => created.map(|_| ()),
        }
    }
}

//! Who a client is to servers that ask by SASL.

use std::fmt;

use zk_proto::sasl::{SERVER_NAME, SERVICE};

/// A user and a password for SASL's mechanism DIGEST-MD5 (RFC 2831).
///
/// The password does not go over the wire, and the server has to show that it knows it, too. What
/// follows on the connection is neither encrypted nor protected: let the connector do that.
///
/// ```
/// use zk_client::DigestMd5;
///
/// let bob = DigestMd5::new("bob", "secret").realm("example.com");
/// assert_eq!(format!("{bob:?}"), r#"DigestMd5 { user: "bob", .. }"#);
/// ```
#[derive(Clone)]
pub struct DigestMd5 {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) realm: Option<String>,
    pub(crate) service: String,
    pub(crate) server_name: String,
}

impl DigestMd5 {
    /// A user of a server that is set up as ZooKeeper's are.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            realm: None,
            service: SERVICE.to_owned(),
            server_name: SERVER_NAME.to_owned(),
        }
    }

    /// In which realm the user is one. A server that does not offer it is refused. Default: the
    /// first that the server offers; ZooKeeper's offer `zk-sasl-md5`.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// The first part of the service that the password is shown to. Default `zookeeper`.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// The second part of it. Default `zk-sasl-md5`, which all of ZooKeeper's servers are called.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = name.into();
        self
    }
}

/// Without the password.
impl fmt::Debug for DigestMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestMd5").field("user", &self.user).finish_non_exhaustive()
    }
}

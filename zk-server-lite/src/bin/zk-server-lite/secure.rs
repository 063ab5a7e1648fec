//! The settings of the secure port.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zk_server_lite::rustls::crypto::ring;
use zk_server_lite::{ClientAuth, ServerBuilder, TlsSettings};

use crate::settings::{SettingError, address};

/// What a key of the secure port sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecureSetting {
    Port,
    Address,
    KeyStore,
    TrustStore,
    ClientAuth,
    SuperUser,
}

/// What was said of the secure port so far.
#[derive(Clone, Debug)]
pub(crate) struct Secure {
    port: Option<u16>,
    address: IpAddr,
    key_store: Option<PathBuf>,
    trust_store: Option<PathBuf>,
    client_auth: ClientAuth,
    super_user: Option<String>,
}

impl Default for Secure {
    /// On the loopback address, as the plain port.
    fn default() -> Self {
        Self {
            port: None,
            address: IpAddr::from([127, 0, 0, 1]),
            key_store: None,
            trust_store: None,
            client_auth: ClientAuth::default(),
            super_user: None,
        }
    }
}

impl Secure {
    pub(crate) const fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// An error is what was expected.
    pub(crate) fn set(&mut self, setting: SecureSetting, value: &str) -> Result<(), &'static str> {
        match setting {
            SecureSetting::Port => {
                self.port = Some(value.parse().map_err(|_| "a port, 0 to 65535")?);
            }
            SecureSetting::Address => {
                self.address = address(value).ok_or("an address of this machine")?;
            }
            SecureSetting::KeyStore => self.key_store = Some(pem(value)?),
            SecureSetting::TrustStore => self.trust_store = Some(pem(value)?),
            SecureSetting::ClientAuth => {
                self.client_auth = match &*value.to_ascii_lowercase() {
                    "none" => ClientAuth::None,
                    "want" => ClientAuth::Want,
                    "need" => ClientAuth::Need,
                    _ => return Err("none, want or need"),
                };
            }
            SecureSetting::SuperUser => self.super_user = Some(value.to_owned()),
        }
        Ok(())
    }

    /// Adds the secure port, if there is to be one.
    pub(crate) fn add_to(self, builder: ServerBuilder) -> Result<ServerBuilder, SettingError> {
        let Some(port) = self.port else {
            return Ok(builder);
        };
        let missing = |needs| SettingError::Missing { key: "secureClientPort", needs };
        let store = self.key_store.ok_or_else(|| missing("ssl.keyStore.location"))?;
        let mut settings =
            TlsSettings::files(Arc::new(ring::default_provider()), store.clone(), store)
                .client_auth(self.client_auth);
        match self.trust_store {
            Some(store) => settings = settings.trust_file(store),
            None if self.client_auth == ClientAuth::None => {}
            None => return Err(missing("ssl.trustStore.location, or ssl.clientAuth=none")),
        }
        let builder = builder.secure_listen(SocketAddr::new(self.address, port), settings);
        Ok(match self.super_user {
            Some(subject) => builder.x509_super_user(subject),
            None => builder,
        })
    }
}

/// ZooKeeper tells the kind of a store by the end of its name, and so do we.
fn pem(file: &str) -> Result<PathBuf, &'static str> {
    let is_pem = Path::new(file).extension().is_some_and(|ending| ending == "pem");
    if is_pem { Ok(file.into()) } else { Err("a file in PEM, with a name that ends with .pem") }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    fn built(text: &str) -> Result<String, String> {
        let mut settings = Settings::default();
        settings.set_all(text).map_err(|error| error.to_string())?;
        let builder = settings.into_builder().map_err(|error| error.to_string())?;
        Ok(format!("{builder:?}"))
    }

    #[test]
    fn a_secure_port_stands_alone_unless_there_is_a_plain_one() {
        let secure = "secureClientPort=2281\nssl.keyStore.location=/a.pem\n\
                      zookeeper.ssl.trustStore.location=/b.pem\nssl.clientAuth=WANT\n";
        let alone = built(secure).unwrap();
        assert!(alone.contains("listen: None"), "{alone}");
        for part in ["127.0.0.1:2281", "/a.pem", "/b.pem", "Want"] {
            assert!(alone.contains(part), "{alone}");
        }
        let both = built(&format!("{secure}clientPort=2182\n")).unwrap();
        assert!(both.contains("listen: Some(127.0.0.1:2182)"), "{both}");
        let none = built("ssl.keyStore.location=/a.pem\n").unwrap();
        assert!(none.contains("listen: Some(127.0.0.1:2181)"), "{none}");
    }

    #[test]
    fn what_is_missing_or_cannot_be_is_told() {
        let error = |text: &str| built(text).unwrap_err();
        assert_eq!(error("secureClientPort=2281"), "secureClientPort needs ssl.keyStore.location");
        let untrusting = error("secureClientPort=2281\nssl.keyStore.location=/a.pem");
        assert!(untrusting.contains("needs ssl.trustStore.location"), "{untrusting}");
        assert!(error("ssl.keyStore.location=/a.jks").contains("PEM"));
        assert!(error("ssl.clientAuth=maybe").contains("none, want or need"));
        assert!(error("ssl.keyStore.type=JKS").contains("only PEM is possible"));
        assert!(error("ssl.ciphersuites=x").contains("a setting of TLS"));
        built(
            "secureClientPort=0\nssl.keyStore.location=/a.pem\nssl.clientAuth=none\n\
             X509AuthenticationProvider.superUser=CN=root",
        )
        .unwrap();
    }
}

//! The settings of a server, from a file and from flags.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use thiserror::Error;
use zk_server_lite::{FourLetterWords, Server, ServerBuilder};

#[cfg(feature = "sasl")]
use crate::jaas::User;
use crate::keys::{Meaning, Setting, meaning};
use crate::properties;
#[cfg(feature = "tls-ring")]
use crate::secure::Secure;

/// What a server is started with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// 2181 unless there is a secure port.
    client_port: Option<u16>,
    client_port_address: IpAddr,
    builder: ServerBuilder,
    enforcement: Enforcement,
    #[cfg(feature = "tls-ring")]
    secure: Secure,
}

/// Who clients have to be (`AuthenticationHelper`).
#[derive(Clone, Debug, Default)]
struct Enforcement {
    enabled: bool,
    schemes: Vec<String>,
    #[cfg(feature = "sasl")]
    sasl: bool,
}

/// Why a setting is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum SettingError {
    #[error("unknown key {key:?}")]
    UnknownKey { key: String },
    #[error("{key}={value:?}: expected {expected}")]
    BadValue { key: String, value: String, expected: &'static str },
    #[error("{key} asks for {what}")]
    Refused { key: String, what: &'static str },
    #[error("{key}={value:?}: only {only} is possible here: {why}")]
    Only { key: String, value: String, only: &'static str, why: &'static str },
    #[cfg(feature = "tls-ring")]
    #[error("{key} needs {needs}")]
    Missing { key: &'static str, needs: &'static str },
}

/// Why a file is not one of settings.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: {source}")]
pub(crate) struct FileError {
    line: usize,
    source: SettingError,
}

/// A key that was accepted and does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) key: String,
    pub(crate) why: &'static str,
}

impl Default for Settings {
    /// ZooKeeper's defaults, but for the address: who wants to be reached from elsewhere says so.
    fn default() -> Self {
        Self {
            client_port: None,
            client_port_address: IpAddr::from([127, 0, 0, 1]),
            builder: Server::builder().max_client_cnxns(60),
            enforcement: Enforcement::default(),
            #[cfg(feature = "tls-ring")]
            secure: Secure::default(),
        }
    }
}

impl Settings {
    /// Takes over what a file says, line by line: the last of two settings of a key counts.
    pub(crate) fn set_all(&mut self, text: &str) -> Result<Vec<Notice>, FileError> {
        let mut notices = Vec::new();
        for property in properties::parse(text) {
            let set = self.set(&property.key, &property.value);
            let notice = set.map_err(|source| FileError { line: property.line, source })?;
            notices.extend(notice);
        }
        Ok(notices)
    }

    /// Takes over one setting, or says why it has no effect.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<Option<Notice>, SettingError> {
        let notice = |why| Some(Notice { key: key.to_owned(), why });
        match meaning(key) {
            Meaning::Sets(setting) => match self.apply(setting, value) {
                Ok(()) => Ok(None),
                Err(expected) => {
                    let (key, value) = (key.to_owned(), value.to_owned());
                    Err(SettingError::BadValue { key, value, expected })
                }
            },
            Meaning::NoEffect(why) => Ok(notice(why)),
            Meaning::Only(only, why) if value.eq_ignore_ascii_case(only) => Ok(notice(why)),
            Meaning::Only(only, why) => {
                let (key, value) = (key.to_owned(), value.to_owned());
                Err(SettingError::Only { key, value, only, why })
            }
            Meaning::Refused(what) => Err(SettingError::Refused { key: key.to_owned(), what }),
            Meaning::Unknown => Err(SettingError::UnknownKey { key: key.to_owned() }),
        }
    }

    /// Listens there and nowhere else.
    pub(crate) const fn listen(&mut self, address: SocketAddr) {
        self.client_port = Some(address.port());
        self.client_port_address = address.ip();
    }

    /// The server that is set up by this.
    ///
    /// # Errors
    /// When a setting lacks another one that it needs.
    pub(crate) fn into_builder(self) -> Result<ServerBuilder, SettingError> {
        let builder = self.builder.enforce_auth(self.enforcement.schemes());
        #[cfg(feature = "tls-ring")]
        let builder = {
            let secure_only = self.secure.has_port() && self.client_port.is_none();
            let builder = self.secure.add_to(builder)?;
            if secure_only {
                return Ok(builder.secure_only());
            }
            builder
        };
        let port = self.client_port.unwrap_or(CLIENT_PORT);
        Ok(builder.listen(SocketAddr::new(self.client_port_address, port)))
    }

    /// Adds users of SASL.
    #[cfg(feature = "sasl")]
    pub(crate) fn add_users(&mut self, users: &[User]) {
        for User { name, password } in users {
            self.builder = self.builder.clone().sasl_user(name, password);
        }
    }

    /// An error is what was expected.
    fn apply(&mut self, setting: Setting, value: &str) -> Result<(), &'static str> {
        let builder = self.builder.clone();
        self.builder = match setting {
            Setting::ClientPort => {
                self.client_port = Some(value.parse().map_err(|_| "a port, 0 to 65535")?);
                builder
            }
            Setting::ClientPortAddress => {
                self.client_port_address = address(value).ok_or("an address of this machine")?;
                builder
            }
            Setting::TickTime => builder.tick_time(millis(value, 1)?),
            Setting::MinSessionTimeout if value == UNSET => builder,
            Setting::MinSessionTimeout => builder.min_session_timeout(millis(value, 0)?),
            Setting::MaxSessionTimeout if value == UNSET => builder,
            Setting::MaxSessionTimeout => builder.max_session_timeout(millis(value, 0)?),
            Setting::MaxClientCnxns => {
                builder.max_client_cnxns(value.parse().map_err(|_| "a count, or 0 for no limit")?)
            }
            Setting::FourLetterWords => builder.four_letter_words(words(value)?),
            Setting::MaxBuffer => builder.max_frame(bytes(value)?),
            Setting::ExtendedTypes => builder.extended_types(yes(value)?),
            Setting::ContainerCheckInterval => builder.container_check_interval(millis(value, 1)?),
            Setting::ContainerMaxPerMinute => {
                builder.container_max_per_minute(value.parse().map_err(|_| "a count, 1 or more")?)
            }
            Setting::ContainerMaxNeverUsed => builder.container_max_never_used(millis(value, 0)?),
            Setting::ReconfigEnabled => builder.reconfig_enabled(yes(value)?),
            Setting::EnforceQuota => builder.enforce_quota(yes(value)?),
            Setting::SuperDigest => builder.super_digest(digest(value)?),
            Setting::SkipAcl => match value {
                "yes" => builder.skip_acl(true),
                "no" => builder.skip_acl(false),
                _ => return Err("yes or no"),
            },
            Setting::EnforceAuth => {
                self.enforcement.enabled = yes(value)?;
                builder
            }
            Setting::EnforceAuthSchemes => {
                let schemes = value.split(',').map(|scheme| scheme.trim().to_owned());
                self.enforcement.schemes = schemes.collect();
                builder
            }
            #[cfg(feature = "sasl")]
            Setting::RequireSasl => {
                self.enforcement.sasl = yes(value)?;
                builder
            }
            #[cfg(feature = "sasl")]
            Setting::AllowSaslFailed => builder.allow_sasl_failed_clients(yes(value)?),
            #[cfg(feature = "sasl")]
            Setting::SuperUser => builder.sasl_super_user(value),
            #[cfg(feature = "tls-ring")]
            Setting::Secure(setting) => {
                self.secure.set(setting, value)?;
                builder
            }
        };
        Ok(())
    }
}

impl Enforcement {
    /// SASL alone wins over a list. To demand something and not to say what does not start a
    /// server: the empty word is no scheme.
    fn schemes(self) -> Vec<String> {
        #[cfg(feature = "sasl")]
        if self.sasl {
            return vec!["sasl".to_owned()];
        }
        match self {
            Self { enabled: false, .. } => Vec::new(),
            Self { schemes, .. } if schemes.is_empty() => vec![String::new()],
            Self { schemes, .. } => schemes,
        }
    }
}

/// In any case, as ZooKeeper reads it.
fn yes(value: &str) -> Result<bool, &'static str> {
    value.to_ascii_lowercase().parse().map_err(|_| "true or false")
}

fn millis(value: &str, least: u32) -> Result<Duration, &'static str> {
    match value.parse::<i32>().map(u32::try_from) {
        Ok(Ok(millis)) if millis >= least => Ok(Duration::from_millis(millis.into())),
        _ if least == 0 => Err("milliseconds, 0 to 2147483647"),
        _ => Err("milliseconds, 1 to 2147483647"),
    }
}

/// Java reads this one in any base (`Integer.getInteger`).
fn bytes(value: &str) -> Result<usize, &'static str> {
    let parsed = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => i32::from_str_radix(digits, 16),
        None => value.parse(),
    };
    match parsed.map(usize::try_from) {
        Ok(Ok(bytes)) if bytes > 0 => Ok(bytes),
        _ => Err("bytes, 1 to 2147483647"),
    }
}

fn words(value: &str) -> Result<FourLetterWords, &'static str> {
    value.parse().map_err(|_| "four letter words, separated by commas, or *")
}

/// A user and the hash of user and password: 20 bytes in base 64.
fn digest(value: &str) -> Result<&str, &'static str> {
    match value.split_once(':') {
        Some((user, hash)) if !user.is_empty() && hash.len() == 28 => Ok(value),
        _ => Err("user:hash, with the hash in base 64"),
    }
}

/// An address, or what a host name stands for.
pub(crate) fn address(value: &str) -> Option<IpAddr> {
    value.parse().ok().or_else(|| Some((value, 0).to_socket_addrs().ok()?.next()?.ip()))
}

/// What ZooKeeper takes for a timeout that is not set.
const UNSET: &str = "-1";
/// ZooKeeper's port.
const CLIENT_PORT: u16 = 2181;

#[cfg(test)]
mod tests {
    use super::*;

    const SUPER_DIGEST: &str = "zookeeper.DigestAuthenticationProvider.superDigest";

    fn bad(key: &str, value: &str) -> &'static str {
        match Settings::default().set(key, value) {
            Err(SettingError::BadValue { key: named, value: given, expected }) => {
                assert_eq!((&*named, &*given), (key, value));
                expected
            }
            other => panic!("{key}={value}: {other:?}"),
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_an_error_that_says_what_is_expected() {
        for (key, value, expected) in [
            ("clientPort", "65536", "a port"),
            ("clientPort", "", "a port"),
            ("clientPortAddress", "no.such.host.invalid", "an address"),
            ("tickTime", "0", "1 to"),
            ("tickTime", "-5", "1 to"),
            ("tickTime", "2s", "milliseconds"),
            ("minSessionTimeout", "-2", "0 to"),
            ("maxSessionTimeout", "2147483648", "0 to"),
            ("maxClientCnxns", "-1", "a count"),
            ("4lw.commands.whitelist", "ruok,help", "four letter words"),
            ("jute.maxbuffer", "0", "bytes"),
            ("extendedTypesEnabled", "yes", "true or false"),
            ("enforceQuota", "", "true or false"),
            ("skipACL", "true", "yes or no"),
            ("DigestAuthenticationProvider.superDigest", "super:secret", "user:hash"),
            ("znode.container.checkIntervalMs", "0", "1 to"),
            ("znode.container.maxPerMinute", "0", "a count"),
            ("jute.maxbuffer", "0xfffffffff", "bytes"),
        ] {
            let said = bad(key, value);
            assert!(said.contains(expected), "{key}={value}: {said}");
        }
    }

    #[test]
    fn a_value_that_can_be_is_taken() {
        for (key, value) in [
            ("clientPort", "0"),
            ("clientPortAddress", "::1"),
            ("clientPortAddress", "localhost"),
            ("tickTime", "1"),
            ("minSessionTimeout", "-1"),
            ("maxSessionTimeout", "0"),
            ("maxClientCnxns", "0"),
            ("4lw.commands.whitelist", "*"),
            ("4lw.commands.whitelist", "ruok, stat,,"),
            ("jute.maxbuffer", "0xfffff"),
            ("extendedTypesEnabled", "TRUE"),
            ("zookeeper.extendedTypesEnabled", "false"),
            ("znode.container.checkIntervalMs", "100"),
            ("znode.container.maxPerMinute", "1"),
            ("zookeeper.znode.container.maxNeverUsedIntervalMs", "0"),
            ("reconfigEnabled", "true"),
            ("zookeeper.enforceQuota", "true"),
            ("skipACL", "yes"),
            (SUPER_DIGEST, "super:g9oN2HttPfn8MMWJZ2r45Np/LIA="),
            ("zookeeper.jute.maxbuffer", "4194304"),
            ("enforce.auth.enabled", "true"),
            ("zookeeper.enforce.auth.schemes", "digest, ip"),
        ] {
            assert_eq!(Settings::default().set(key, value), Ok(None), "{key}={value}");
        }
    }

    #[test]
    fn who_clients_have_to_be_is_a_list_or_sasl() {
        let demanded = |lines: &str| {
            let mut settings = Settings::default();
            settings.set_all(lines).unwrap();
            settings.enforcement.schemes()
        };
        assert_eq!(demanded("enforce.auth.schemes=digest"), [] as [&str; 0]);
        assert_eq!(demanded("enforce.auth.enabled=true"), [""], "no server starts with that");
        let both = "enforce.auth.enabled=true\nenforce.auth.schemes=digest, ip\n";
        assert_eq!(demanded(both), ["digest", "ip"]);
        #[cfg(feature = "sasl")]
        assert_eq!(demanded(&format!("{both}sessionRequireClientSASLAuth=true")), ["sasl"]);
    }

    #[test]
    fn an_address_and_a_port_come_together() {
        let mut settings = Settings::default();
        settings.set_all("clientPort=2000\nclientPortAddress=::1\n").unwrap();
        let built = format!("{:?}", settings.into_builder().unwrap());
        assert!(built.contains("[::1]:2000"), "{built}");
    }

    #[test]
    fn an_error_in_a_file_names_line_and_key() {
        let error = |text: &str| Settings::default().set_all(text).unwrap_err().to_string();
        assert_eq!(error("# a\ntickTime=1\ntikTime=2\n"), "line 3: unknown key \"tikTime\"");
        assert_eq!(
            error("tickTime=soon"),
            "line 1: tickTime=\"soon\": expected milliseconds, 1 to 2147483647"
        );
        let refused = error("clientPort=1\nserver.1=a:2888:3888");
        assert_eq!(refused, "line 2: server.1 asks for an ensemble, and this server stands alone");
        assert!(error("maxCnxns=10").starts_with("line 1: maxCnxns=\"10\": only 0 is possible"));
    }

    #[test]
    fn a_usual_file_is_taken_and_what_has_no_effect_is_named() {
        let text = "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/tmp/zookeeper\n\
                    clientPort=2181\nadmin.enableServer=false\nmaxCnxns=0\n";
        let notices = Settings::default().set_all(text).unwrap();
        let keys: Vec<_> = notices.iter().map(|notice| &*notice.key).collect();
        assert_eq!(keys, ["initLimit", "syncLimit", "dataDir", "admin.enableServer", "maxCnxns"]);
    }
}

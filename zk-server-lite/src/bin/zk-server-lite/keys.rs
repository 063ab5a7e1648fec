//! The keys of `zoo.cfg`: what each means here.

#[cfg(feature = "tls-ring")]
use crate::secure::SecureSetting;

/// A key that has an effect here.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) setting: Setting,
    /// As ZooKeeper spells it in `zoo.cfg`.
    pub(crate) name: &'static str,
    /// As the command line spells it, after two hyphens: words in lower case, joined by hyphens.
    pub(crate) flag: &'static str,
    /// Whether ZooKeeper knows it as a system property too, with `zookeeper.` before it.
    pub(crate) property: bool,
    /// What the value is, for the help.
    pub(crate) value: &'static str,
    /// What it does, for the help.
    pub(crate) help: &'static str,
}

/// What a key sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    ClientPort,
    ClientPortAddress,
    TickTime,
    MinSessionTimeout,
    MaxSessionTimeout,
    MaxClientCnxns,
    FourLetterWords,
    MaxBuffer,
    ExtendedTypes,
    ContainerCheckInterval,
    ContainerMaxPerMinute,
    ContainerMaxNeverUsed,
    ReconfigEnabled,
    EnforceQuota,
    SuperDigest,
    SkipAcl,
    EnforceAuth,
    EnforceAuthSchemes,
    #[cfg(feature = "sasl")]
    RequireSasl,
    #[cfg(feature = "sasl")]
    AllowSaslFailed,
    #[cfg(feature = "sasl")]
    SuperUser,
    #[cfg(feature = "tls-ring")]
    Secure(SecureSetting),
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It sets something.
    Sets(Setting),
    /// It may stand there, and nothing follows from it; why not.
    NoEffect(&'static str),
    /// It may stand there with this value, which says what is so anyway.
    Only(&'static str, &'static str),
    /// It asks for what there is not here; what that is.
    Refused(&'static str),
    /// Nobody knows it.
    Unknown,
}

/// What a key means, in any of its spellings.
pub(crate) fn meaning(key: &str) -> Meaning {
    if let Some(key) = KEYS.iter().find(|known| known.is_spelled(key)) {
        return Meaning::Sets(key.setting);
    }
    let bare = key.strip_prefix(PREFIX).unwrap_or(key);
    let among = |names: &[&str]| {
        names.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => bare.starts_with(start),
            None => bare == *name,
        })
    };
    if let Some((_, value, why)) = ONLY.iter().find(|(name, _, _)| among(&[name])) {
        return Meaning::Only(value, why);
    }
    if let Some((_, why)) = NO_EFFECT.iter().find(|(names, _)| among(names)) {
        return Meaning::NoEffect(why);
    }
    if let Some((_, what)) = REFUSED.iter().find(|(names, _)| among(names)) {
        return Meaning::Refused(what);
    }
    Meaning::Unknown
}

impl Key {
    fn is_spelled(&self, key: &str) -> bool {
        self.name == key || self.property && key.strip_prefix(PREFIX) == Some(self.name)
    }
}

const PREFIX: &str = "zookeeper.";

/// All keys with an effect, in the order of the help.
pub(crate) const KEYS: &[Key] = &[
    Key {
        setting: Setting::ClientPort,
        name: "clientPort",
        flag: "client-port",
        property: false,
        value: "PORT",
        help: "Port to listen on; 0 takes a free one [default: 2181]",
    },
    Key {
        setting: Setting::ClientPortAddress,
        name: "clientPortAddress",
        flag: "client-port-address",
        property: false,
        value: "HOST",
        help: "Address to listen on; 0.0.0.0 for all [default: 127.0.0.1]",
    },
    Key {
        setting: Setting::TickTime,
        name: "tickTime",
        flag: "tick-time",
        property: false,
        value: "MS",
        help: "Unit of session expiry, in milliseconds [default: 3000]",
    },
    Key {
        setting: Setting::MinSessionTimeout,
        name: "minSessionTimeout",
        flag: "min-session-timeout",
        property: false,
        value: "MS",
        help: "Shortest session timeout, in milliseconds [default: two ticks]",
    },
    Key {
        setting: Setting::MaxSessionTimeout,
        name: "maxSessionTimeout",
        flag: "max-session-timeout",
        property: false,
        value: "MS",
        help: "Longest session timeout, in milliseconds [default: twenty ticks]",
    },
    Key {
        setting: Setting::MaxClientCnxns,
        name: "maxClientCnxns",
        flag: "max-client-cnxns",
        property: false,
        value: "COUNT",
        help: "Connections that one address may have open; 0 for any number [default: 60]",
    },
    Key {
        setting: Setting::FourLetterWords,
        name: "4lw.commands.whitelist",
        flag: "4lw-commands-whitelist",
        property: true,
        value: "WORDS",
        help: "Four letter words to answer, separated by commas, or * for all; \
               srvr always is [default: srvr]",
    },
    Key {
        setting: Setting::MaxBuffer,
        name: "jute.maxbuffer",
        flag: "jute-maxbuffer",
        property: true,
        value: "BYTES",
        help: "Longest request to accept, in bytes [default: 1048575]",
    },
    Key {
        setting: Setting::ExtendedTypes,
        name: "extendedTypesEnabled",
        flag: "extended-types-enabled",
        property: true,
        value: "BOOL",
        help: "Whether nodes with a time to live can be created [default: false]",
    },
    Key {
        setting: Setting::ContainerCheckInterval,
        name: "znode.container.checkIntervalMs",
        flag: "znode-container-check-interval-ms",
        property: true,
        value: "MS",
        help: "Time between two looks for containers and nodes with a time to live \
               that are to go, in milliseconds [default: 60000]",
    },
    Key {
        setting: Setting::ContainerMaxPerMinute,
        name: "znode.container.maxPerMinute",
        flag: "znode-container-max-per-minute",
        property: true,
        value: "COUNT",
        help: "How many of them are removed in a minute at the most [default: 10000]",
    },
    Key {
        setting: Setting::ContainerMaxNeverUsed,
        name: "znode.container.maxNeverUsedIntervalMs",
        flag: "znode-container-max-never-used-interval-ms",
        property: true,
        value: "MS",
        help: "How long a container lasts that never had a child, in milliseconds; 0 \
               for ever [default: 0]",
    },
    Key {
        setting: Setting::ReconfigEnabled,
        name: "reconfigEnabled",
        flag: "reconfig-enabled",
        property: true,
        value: "BOOL",
        help: "Whether a reconfig is refused as one that cannot be carried out, not as \
               one that is switched off [default: false]",
    },
    Key {
        setting: Setting::EnforceQuota,
        name: "enforceQuota",
        flag: "enforce-quota",
        property: true,
        value: "BOOL",
        help: "Whether writes over a hard limit of a quota are refused [default: false]",
    },
    Key {
        setting: Setting::SuperDigest,
        name: "DigestAuthenticationProvider.superDigest",
        flag: "digest-authentication-provider-super-digest",
        property: true,
        value: "USER:HASH",
        help: "Who may do everything, as an id of the scheme digest [default: nobody]",
    },
    Key {
        setting: Setting::SkipAcl,
        name: "skipACL",
        flag: "skip-acl",
        property: true,
        value: "YES|NO",
        help: "Whether everybody may do everything [default: no]",
    },
    Key {
        setting: Setting::EnforceAuth,
        name: "enforce.auth.enabled",
        flag: "enforce-auth-enabled",
        property: true,
        value: "BOOL",
        help: "Whether clients have to be somebody before they can ask [default: false]",
    },
    Key {
        setting: Setting::EnforceAuthSchemes,
        name: "enforce.auth.schemes",
        flag: "enforce-auth-schemes",
        property: true,
        value: "SCHEMES",
        help: "Of which schemes, separated by commas: digest, ip, sasl",
    },
    #[cfg(feature = "sasl")]
    Key {
        setting: Setting::RequireSasl,
        name: "sessionRequireClientSASLAuth",
        flag: "session-require-client-saslauth",
        property: true,
        value: "BOOL",
        help: "Whether clients have to be users of SASL [default: false]",
    },
    #[cfg(feature = "sasl")]
    Key {
        setting: Setting::AllowSaslFailed,
        name: "allowSaslFailedClients",
        flag: "allow-sasl-failed-clients",
        property: true,
        value: "BOOL",
        help: "Whether who fails at SASL may go on as nobody [default: false]",
    },
    #[cfg(feature = "sasl")]
    Key {
        setting: Setting::SuperUser,
        name: "superUser",
        flag: "super-user",
        property: true,
        value: "USER",
        help: "User of SASL who may do everything [default: nobody]",
    },
    #[cfg(feature = "tls-ring")]
    Key {
        setting: Setting::Secure(SecureSetting::Port),
        name: "secureClientPort",
        flag: "secure-client-port",
        property: false,
        value: "PORT",
        help: "Port for TLS; alone unless clientPort is set, too [default: none]",
    },
    #[cfg(feature = "tls-ring")]
    Key {
        setting: Setting::Secure(SecureSetting::Address),
        name: "secureClientPortAddress",
        flag: "secure-client-port-address",
        property: false,
        value: "HOST",
        help: "Address for TLS [default: 127.0.0.1]",
    },
    #[cfg(feature = "tls-ring")]
    Key {
        setting: Setting::Secure(SecureSetting::KeyStore),
        name: "ssl.keyStore.location",
        flag: "ssl-key-store-location",
        property: true,
        value: "FILE",
        help: "Certificate and key of this server, in PEM",
    },
    #[cfg(feature = "tls-ring")]
    Key {
        setting: Setting::Secure(SecureSetting::TrustStore),
        name: "ssl.trustStore.location",
        flag: "ssl-trust-store-location",
        property: true,
        value: "FILE",
        help: "Certificates of the CAs that sign clients, in PEM",
    },
    #[cfg(feature = "tls-ring")]
    Key {
        setting: Setting::Secure(SecureSetting::ClientAuth),
        name: "ssl.clientAuth",
        flag: "ssl-client-auth",
        property: true,
        value: "HOW",
        help: "Whether clients show certificates: none, want or need [default: need]",
    },
    #[cfg(feature = "tls-ring")]
    Key {
        setting: Setting::Secure(SecureSetting::SuperUser),
        name: "X509AuthenticationProvider.superUser",
        flag: "x509authentication-provider-super-user",
        property: true,
        value: "SUBJECT",
        help: "Whose certificate allows everything [default: nobody's]",
    },
];

/// What may stand in a file without an effect, and why it has none. A star is any ending.
const NO_EFFECT: &[(&[&str], &str)] = &[
    (
        &[
            "dataDir",
            "dataLogDir",
            "snapCount",
            "snapSizeLimitInKb",
            "preAllocSize",
            "forceSync",
            "fsync.warningthresholdms",
            "autopurge.*",
            "snapshot.*",
            "serializeLastProcessedZxid.enabled",
            "syncEnabled",
            "flushDelay",
            "maxWriteQueuePollTime",
            "maxBatchSize",
            "digest.enabled",
        ],
        "everything is kept in memory only",
    ),
    (
        &[
            "initLimit",
            "syncLimit",
            "connectToLearnerMasterLimit",
            "electionAlg",
            "electionPortBindRetry",
            "quorumListenOnAllIPs",
            "standaloneEnabled",
            "cnxTimeout",
            "tcpKeepAlive",
            "leaderServes",
            "commitLogCount",
            "sslQuorum*",
            "ssl.quorum.*",
            "quorum.*",
            "multiAddress.*",
            "localSessionsUpgradingEnabled",
            "observer.*",
            "learner.*",
        ],
        "this server stands alone",
    ),
    (&["admin.*", "metricsProvider.*", "jvm.pause.*"], "there is no such service in this server"),
    (
        &[
            "clientPortListenBacklog",
            "clientTcpKeepAlive",
            "globalOutstandingLimit",
            "serverCnxnFactory",
            "nio.*",
            "netty.*",
            "watchManagerName",
            "maxResponseCacheSize",
            "maxGetChildrenResponseCacheSize",
            "commitProcessor.*",
        ],
        "this server does its work in another way",
    ),
];

#[cfg(feature = "tls-ring")]
const PEM_ONLY: &str = "no other kind of store is read";

/// What keys of TLS ask for that are not known.
#[cfg(feature = "tls-ring")]
const SECURE: &str = "a setting of TLS that this server has not";
#[cfg(not(feature = "tls-ring"))]
const SECURE: &str = "TLS, which this server was built without (feature tls-ring)";

/// What may stand in a file with one value, and why with no other.
const ONLY: &[(&str, &str, &str)] = &[
    ("peerType", "participant", "there are no observers of a server that stands alone"),
    ("localSessionsEnabled", "false", "all sessions are global"),
    ("readonlymode.enabled", "false", "a server that stands alone is never read-only"),
    ("portUnification", "false", "TLS has a port of its own"),
    ("client.portUnification", "false", "TLS has a port of its own"),
    #[cfg(feature = "tls-ring")]
    ("ssl.keyStore.type", "PEM", PEM_ONLY),
    #[cfg(feature = "tls-ring")]
    ("ssl.trustStore.type", "PEM", PEM_ONLY),
    #[cfg(feature = "sasl")]
    (
        "authProvider.*",
        "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        "the scheme sasl is there when it has users",
    ),
    ("maxCnxns", "0", "connections are limited by address only, with maxClientCnxns"),
];

/// What asks for more than there is.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &[
            "server.*",
            "group.*",
            "weight.*",
            "dynamicConfigFile",
            "oraclePath",
            "observerMasterPort",
        ],
        "an ensemble, and this server stands alone",
    ),
    (&["secureClientPort", "secureClientPortAddress", "ssl.*"], SECURE),
    (
        &[
            #[cfg(not(feature = "sasl"))]
            "authProvider.*",
            #[cfg(not(feature = "sasl"))]
            "sessionRequireClientSASLAuth",
            "requireClientAuthScheme",
        ],
        "an authentication that this server has not",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_own_spelling_and_a_property_by_its_long_one() {
        for (key, meant) in [
            ("clientPort", Meaning::Sets(Setting::ClientPort)),
            ("4lw.commands.whitelist", Meaning::Sets(Setting::FourLetterWords)),
            ("zookeeper.4lw.commands.whitelist", Meaning::Sets(Setting::FourLetterWords)),
            ("zookeeper.clientPort", Meaning::Unknown),
            ("clientport", Meaning::Unknown),
            ("tick-time", Meaning::Unknown),
            ("serverless", Meaning::Unknown),
            ("", Meaning::Unknown),
        ] {
            assert_eq!(meaning(key), meant, "{key}");
        }
    }

    #[test]
    fn every_other_key_of_a_usual_file_is_passed_over_or_refused() {
        for key in ["dataDir", "initLimit", "autopurge.snapRetainCount", "zookeeper.forceSync"] {
            assert!(matches!(meaning(key), Meaning::NoEffect(_)), "{key}");
        }
        for key in ["server.1", "ssl.ciphersuites", "requireClientAuthScheme"] {
            assert!(matches!(meaning(key), Meaning::Refused(_)), "{key}");
        }
        assert!(matches!(meaning("maxCnxns"), Meaning::Only("0", _)));
        assert!(matches!(meaning("ssl.quorum.keyStore.location"), Meaning::NoEffect(_)));
    }

    #[test]
    fn a_flag_is_the_key_in_words() {
        for key in KEYS {
            let (mut flag, mut after_lower) = (String::new(), false);
            for c in key.name.chars() {
                if c.is_ascii_uppercase() && after_lower {
                    flag.push('-');
                }
                flag.push(if c == '.' { '-' } else { c.to_ascii_lowercase() });
                after_lower = c.is_ascii_lowercase();
            }
            assert_eq!(key.flag, flag);
        }
    }
}

//! The keys that have an effect, and their help.

use super::{Key, Setting};
#[cfg(feature = "tls-ring")]
use crate::secure::SecureSetting;

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

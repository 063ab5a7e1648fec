//! The keys without an effect: those that change nothing here, and those that ask for what there is
//! not. A star is any ending.

/// What may stand in a file without an effect, and why it has none.
pub(super) const NO_EFFECT: &[(&[&str], &str)] = &[
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

/// What may stand in a file with one value, and why with no other.
pub(super) const ONLY: &[(&str, &str, &str)] = &[
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
pub(super) const REFUSED: &[(&[&str], &str)] = &[
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

#[cfg(feature = "tls-ring")]
const PEM_ONLY: &str = "no other kind of store is read";

/// What keys of TLS ask for that are not known.
#[cfg(feature = "tls-ring")]
const SECURE: &str = "a setting of TLS that this server has not";
#[cfg(not(feature = "tls-ring"))]
const SECURE: &str = "TLS, which this server was built without (feature tls-ring)";

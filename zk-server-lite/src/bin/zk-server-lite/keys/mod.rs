//! The keys of `zoo.cfg`: what each means here.
//!
//! ```text
//!   with_effect      the keys that set something, and their help
//!   without_effect   those that change nothing here, or ask for what there is not
//! ```

mod with_effect;
mod without_effect;

pub(crate) use with_effect::KEYS;

#[cfg(feature = "tls-ring")]
use crate::secure::SecureSetting;
use without_effect::{NO_EFFECT, ONLY, REFUSED};

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

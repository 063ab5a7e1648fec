//! The command line: a flag for each key of a configuration file, and a few of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::keys::{KEYS, Key};

/// What the command line says.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// A file of settings to begin with.
    pub(crate) config: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    /// A file of users.
    #[cfg(feature = "sasl")]
    pub(crate) jaas_config: Option<PathBuf>,
    /// Key, flag and value of each flag that stands for a key of a file.
    pub(crate) settings: Vec<(&'static str, String, String)>,
}

impl Arguments {
    /// Reads the command line of this process, and ends it for `--help` and for mistakes.
    pub(crate) fn parse() -> Self {
        Self::of(&command().get_matches())
    }

    fn of(matches: &ArgMatches) -> Self {
        let given = |key: &Key| {
            let value = matches.get_one::<String>(key.name)?;
            Some((key.name, format!("--{}", key.flag), value.trim().to_owned()))
        };
        Self {
            config: matches.get_one("config").cloned(),
            listen: matches.get_one("listen").copied(),
            #[cfg(feature = "sasl")]
            jaas_config: matches.get_one("jaas-config").cloned(),
            settings: KEYS.iter().filter_map(given).collect(),
        }
    }
}

fn command() -> Command {
    let command = Command::new(env!("CARGO_BIN_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("A ZooKeeper-compatible standalone server in memory.")
        .after_help("A flag may be spelled like its key in zoo.cfg, too. It wins over the file.")
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("File to take settings from, in the format of zoo.cfg"),
        )
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("ADDRESS:PORT")
                .value_parser(value_parser!(SocketAddr))
                .conflicts_with_all(["clientPort", "clientPortAddress"])
                .help("Address and port to listen on, in one"),
        )
        .args(KEYS.iter().map(flag));
    #[cfg(feature = "sasl")]
    let command = command.arg(
        Arg::new("jaas-config")
            .long("jaas-config")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("JAAS file whose section Server names the users of SASL"),
    );
    command
}

fn flag(key: &Key) -> Arg {
    Arg::new(key.name)
        .long(key.flag)
        .alias(key.name)
        .value_name(key.value)
        .allow_hyphen_values(true)
        .help(format!("{} ({})", key.help, key.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Arguments {
        let all = [&["zk-server-lite"], arguments].concat();
        Arguments::of(&command().try_get_matches_from(all).unwrap())
    }

    #[test]
    fn the_command_line_makes_sense_as_a_whole() {
        command().debug_assert();
    }

    #[test]
    fn a_flag_may_be_spelled_in_words_or_like_the_key() {
        for arguments in [["--tick-time", "7"], ["--tickTime", "7"]].map(|two| parse(&two).settings)
        {
            assert_eq!(arguments, [("tickTime", "--tick-time".to_owned(), "7".to_owned())]);
        }
        assert_eq!(parse(&["--4lw.commands.whitelist=*"]).settings.len(), 1);
        assert_eq!(parse(&["--min-session-timeout", "-1"]).settings[0].2, "-1");
    }

    #[test]
    fn the_help_tells_of_every_key() {
        let help = command().render_help().to_string();
        for key in KEYS {
            assert!(help.contains(&format!("--{}", key.flag)), "{}", key.name);
            assert!(help.contains(&format!("({})", key.name)), "{}", key.name);
        }
    }
}

//! `conf` and `dirs`: what the server was started with, and what is on its disk.

/// What `conf` tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conf {
    /// Where it listens, if it does.
    pub(super) client_port: Option<u16>,
    pub(super) max_client_cnxns: u32,
    pub(super) tick_ms: u64,
    pub(super) min_session_timeout_ms: i32,
    pub(super) max_session_timeout_ms: i32,
}

/// There are no directories, and nothing in them.
pub(super) fn conf(conf: &Conf) -> String {
    let client_port = conf.client_port.map_or(-1, i32::from);
    format!(
        "clientPort={client_port}\n\
         secureClientPort=-1\n\
         dataDir=\n\
         dataDirSize=0\n\
         dataLogDir=\n\
         dataLogSize=0\n\
         tickTime={}\n\
         maxClientCnxns={}\n\
         minSessionTimeout={}\n\
         maxSessionTimeout={}\n\
         clientPortListenBacklog=-1\n\
         serverId=0\n",
        conf.tick_ms,
        conf.max_client_cnxns,
        conf.min_session_timeout_ms,
        conf.max_session_timeout_ms,
    )
}

pub(super) fn dirs() -> String {
    "datadir_size: 0\nlogdir_size: 0\n".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_port_says_so() {
        let mut options = Conf {
            client_port: Some(2181),
            max_client_cnxns: 60,
            tick_ms: 2000,
            min_session_timeout_ms: 4000,
            max_session_timeout_ms: 40_000,
        };
        assert!(conf(&options).starts_with("clientPort=2181\nsecureClientPort=-1\n"));
        assert!(conf(&options).ends_with(
            "tickTime=2000\nmaxClientCnxns=60\nminSessionTimeout=4000\n\
             maxSessionTimeout=40000\nclientPortListenBacklog=-1\nserverId=0\n"
        ));
        options.client_port = None;
        assert!(conf(&options).starts_with("clientPort=-1\n"));
    }
}

//! Memory and threads of a process, as `/proc/PID/status` has them.

use std::fs;
use std::process;

use crate::Failure;

/// What a process occupies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupied {
    /// KiB of memory, pages of files included.
    pub(crate) resident: u64,
    /// KiB of memory that is the process's own: heap and stacks.
    pub(crate) anonymous: u64,
    pub(crate) threads: u64,
}

/// By this process.
pub(crate) fn own() -> Result<Occupied, Failure> {
    of(process::id())
}

pub(crate) fn of(process: u32) -> Result<Occupied, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(Occupied {
        resident: number(&status, "VmRSS:")?,
        anonymous: number(&status, "RssAnon:")?,
        threads: number(&status, "Threads:")?,
    })
}

fn number(status: &str, name: &str) -> Result<u64, Failure> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_ascii_whitespace().next());
    Ok(number.ok_or_else(|| format!("no {name} in /proc"))?.parse()?)
}

//! CPU time that a process has used, in user mode and in the kernel together.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::Failure;

/// Of this process.
pub(crate) fn own() -> Result<Duration, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(duration(usage.user_time())? + duration(usage.system_time())?)
}

/// Of the threads that another process has now; `stat` would count in steps of 10 ms.
pub(crate) fn of(process: u32) -> Result<Duration, Failure> {
    let mut total = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let figures = fs::read_to_string(thread?.path().join("schedstat"))?;
        let running = figures.split_ascii_whitespace().next().ok_or("schedstat is empty")?;
        total += Duration::from_nanos(running.parse()?);
    }
    Ok(total)
}

fn duration(time: TimeVal) -> Result<Duration, Failure> {
    let seconds = Duration::from_secs(time.tv_sec().try_into()?);
    Ok(seconds + Duration::from_micros(time.tv_usec().try_into()?))
}

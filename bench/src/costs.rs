//! What a read costs a client in instructions, allocations and system calls.
//!
//! Unlike microseconds these hardly depend on what else the machine does. A process with one client
//! does a fixed piece of work under a tool that counts, once as it is and once twice as long; the
//! difference is what the reads cost, without the start and the end of the process.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{self, Command, Stdio};

use clap::ValueEnum;

use crate::gets::{RuntimeKind, WINDOWS, Window};
use crate::{Failure, child};

pub(crate) fn run(in_flight: Option<usize>) -> Result<(), Failure> {
    println!("per get; a server with canned replies in another process");
    for window in WINDOWS {
        if in_flight.is_some_and(|wanted| wanted != window.size) {
            continue;
        }
        let (_server, address) = child::canned(window.data)?;
        for runtime in RuntimeKind::value_variants() {
            let Window { size, data, .. } = window;
            let work = Work { address: &address, runtime: *runtime, window };
            println!(
                "{size:>3} in flight, {data:>5} bytes, {runtime:?}: {:7.0} instructions, \
                 {:5.2} allocations, {:6.3} system calls",
                work.each(instructions)?,
                work.each(allocations)?,
                work.each(system_calls)?,
            );
        }
    }
    Ok(())
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
struct Work<'a> {
    address: &'a str,
    runtime: RuntimeKind,
    window: Window,
}

type Count = fn(&Work<'_>, usize) -> Result<u64, Failure>;

impl Work<'_> {
    /// The count for one get.
    fn each(&self, count: Count) -> Result<f64, Failure> {
        let gets = self.window.gets / SHARE;
        let (once, twice) = (count(self, gets)?, count(self, 2 * gets)?);
        Ok((twice as f64 - once as f64) / gets as f64)
    }

    /// Runs so many gets under a tool.
    fn run<S: AsRef<OsStr>>(
        &self,
        tool: &str,
        arguments: &[S],
        gets: usize,
    ) -> Result<(), Failure> {
        let runtime = self.runtime.to_possible_value().ok_or("a runtime without a name")?;
        let mut command = Command::new(tool);
        command.args(arguments).arg(env::current_exe()?).arg("work");
        command.args(["--address", self.address, "--runtime", runtime.get_name()]);
        command.args(["--in-flight", &self.window.size.to_string()]);
        command.args(["--data", &self.window.data.to_string()]);
        command.args(["--gets", &gets.to_string()]).stdout(Stdio::null());
        let status = command.status().map_err(|error| format!("{tool}: {error}"))?;
        if !status.success() {
            return Err(format!("{tool} failed").into());
        }
        Ok(())
    }

    /// Runs so many gets under a tool that writes a report, and returns it.
    fn report(&self, tool: &str, arguments: &[&str], gets: usize) -> Result<String, Failure> {
        let path = env::temp_dir().join(format!("zk-bench-{}", process::id()));
        let arguments = arguments.iter().map(|argument| argument.replace("REPORT", text(&path)));
        self.run(tool, &arguments.collect::<Vec<_>>(), gets)?;
        let report = fs::read_to_string(&path)?;
        fs::remove_file(path)?;
        Ok(report)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

fn instructions(work: &Work<'_>, gets: usize) -> Result<u64, Failure> {
    let arguments = ["-q", "--tool=callgrind", "--callgrind-out-file=REPORT"];
    number_behind(&work.report("valgrind", &arguments, gets)?, "summary:")
}

fn allocations(work: &Work<'_>, gets: usize) -> Result<u64, Failure> {
    let arguments =
        ["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no", "--log-file=REPORT"];
    number_behind(&work.report("valgrind", &arguments, gets)?, "total heap usage:")
}

fn system_calls(work: &Work<'_>, gets: usize) -> Result<u64, Failure> {
    let report = work.report("strace", &["-f", "-c", "-o", "REPORT", "-U", "calls,name"], gets)?;
    let total = report.lines().find(|line| line.ends_with("total")).ok_or("no total")?;
    number_behind(total, "")
}

fn number_behind(report: &str, name: &str) -> Result<u64, Failure> {
    let (_, rest) = report.split_once(name).ok_or_else(|| format!("no {name} in the report"))?;
    let number = rest.split_ascii_whitespace().next().ok_or("no number in the report")?;
    Ok(number.replace(',', "").parse()?)
}

/// Tools that count slow a process down fifty times.
const SHARE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_with_and_without_commas() {
        let report = "x\n==1==   total heap usage: 2,006 allocs, 17 frees";
        assert_eq!(number_behind(report, "total heap usage:").unwrap(), 2006);
        assert_eq!(number_behind("      1234 total", "").unwrap(), 1234);
        assert!(number_behind(report, "summary:").is_err());
    }
}

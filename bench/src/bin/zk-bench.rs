//! Measures what client and server cost; `--help` lists what.

fn main() -> Result<(), zk_bench::Failure> {
    zk_bench::run()
}

//! Gets of a client whose server answers at once: what is measured is the client, and a pipe.
//!
//! Client and peer share a current-thread runtime.

mod canned_gets;

use std::error::Error;

use criterion::{Criterion, Throughput};
use tokio::runtime;
use tokio::time::Instant;

use canned_gets::{connect, slide};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let client = runtime.block_on(connect())?;
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("get of 100 B");
    group.throughput(Throughput::Elements(1));
    for in_flight in [1, 16, 256] {
        group.bench_function(format!("{in_flight} in flight"), |bencher| {
            bencher.iter_custom(|gets| {
                let begun = Instant::now();
                match runtime.block_on(slide(&client, in_flight, gets)) {
                    Ok(()) => begun.elapsed(),
                    Err(error) => fail(&error),
                }
            });
        });
    }
    group.finish();
    criterion.final_summary();
    runtime.block_on(client.close())?;
    Ok(())
}

#[expect(clippy::panic, reason = "criterion has no other way to hear that nothing was measured")]
fn fail(error: &zk_client::Error) -> ! {
    panic!("a get failed: {error}")
}

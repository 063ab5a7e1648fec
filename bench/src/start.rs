//! How long a server takes from its start to the first reply, as a test sees it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::time::Instant;
use zk_client::{Client, HostPort, connect_with};
use zk_server_lite::Server;

use crate::Failure;
use crate::samples::Samples;

pub(crate) fn run(rounds: usize) -> Result<(), Failure> {
    // What `#[tokio::test]` runs a test on.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let [floor, tcp, memory] = runtime.block_on(measure(rounds))?;
    println!("time from the start of a server to the first reply; {rounds} rounds in turn");
    report("a listener, one byte and back", &floor, &floor);
    report("server and client over TCP", &tcp, &floor);
    report("server and client in memory", &memory, &floor);
    Ok(())
}

async fn measure(rounds: usize) -> Result<[Samples; 3], Failure> {
    let [mut floor, mut tcp, mut memory] = <[Samples; 3]>::default();
    // The first round of all warms up.
    for round in 0..=rounds {
        let took = [echo().await?, over_tcp().await?, in_memory().await?];
        if round > 0 {
            let [echoed, reached, met] = took.map(|took| took.as_secs_f64() * 1e6);
            floor.push(echoed);
            tcp.push(reached);
            memory.push(met);
        }
    }
    Ok([floor, tcp, memory])
}

async fn echo() -> Result<Duration, Failure> {
    let begun = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let echoing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let byte = stream.read_u8().await?;
        stream.write_u8(byte).await
    });
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_u8(1).await?;
    stream.read_u8().await?;
    let took = begun.elapsed();
    echoing.await??;
    Ok(took)
}

async fn over_tcp() -> Result<Duration, Failure> {
    let begun = Instant::now();
    let server = Server::builder().start().await?;
    let client = Client::connect(server.connect_string()).await?;
    first_reply(begun, server, client).await
}

async fn in_memory() -> Result<Duration, Failure> {
    let begun = Instant::now();
    let server = Server::builder().memory_only().start().await?;
    let memory = server.memory();
    let connector = connect_with(move |_: HostPort| {
        let memory = memory.clone();
        async move { memory.connect().await }
    });
    let client = Client::builder(server.connect_string()).connector(connector).connect().await?;
    first_reply(begun, server, client).await
}

async fn first_reply(begun: Instant, server: Server, client: Client) -> Result<Duration, Failure> {
    client.exists("/").await?;
    let took = begun.elapsed();
    client.close().await?;
    server.shutdown().await;
    Ok(took)
}

fn report(name: &str, samples: &Samples, floor: &Samples) {
    println!(
        "{name:<30}: {:4.0} µs, 9 of 10 within {:4.0} µs, {:.1} times the floor",
        samples.median(),
        samples.percentile(90),
        samples.median() / floor.median(),
    );
}

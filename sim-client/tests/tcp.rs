//! The driver on sockets: what only they can do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::io;
use std::time::Duration;

use common::{PROTOCOL, Server, serverbound};
use sim_client::{ConnectError, Driver, Stream, Target, TargetError};
use sim_proto::{ClientConfig, CloseReason};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

/// Only a hanging test takes as long.
const LIMIT: Duration = Duration::from_secs(30);

async fn joined() -> (Driver<TcpStream>, Server<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = async {
        let config = ClientConfig::new(PROTOCOL, "sim");
        let mut driver = Driver::connect_tcp(&address, config).await.unwrap();
        driver.run_until_in_world(LIMIT).await.unwrap();
        driver
    };
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = Server::new(stream);
        server.join().await;
        server
    };
    tokio::join!(client, server)
}

async fn rest(mut server: Server<TcpStream>) -> io::Result<usize> {
    let mut bytes = Vec::new();
    server.stream.read_to_end(&mut bytes).await
}

#[tokio::test]
async fn closing_is_an_orderly_end() {
    let (mut driver, mut server) = joined().await;
    driver.chat("goodbye").unwrap();
    let serving = async {
        let said = server.read_until(serverbound::CHAT).await.unwrap();
        assert_eq!(common::take_string(&mut said.as_slice()), "goodbye");
        rest(server).await.unwrap();
    };
    tokio::join!(driver.close(), serving);
    assert_eq!(driver.closed(), Some(&CloseReason::Local));
}

#[tokio::test]
async fn reset_is_a_reset() {
    let (driver, server) = joined().await;
    driver.reset();
    assert_eq!(
        rest(server).await.unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn being_reset_is_told_from_being_closed() {
    let (mut driver, server) = joined().await;
    server.stream.set_zero_linger().unwrap();
    drop(server);
    assert_eq!(driver.run_to_end(LIMIT).await, Ok(CloseReason::Eof));
    assert!(driver.io_error().is_some());

    let (mut driver, mut server) = joined().await;
    let closing = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::shutdown(&mut server.stream)
            .await
            .unwrap();
        rest(server).await
    });
    assert_eq!(driver.run_to_end(LIMIT).await, Ok(CloseReason::Eof));
    assert!(driver.io_error().is_none());
    drop(driver);
    closing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_of_either_kind_resets_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::from(listener.local_addr().unwrap());
    let stream = Stream::from(target.connect(LIMIT).await.unwrap());
    let driver = Driver::new(stream, ClientConfig::new(PROTOCOL, "sim"));
    let (stream, _) = listener.accept().await.unwrap();
    driver.reset();
    assert_eq!(
        rest(Server::new(stream)).await.unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn nobody_there_is_an_error_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let config = ClientConfig::new(PROTOCOL, "sim");
    assert!(matches!(
        Driver::connect_tcp(&address, config.clone()).await,
        Err(ConnectError::Refused { .. })
    ));
    assert!(matches!(
        Driver::connect_tcp("127.0.0.1:none", config).await,
        Err(ConnectError::Address {
            source: TargetError::Port,
            ..
        })
    ));
}

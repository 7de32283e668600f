//! Connections find a place or read why not, and who says nothing holds none for long. In virtual time.

mod support;

use reference_backend::{EndCause, Host, HostConfig, HostEvent, HostLimits};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::raw::RawClient;
use support::{Recorder, artifact, granted, peer};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

async fn host(max_connections: u32, limits: HostLimits) -> (Host, Arc<Recorder>) {
    let config = HostConfig {
        max_connections,
        compression_threshold: -1,
        limits,
        ..HostConfig::default()
    };
    let recorder = Recorder::new();
    let host = Host::builder(config)
        .guest("lobby", artifact("lobby"), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

fn elsewhere() -> SocketAddr {
    ([203, 0, 113, 9], 1).into()
}

#[tokio::test(start_paused = true)]
async fn a_full_server_says_so() {
    let (host, recorder) = host(2, HostLimits::default()).await;
    let first = RawClient::join(&host, 340, "first").await;
    let _second = RawClient::join(&host, 769, "second").await;
    for protocol in [4, 340, 777] {
        let told = RawClient::refusal(&host, protocol, "third").await;
        assert!(told.contains("The server is full."), "{protocol}: {told}");
    }
    let refused = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::Closed {
                cause: EndCause::NoPlace,
                ..
            }
        )
    };
    recorder.wait_for_nth(3, refused).await;
    drop(first);
    recorder
        .wait_for(|event| matches!(event, HostEvent::SessionEnded { .. }))
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    RawClient::join(&host, 340, "fourth").await;
}

#[tokio::test(start_paused = true)]
async fn who_is_told_nothing_for_want_of_a_word_is_closed_soon() {
    let (host, _) = host(1, HostLimits::default()).await;
    let _first = RawClient::join(&host, 340, "first").await;
    let began = Instant::now();
    let mut stream = host.connect(peer());
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn one_address_leaves_places_to_the_others() {
    let limits = HostLimits {
        connections_per_address: 2,
        ..HostLimits::default()
    };
    let (host, _) = host(1024, limits).await;
    let _first = RawClient::join(&host, 340, "first").await;
    let _silent = host.connect(peer());
    let told = RawClient::refusal(&host, 340, "third").await;
    assert!(told.contains("from your address"), "{told}");
    let mut other = host.connect(elsewhere());
    let waits = tokio::time::timeout(Duration::from_secs(20), other.read(&mut [0])).await;
    assert!(waits.is_err(), "it has a place");
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_says_nothing_keeps_nobody_out() {
    let (host, recorder) = host(8, HostLimits::default()).await;
    let _player = RawClient::join(&host, 340, "player").await;
    let mut crowd: Vec<_> = (0..100).map(|_| host.connect(peer())).collect();
    // Places of logins are taken, and nobody has been silent for too long yet.
    let mut early = host.connect(peer());
    assert_eq!(early.read(&mut [0]).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut late = Vec::new();
    for number in 0..6 {
        late.push(RawClient::join(&host, 340, &format!("late{number}")).await);
    }
    let given_up = recorder.count(|event| {
        matches!(event, HostEvent::Closed { cause: EndCause::ClientTimedOut(why), .. } if why.contains("busy"))
    });
    assert_eq!(given_up, 5, "as many as had to make room");
    assert_eq!(host.session_count(), 7);
    for silent in &mut crowd {
        // Those that kept their place have the login's own limit.
        assert!(matches!(silent.read(&mut [0]).await, Ok(0)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_shortage_a_login_has_its_usual_time() {
    let (host, _) = host(8, HostLimits::default()).await;
    let began = Instant::now();
    let mut silent = host.connect(peer());
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    // The login's limit, and then nobody closes.
    assert_eq!(began.elapsed(), Duration::from_secs(30));
}

//! Who may log in, and what becomes of a player who is in already.

mod support;

use reference_backend::{Duplicate, EndCause, Host, HostConfig, HostEvent, Names, PlayersConfig};
use std::sync::Arc;
use support::raw::RawClient;
use support::{Recorder, artifact, granted};

/// One of each layout of the login.
const PROTOCOLS: [i32; 4] = [4, 47, 763, 777];

async fn host(players: PlayersConfig) -> (Host, Arc<Recorder>) {
    let config = HostConfig {
        compression_threshold: -1,
        players,
        ..HostConfig::default()
    };
    let recorder = Recorder::new();
    let host = Host::builder(config)
        .guest("probe", artifact("probe"), granted())
        .observer(recorder.clone())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    (host, recorder)
}

fn duplicate(duplicate: Duplicate) -> PlayersConfig {
    PlayersConfig {
        duplicate,
        ..PlayersConfig::default()
    }
}

/// The order of starts and ends, by player.
fn sessions(recorder: &Recorder) -> Vec<(u64, Option<EndCause>)> {
    let told = |event| match event {
        HostEvent::SessionStarted { player, .. } => Some((player.0, None)),
        HostEvent::SessionEnded { player, cause, .. } => Some((player.0, Some(cause))),
        _ => None,
    };
    recorder.events().into_iter().filter_map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn the_earlier_one_gives_way() {
    for protocol in PROTOCOLS {
        let (host, recorder) = host(PlayersConfig::default()).await;
        let mut first = RawClient::join(&host, protocol, "same").await;
        let second = RawClient::join(&host, protocol, "same").await;
        let told = first.kicked().await;
        assert!(
            told.contains("You logged in from another location"),
            "{protocol}: {told}"
        );
        let started = |event: &HostEvent| matches!(event, HostEvent::SessionStarted { .. });
        recorder.wait_for_nth(2, started).await;
        assert_eq!(
            sessions(&recorder),
            [(1, None), (1, Some(EndCause::LoggedInElsewhere)), (2, None)],
            "{protocol}"
        );
        // The place goes with the connection, and another name has another.
        drop(second);
        RawClient::join(&host, protocol, "other").await;
        RawClient::join(&host, protocol, "same").await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_the_last_one_stays() {
    let (host, recorder) = host(PlayersConfig::default()).await;
    let mut joining = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let host = host.clone();
        joining.spawn(async move {
            let mut client = RawClient::connect(&host, 763, "same").await;
            client.enter().await.map(|()| client)
        });
    }
    let all = joining.join_all().await;
    assert!(all.iter().any(Result::is_ok));
    let mut inside = 0_i32;
    for (_, ended) in sessions(&recorder) {
        inside += if ended.is_some() { -1 } else { 1 };
        assert!((0..=1).contains(&inside), "{:?}", sessions(&recorder));
    }
    for told in all.into_iter().filter_map(Result::err) {
        assert!(told.contains("another location"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_later_one_is_refused_where_the_table_says_so() {
    let (host, recorder) = host(duplicate(Duplicate::Refuse)).await;
    for (nth, protocol) in PROTOCOLS.into_iter().enumerate() {
        let first = RawClient::join(&host, protocol, "same").await;
        let told = RawClient::refusal(&host, protocol, "same").await;
        assert!(
            told.contains("You are already connected to this server."),
            "{protocol}: {told}"
        );
        drop(first);
        let left = |event: &HostEvent| {
            matches!(
                event,
                HostEvent::Closed {
                    cause: EndCause::ClientLeft,
                    ..
                }
            )
        };
        recorder.wait_for_nth(nth + 1, left).await;
    }
}

#[tokio::test(start_paused = true)]
async fn both_stay_where_the_table_says_so() {
    let (host, _) = host(duplicate(Duplicate::Allow)).await;
    let _first = RawClient::join(&host, 763, "same").await;
    let _second = RawClient::join(&host, 763, "same").await;
    assert_eq!(host.session_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn names_are_those_of_accounts_unless_the_table_says_otherwise() {
    let (strict, _) = host(PlayersConfig::default()).await;
    let (any, _) = host(PlayersConfig {
        names: Names::Any,
        ..PlayersConfig::default()
    })
    .await;
    for protocol in PROTOCOLS {
        for name in ["müller", "§4x", "a\u{202e}b", "😀", "a-b"] {
            let told = RawClient::refusal(&strict, protocol, name).await;
            assert!(
                told.contains("use the letters a to z and A to Z, digits and _"),
                "{protocol}: {told}"
            );
            RawClient::join(&any, protocol, name).await;
        }
        RawClient::join(&strict, protocol, "Sixteen_letters1").await;
        let told = RawClient::refusal(&any, protocol, "a b").await;
        assert!(told.contains("it holds the character"), "{told}");
    }
}

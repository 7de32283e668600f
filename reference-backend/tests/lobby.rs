//! The whole chain: a simulated client of every protocol plays on the committed lobby, and waits in the host's limbo.

mod support;

use reference_backend::{EndCause, Host, HostConfig, HostEvent};
use sim_client::Driver;
use sim_proto::ClientConfig;
use std::time::Duration;
use support::{LONG, Recorder, artifact, builder, client, granted, probe_config};
use tokio::net::TcpListener;

#[tokio::test(start_paused = true)]
async fn every_protocol_gets_into_the_lobby_and_out_again() {
    let recorder = Recorder::new();
    let mut config = granted();
    config
        .config
        .insert("greeting".to_owned(), "hello".to_owned());
    let host = builder()
        .guest("lobby", artifact("lobby"), config)
        .observer(recorder.clone())
        .start()
        .await
        .unwrap();
    for (index, protocol) in vb_data::supported().iter().enumerate() {
        let mut client = client(&host, *protocol, &format!("player{protocol}"));
        if let Err(not_seen) = client.run_until_in_world(LONG).await {
            panic!("{protocol}: {not_seen:?}\n{:?}", recorder.events().last());
        }
        client.run_for(Duration::from_secs(120)).await;
        client.chat("/leave").unwrap();
        let reason = client.run_to_end(LONG).await.unwrap();
        assert!(
            format!("{reason:?}").contains("You left the lobby."),
            "{protocol}: {reason:?}"
        );
        let closed = recorder
            .wait_for_nth(index + 1, |event| matches!(event, HostEvent::Closed { .. }))
            .await;
        assert!(
            matches!(
                closed,
                HostEvent::Closed {
                    cause: EndCause::ByHandler,
                    ..
                }
            ),
            "{protocol}: {closed:?}"
        );
    }
    assert_eq!(host.session_count(), 0);
    assert_eq!(host.connection_count(), 0);
    assert_eq!(
        recorder.count(|event| matches!(event, HostEvent::Trap { .. })),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn every_protocol_waits_in_limbo() {
    let host = Host::builder(HostConfig::default())
        .guest(
            "probe",
            artifact("probe"),
            probe_config(&[("answer", "limbo:waiting")], |_| {}),
        )
        .start()
        .await
        .unwrap();
    for protocol in vb_data::supported() {
        let mut client = client(&host, *protocol, "idle");
        if let Err(not_seen) = client.run_until_in_world(Duration::from_secs(10)).await {
            panic!("{protocol}: {not_seen:?}");
        }
        assert!(
            client.run_for(Duration::from_secs(300)).await,
            "{protocol}: {:?}",
            client.closed()
        );
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(host.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn compression_does_not_change_what_arrives() {
    for compression_threshold in [-1, 0, 256] {
        let host = Host::builder(HostConfig {
            compression_threshold,
            ..HostConfig::default()
        })
        .guest("lobby", artifact("lobby"), granted())
        .start()
        .await
        .unwrap();
        for protocol in vb_data::supported() {
            let mut client = client(&host, *protocol, "compressed");
            if let Err(not_seen) = client.run_until_in_world(LONG).await {
                panic!("{protocol} at {compression_threshold}: {not_seen:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_joins_over_tcp() {
    let host = builder()
        .guest("lobby", artifact("lobby"), granted())
        .start()
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn({
        let host = host.clone();
        async move { host.serve(listener).await }
    });
    let mut client = Driver::connect_tcp(&address, ClientConfig::new(770, "tcp"))
        .await
        .unwrap();
    client.run_until_in_world(LONG).await.unwrap();
    let told = client.run_to_end(LONG);
    let (told, ()) = tokio::join!(told, host.shutdown("enough"));
    assert!(format!("{:?}", told.unwrap()).contains("enough"));
    serving.await.unwrap().unwrap();
}

//! The whole chain: a simulated client of every protocol plays on the committed lobby.

mod support;

use reference_backend::{EndCause, HostEvent};
use support::{LONG, Recorder, artifact, builder, client, granted};

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
        client.run_for(std::time::Duration::from_secs(120)).await;
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

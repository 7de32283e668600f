//! The bridge end to end: a client in bytes on the committed probe, which does what it is told and logs what it sees.

mod support;

use reference_backend::{EndCause, HostEvent};
use support::raw::RawClient;
use support::{Recorder, granted, probe};

/// The line that a command answers.
async fn result(recorder: &Recorder, nth: usize) -> String {
    let event = recorder
        .wait_for_nth(nth, |event| {
            matches!(event, HostEvent::GuestLog { message, .. } if message.starts_with("result "))
        })
        .await;
    match event {
        HostEvent::GuestLog { message, .. } => message,
        _ => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn every_protocol_reaches_the_probe_and_is_echoed() {
    let (host, recorder) = probe(granted()).await;
    for (index, protocol) in vb_data::supported().iter().enumerate() {
        let mut client = RawClient::join(&host, *protocol, "probe").await;
        client.command("send 5 0102").await;
        assert_eq!(
            client.next().await.unwrap(),
            (5, vec![1, 2].into()),
            "{protocol}"
        );
        client.command("message plain hello").await;
        let (_, data) = client.next().await.unwrap();
        assert!(
            String::from_utf8_lossy(&data).contains("hello"),
            "{protocol}: {data:?}"
        );
        client.command("disconnect plain so long").await;
        assert!(client.kicked().await.contains("so long"), "{protocol}");
        recorder
            .wait_for_nth(index + 1, |event| {
                matches!(
                    event,
                    HostEvent::SessionEnded {
                        cause: EndCause::ByHandler,
                        notified: true,
                        ..
                    }
                )
            })
            .await;
    }
    println!("{:#?}", recorder.lines());
}

#[tokio::test(start_paused = true)]
async fn first_look() {
    let (host, recorder) = probe(granted()).await;
    let mut client = RawClient::join(&host, 340, "probe").await;
    client.command("trap").await;
    println!("{}", client.kicked().await);
    drop(result(&recorder, 1).await);
    println!("{:#?}", recorder.events());
}

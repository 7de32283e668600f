//! A guest that outruns its client: what it is told, at which packet, and what the host holds meanwhile.

mod support;

use reference_backend::{EndCause, HostEvent, PlayerErrorKind};
use std::time::Duration;
use support::Probe;
use support::raw::RawClient;

/// What the pump holds in its hand and what the connection holds on its way, in the reference host: 64 KiB each.
const ON_THE_WAY: usize = 2 * (64 << 10);

/// With its id and its length, of three bytes each.
const FRAME: usize = 3 + 1 + DATA;
const DATA: usize = 60_000;

/// Packets that the host says it has queued.
fn queued(probe: &Probe) -> usize {
    let out = |event: &HostEvent| matches!(event, HostEvent::PacketOut { .. });
    probe.recorder.count(out)
}

/// The number in `err send-failed sent=N ...`.
fn sent(answer: &str) -> usize {
    let number = answer
        .strip_prefix("err send-failed sent=")
        .and_then(|rest| rest.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("not refused for want of room: {answer}"))
}

/// A probe whose one client, which has joined, has fallen silent.
async fn deaf(packets: u64, bytes: u64) -> (Probe, RawClient) {
    let probe = Probe::with(&[], |config| {
        config.limits.queue_packets = packets;
        config.limits.queue_bytes = bytes;
    })
    .await;
    let client = RawClient::join(&probe.host, 340, "deaf").await;
    (probe, client)
}

#[tokio::test(start_paused = true)]
async fn the_queue_takes_its_packets_and_not_one_more() {
    const PACKETS: usize = 50;
    let (probe, mut client) = deaf(PACKETS as u64, 64 << 20).await;
    let answer = probe
        .tell(&mut client, &format!("flood 1000 5 {DATA}"))
        .await;
    // One callback sends them all, so that nothing is taken from the queue in between.
    assert_eq!(sent(&answer), PACKETS);
    assert_eq!(queued(&probe), PACKETS);
    // Those that went on their way have made room for as many; the next to leave is not whole yet.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = probe
        .tell(&mut client, &format!("flood 1000 5 {DATA}"))
        .await;
    let gone = (64 << 10) / FRAME;
    assert_eq!(sent(&answer), gone, "{answer}");
    // Nothing of what was accepted is lost, and nothing of what was refused is sent.
    for number in 0..PACKETS + gone {
        let (id, data) = client.next().await.unwrap();
        assert_eq!((id, data.len()), (5, DATA), "{number}");
    }
    assert_eq!(probe.tell(&mut client, "send 5 aa").await, "ok");
    assert_eq!(client.next().await.unwrap(), (5, vec![0xaa].into()));
}

#[tokio::test(start_paused = true)]
async fn the_queue_takes_its_bytes_and_not_one_more() {
    const BYTES: usize = 1 << 20;
    let (probe, mut client) = deaf(1 << 20, BYTES as u64).await;
    let answer = probe
        .tell(&mut client, &format!("flood 1000 5 {DATA}"))
        .await;
    // The last finds room for its data behind what waits already, frames included.
    let fit = (BYTES - DATA) / FRAME + 1;
    assert_eq!(sent(&answer), fit);
    let waiting = fit * FRAME;
    // To the byte: what is left is room for a packet's data.
    let left = BYTES - waiting;
    assert!(left < DATA);
    let answer = probe.tell(&mut client, &format!("fill 5 {BYTES}")).await;
    assert!(answer.starts_with("err send-failed "), "{answer}");
    for _ in 0..fit {
        assert_eq!(client.next().await.unwrap().1.len(), DATA);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_ends_no_other_session_and_its_client_is_dropped_after_30_s() {
    const BYTES: u64 = 1 << 20;
    let (probe, mut client) = deaf(4096, BYTES).await;
    let mut other = RawClient::join(&probe.host, 340, "other").await;
    for round in 0..20 {
        let answer = probe
            .tell(&mut client, &format!("flood 100000 5 {DATA}"))
            .await;
        let sent = sent(&answer);
        let bound = usize::try_from(BYTES).unwrap() + ON_THE_WAY;
        assert!(sent * DATA <= bound, "round {round}: {sent} packets");
        assert_eq!(probe.tell(&mut other, "send 5 bb").await, "ok");
        assert_eq!(other.next().await.unwrap(), (5, vec![0xbb].into()));
    }
    // All rounds together: what the queue holds, and what was on its way.
    let held = (queued(&probe) - 20) * DATA;
    assert!(
        held <= usize::try_from(BYTES).unwrap() + ON_THE_WAY,
        "{held}"
    );
    let stalled = |event: &HostEvent| {
        matches!(
            event,
            HostEvent::SessionEnded {
                cause: EndCause::ClientStalled,
                notified: true,
                ..
            }
        )
    };
    probe.recorder.wait_for(stalled).await;
    let refused = |event: &HostEvent| matches!(event, HostEvent::CallRefused { error, .. } if error.kind != PlayerErrorKind::SendFailed);
    assert_eq!(probe.recorder.count(refused), 0);
    assert_eq!(probe.tell(&mut other, "send 5 cc").await, "ok");
}

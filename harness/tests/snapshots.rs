//! What a client of the lobby sees on each protocol: decoded and annotated, so that a change of a byte is a change of
//! a line that a person can read.

mod support;

use std::time::Duration;

use reference_backend::{HostEvent, RawPacket};
use sim_proto::Fnv;
use vb_data::{Direction, State};
use vbspec::dump;
use vbspec::lab::player::{JOIN_LIMIT, secs};
use vbspec::report::trace_text;

const SEED: u64 = 1;

#[test]
fn join_game() {
    each_layout("join_game", |protocol| {
        let dumped = support::LOBBY.in_lab(protocol, SEED, async |lab| {
            let player = lab.join().await.expect("the client joins");
            let (_, login) = player.named("login").next().expect("JoinGame came");
            let lines = dump::packet(
                protocol,
                State::Play,
                Direction::Clientbound,
                login.id,
                &login.data,
            );
            // The dump is bounded; the hash is over every byte.
            let (head, fields) = lines.split_first().expect("a dump has a heading");
            let hash = Fnv::of(&login.data).hex();
            (format!("{head}, FNV-1a {hash}"), fields.join("\n"))
        });
        dumped.expect("the lobby starts")
    });
}

#[test]
fn join() {
    each_protocol("join", |protocol| {
        let trace = support::LOBBY.in_lab(protocol, SEED, async |lab| {
            let mut player = lab.connect(lab.client());
            assert!(
                player.until_in_world(JOIN_LIMIT).await,
                "{}",
                player.stands()
            );
            player.live(Duration::from_millis(500)).await;
            trace_text(&player.trace())
        });
        trace.expect("the lobby starts")
    });
}

#[test]
fn keep_alive() {
    each_layout("keep_alive", |protocol| {
        let exchange = support::LOBBY.in_lab(protocol, SEED, async |lab| {
            let mut player = lab.join().await.expect("the client joins");
            player.live(Duration::from_secs(120)).await;
            let lines = lab.recorder.all(|seen| match &seen.event {
                HostEvent::PacketOut { packet, .. } => {
                    line(protocol, Direction::Clientbound, seen.at, packet)
                }
                HostEvent::PacketIn { packet, .. } => {
                    line(protocol, Direction::Serverbound, seen.at, packet)
                }
                _ => None,
            });
            let ids = [Direction::Clientbound, Direction::Serverbound].map(|direction| {
                vb_data::packets(protocol, State::Play, direction)
                    .and_then(|table| table.id("keep_alive"))
                    .expect("every protocol has it")
            });
            let head = format!(
                "clientbound id {:#04x}, serverbound id {:#04x}",
                ids[0], ids[1]
            );
            (head, lines.join("\n"))
        });
        exchange.expect("the lobby starts")
    });
}

/// A keep-alive, annotated; nothing for other packets.
fn line(protocol: i32, direction: Direction, at: Duration, packet: &RawPacket) -> Option<String> {
    let table = vb_data::packets(protocol, State::Play, direction)?;
    if table.name(packet.packet_id)? != "keep_alive" {
        return None;
    }
    let arrow = if direction == Direction::Clientbound {
        "<-"
    } else {
        "->"
    };
    let lines = dump::packet(
        protocol,
        State::Play,
        direction,
        packet.packet_id,
        &packet.data,
    );
    // The heading has the id, which is the protocol's, not the layout's.
    let fields = lines.get(1..)?.join("\n              ");
    Some(format!("{:>10} {arrow} {fields}", secs(at)))
}

/// One snapshot for all protocols that share a layout, named after the first: a line each, then what they share.
fn each_layout(what: &str, make: impl Fn(i32) -> (String, String)) {
    let mut layouts: Vec<(i32, String, String)> = Vec::new();
    for &protocol in vb_data::supported() {
        let (own, shared) = make(protocol);
        let own = format!("{protocol:>3} {own}");
        match layouts.iter_mut().find(|(_, _, known)| *known == shared) {
            Some((_, protocols, _)) => {
                protocols.push('\n');
                protocols.push_str(&own);
            }
            None => layouts.push((protocol, own, shared)),
        }
    }
    for (first, protocols, shared) in layouts {
        insta::assert_snapshot!(
            format!("{what}@{first}"),
            format!("{protocols}\n\n{shared}")
        );
    }
}

fn each_protocol(what: &str, make: impl Fn(i32) -> String) {
    for &protocol in vb_data::supported() {
        insta::assert_snapshot!(format!("{what}@{protocol}"), make(protocol));
    }
}

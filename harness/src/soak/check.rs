//! The promises that hold in every world, whatever happens in it.

use std::collections::BTreeMap;
use std::time::Duration;

use reference_backend::{Callback, EndCause, EventKind, HostEvent, PlayerId};
use sim_proto::Version;

use super::Violation;
use super::client::View;
use super::native::Told;
use super::play::History;
use super::world::{Actor, Backend, World};

/// What the host told of one connection.
#[derive(Debug, Default)]
struct Life {
    closed: usize,
    started: Vec<Duration>,
    ended: Vec<(Duration, EndCause, bool)>,
    end_callbacks: usize,
    after_end: Vec<Callback>,
    nested: Vec<Callback>,
    inside: u32,
    packets_in: Vec<(i32, bytes::Bytes)>,
    out: Vec<Out>,
    post_logins: usize,
    player_disconnects: usize,
    disconnect_before_end: bool,
}

/// What the handler had sent.
#[derive(Debug, Clone)]
enum Out {
    Packet(i32, bytes::Bytes),
    Message,
}

/// Everything that is broken, in a fixed order.
pub fn check(world: &World, history: History) -> Vec<Violation> {
    let mut found = history.violations;
    found.extend(history.ledger.violations());
    let told = told(history.ledger.told());
    for (player, life) in &lives(&history.events) {
        let mut court = Court {
            player: *player,
            found: &mut found,
        };
        court.life(life);
        let handed = told.get(player);
        if let Some(handed) = handed {
            court.native(handed);
        }
        let place = history.players.get(player);
        let both =
            place.and_then(|&place| Some((world.actors.get(place)?, history.views.get(place)?)));
        if let Some((actor, view)) = both {
            court.packets_in(world, life, (actor, view), handed);
            court.packets_out(life, view);
            court.farewell(life, actor, view);
        }
    }
    found
}

struct Court<'a> {
    player: PlayerId,
    found: &'a mut Vec<Violation>,
}

impl Court<'_> {
    fn accuse(&mut self, promise: &'static str, clause: &'static str, what: String) {
        let what = format!("player {}: {what}", self.player);
        self.found.push(Violation {
            promise,
            clause,
            what,
        });
    }

    /// What holds for every connection by itself.
    fn life(&mut self, life: &Life) {
        if life.closed != 1 {
            self.accuse(
                "one-close",
                "VB-DSP-07",
                format!("closed {} times", life.closed),
            );
        }
        if life.started.len() > 1 {
            self.accuse(
                "one-start",
                "VB-DSP-02",
                format!("{} sessions on one connection", life.started.len()),
            );
        }
        if life.ended.len() != life.started.len() {
            let what = format!(
                "{} ends for {} starts",
                life.ended.len(),
                life.started.len()
            );
            self.accuse("one-end", "VB-DSP-07", what);
        }
        let notified = life
            .ended
            .iter()
            .filter(|(_, _, notified)| *notified)
            .count();
        if life.end_callbacks != notified {
            let what = format!(
                "{} end callbacks where there should be {notified}",
                life.end_callbacks
            );
            self.accuse("one-end", "VB-DSP-07", what);
        }
        if let Some(callback) = life.after_end.first() {
            self.accuse(
                "nothing-after-end",
                "VB-DSP-08",
                format!("{callback} after the session's end"),
            );
        }
        if let Some(callback) = life.nested.first() {
            self.accuse(
                "no-overlap",
                "VB-DSP-06",
                format!("{callback} while another callback is under way"),
            );
        }
        let expected = usize::from(life.post_logins > 0);
        if life.player_disconnects != expected {
            let what = format!(
                "player-disconnect was fired {} times for {} post-logins",
                life.player_disconnects, life.post_logins
            );
            self.accuse("one-player-disconnect", "VB-DSP-01", what);
        }
        if life.disconnect_before_end {
            self.accuse(
                "one-player-disconnect",
                "VB-DSP-01",
                "player-disconnect came before the session's end".to_owned(),
            );
        }
    }

    /// What the handler itself was told of the session.
    fn native(&mut self, told: &[Told]) {
        let count = |wanted: &Told| told.iter().filter(|told| *told == wanted).count();
        let (starts, ends) = (count(&Told::Start), count(&Told::End));
        if (starts, ends) != (1, 1) {
            self.accuse(
                "one-end",
                "VB-DSP-07",
                format!("the handler was told {starts} starts and {ends} ends"),
            );
        }
        if told.first() != Some(&Told::Start) {
            self.accuse(
                "start-first",
                "VB-DSP-02",
                format!("the handler was told {:?} first", told.first()),
            );
        }
        if told.last() != Some(&Told::End) {
            self.accuse(
                "nothing-after-end",
                "VB-DSP-08",
                "the handler was told something after the end".to_owned(),
            );
        }
    }

    /// What the client sent arrives as it was sent, and all of it where nothing came in between.
    fn packets_in(
        &mut self,
        world: &World,
        life: &Life,
        (actor, view): (&Actor, &View),
        told: Option<&Vec<Told>>,
    ) {
        let handed = match told {
            Some(told) => packets(told),
            None => life.packets_in.clone(),
        };
        let early = match Version::new(world.protocol).has_configuration_phase() {
            true => &[][..],
            // Its name is of the login in any case.
            false => view.early.get(1..).unwrap_or_default(),
        };
        if !early.is_empty() && world.compression >= 0 {
            // What was said before the client knew of the compression is read as if it were compressed.
            return;
        }
        let sent: Vec<_> = early.iter().chain(&view.sent).cloned().collect();
        // From the first packet of play on, or from one of those that were too early to be sure.
        let from = (0..=early.len())
            .rev()
            .find(|&from| starts_with(sent.get(from..), &handed));
        let Some(from) = from else {
            if let Some(lost) = lost_early(&view.sent, &handed) {
                let what = format!(
                    "the first {lost} of {} packets that the client sent in play were not handed over, and those after them were",
                    view.sent.len()
                );
                return self.accuse("early-packets-wait", "VB-DSP-03", what);
            }
            let at = common(&view.sent, &handed);
            let what = format!(
                "packet {at} of {} that the handler was handed is {}, and the client sent {}",
                handed.len(),
                name(handed.get(at)),
                name(view.sent.get(at)),
            );
            return self.accuse("serverbound-order", "VB-DSP-04", what);
        };
        let left = matches!(life.ended.first(), Some((_, EndCause::ClientLeft, true)));
        let in_play = handed.len().saturating_sub(early.len() - from);
        if let Some(all) = view.said_all.filter(|_| left && actor.cut.is_none())
            && in_play < all
        {
            let what = format!(
                "the client sent {all} packets and left in an orderly way, and {in_play} were handed over"
            );
            self.accuse("serverbound-whole", "VB-DSP-04", what);
        }
    }

    /// What the handler sent arrives as it was sent; a disconnect comes after all of it, and nothing after that.
    fn packets_out(&mut self, life: &Life, view: &View) {
        let mut sent = life.out.iter();
        for (at, got) in view.got.iter().enumerate() {
            let right = match sent.next() {
                Some(Out::Packet(id, data)) => got.id == *id && got.data == *data,
                Some(Out::Message) => got.message,
                // The host's own last word.
                None => got.disconnect && at + 1 == view.got.len(),
            };
            if right {
                continue;
            }
            let early = got.disconnect && at + 1 == view.got.len();
            let left = life.out.len().saturating_sub(at);
            let (promise, what) = if early {
                (
                    "disconnect-last",
                    format!(
                        "the disconnect reached the client before {left} packets that were sent earlier"
                    ),
                )
            } else {
                (
                    "clientbound-order",
                    format!(
                        "packet {at} that reached the client is {:#x} with {} bytes, and sent was {:?}",
                        got.id,
                        got.data.len(),
                        life.out.get(at).map(out_name),
                    ),
                )
            };
            return self.accuse(promise, "VB-DSP-05", what);
        }
    }

    /// A client that reads is told why its session ends, where it ends on the host's side.
    fn farewell(&mut self, life: &Life, actor: &Actor, view: &View) {
        let Some((at, cause, _)) = life.ended.first() else {
            return;
        };
        let by_host = matches!(
            cause,
            EndCause::ByHandler
                | EndCause::Kicked
                | EndCause::Shutdown
                | EndCause::PluginFailed
                | EndCause::StartDeadline
        );
        let stays = view
            .left
            .is_none_or(|left| actor.arrives + left > *at + Duration::from_secs(5));
        // A guest that disconnects may write the last words itself, in a packet that the client cannot read.
        let own_words = *cause == EndCause::ByHandler && actor.backend == Backend::Guest;
        if by_host
            && !own_words
            && actor.is_patient()
            && stays
            && view.told.as_deref().is_none_or(str::is_empty)
        {
            self.accuse(
                "told-why",
                "VB-DSP-16",
                format!("the session ended ({cause}), and the client was not told why"),
            );
        }
    }
}

fn lives(events: &[(Duration, HostEvent)]) -> BTreeMap<PlayerId, Life> {
    let mut lives: BTreeMap<PlayerId, Life> = BTreeMap::new();
    for (at, event) in events {
        let Some(player) = event.player() else {
            continue;
        };
        let life = lives.entry(player).or_default();
        match event {
            HostEvent::Closed { .. } => life.closed += 1,
            HostEvent::SessionStarted { .. } => life.started.push(*at),
            HostEvent::SessionEnded {
                cause, notified, ..
            } => life.ended.push((*at, cause.clone(), *notified)),
            HostEvent::CallbackStarted { callback, .. } => life.begin(*callback),
            HostEvent::CallbackEnded { .. } => life.inside = life.inside.saturating_sub(1),
            HostEvent::PacketIn { packet, .. } => life
                .packets_in
                .push((packet.packet_id, packet.data.clone())),
            HostEvent::PacketOut { packet, .. } => life
                .out
                .push(Out::Packet(packet.packet_id, packet.data.clone())),
            HostEvent::MessageOut { .. } => life.out.push(Out::Message),
            HostEvent::EventFired { event, .. } => match event.kind() {
                EventKind::PostLogin => life.post_logins += 1,
                EventKind::PlayerDisconnect => {
                    life.player_disconnects += 1;
                    life.disconnect_before_end |= life.ended.len() < life.started.len();
                }
                _ => {}
            },
            _ => {}
        }
    }
    lives
}

impl Life {
    fn begin(&mut self, callback: Callback) {
        if self.inside > 0 {
            self.nested.push(callback);
        }
        self.inside += 1;
        if callback == Callback::SessionEnd {
            self.end_callbacks += 1;
        } else if !self.ended.is_empty() {
            self.after_end.push(callback);
        }
    }
}

fn told(all: Vec<(PlayerId, Told)>) -> BTreeMap<PlayerId, Vec<Told>> {
    let mut by_player: BTreeMap<PlayerId, Vec<Told>> = BTreeMap::new();
    for (player, told) in all {
        by_player.entry(player).or_default().push(told);
    }
    by_player
}

fn packets(told: &[Told]) -> Vec<(i32, bytes::Bytes)> {
    let packet = |told: &Told| match told {
        Told::Packet(id, data) => Some((*id, data.clone())),
        Told::Start | Told::End => None,
    };
    told.iter().filter_map(packet).collect()
}

type Packets = [(i32, bytes::Bytes)];

/// How many of both are the same, from the first on.
fn common(sent: &Packets, handed: &Packets) -> usize {
    sent.iter()
        .zip(handed)
        .take_while(|(sent, handed)| sent == handed)
        .count()
}

fn starts_with(sent: Option<&Packets>, handed: &Packets) -> bool {
    sent.is_some_and(|sent| common(sent, handed) == handed.len())
}

/// How many packets from the first on are missing, where everything after them was handed over as it was sent.
fn lost_early(sent: &Packets, handed: &Packets) -> Option<usize> {
    let all_after = |lost: &usize| starts_with(sent.get(*lost..), handed);
    (1..sent.len())
        .find(all_after)
        .filter(|_| !handed.is_empty())
}

fn name(packet: Option<&(i32, bytes::Bytes)>) -> String {
    packet.map_or_else(
        || "none".to_owned(),
        |(id, data)| format!("{id:#x} with {} bytes", data.len()),
    )
}

fn out_name(out: &Out) -> String {
    match out {
        Out::Packet(id, data) => format!("{id:#x} with {} bytes", data.len()),
        Out::Message => "a message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::network::Weather;

    fn told_why(backend: Backend, cause: EndCause, told: Option<&str>) -> bool {
        let actor = Actor {
            number: 0,
            arrives: Duration::ZERO,
            backend,
            thinks: Duration::ZERO,
            weather: Weather::CALM,
            cut: None,
            steps: Vec::new(),
            deeds: Vec::new(),
            lingers: Duration::ZERO,
        };
        let life = Life {
            ended: vec![(Duration::from_secs(1), cause, true)],
            ..Life::default()
        };
        let view = View {
            told: told.map(str::to_owned),
            ..View::default()
        };
        let mut found = Vec::new();
        let player = PlayerId(1);
        Court {
            player,
            found: &mut found,
        }
        .farewell(&life, &actor, &view);
        found.is_empty()
    }

    #[test]
    fn whoever_is_sent_away_is_told_why_by_host_and_guest_alike() {
        for backend in [Backend::Native, Backend::Guest] {
            for cause in [
                EndCause::PluginFailed,
                EndCause::Kicked,
                EndCause::Shutdown,
                EndCause::StartDeadline,
            ] {
                assert!(told_why(backend, cause.clone(), Some("why")));
                for nothing in [None, Some("")] {
                    assert!(
                        !told_why(backend, cause.clone(), nothing),
                        "{backend:?} {cause}"
                    );
                }
            }
        }
        assert!(told_why(Backend::Guest, EndCause::ByHandler, None));
        assert!(!told_why(Backend::Native, EndCause::ByHandler, None));
        assert!(told_why(Backend::Guest, EndCause::ClientLeft, None));
    }

    #[test]
    fn a_gap_at_the_beginning_is_told_from_other_disorder() {
        let packets =
            |ids: &[i32]| -> Vec<_> { ids.iter().map(|id| (*id, bytes::Bytes::new())).collect() };
        let lost = |handed: &[i32]| lost_early(&packets(&[1, 2, 3, 4]), &packets(handed));
        assert_eq!(lost(&[3, 4]), Some(2));
        assert_eq!(lost(&[4]), Some(3));
        assert_eq!(lost(&[2, 3]), Some(1));
        for other in [&[2, 4][..], &[3, 2], &[5], &[], &[1, 2]] {
            assert_eq!(lost(other), None, "{other:?}");
        }
    }
}

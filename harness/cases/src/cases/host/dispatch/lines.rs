//! What the cases about dispatch read in the probe's log.

use std::time::Duration;

use sim_proto::{ClientConfig, Event, Fnv};
use vb_contract::{HostEvent, PlayerId};
use vb_data::State;

use crate::cases::host::bridge::probing::pass;
use crate::cases::host::bytes::varint;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, STEP};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Outcome, Stop};

/// An action of the probe that takes a while and stays far below any CPU budget.
pub const BUSY: &str = "work:1000000";

/// How long lines may take to come where so many are due that a host takes them in turns.
const PATIENCE: Duration = Duration::from_secs(10);

/// The callbacks of a session, by the words of their lines.
const CALLS: [&str; 3] = ["start", "packet", "end"];

/// A line of a guest's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it came, since the case began.
    pub at: Duration,
    /// Whose it is.
    pub plugin: String,
    /// As it was logged.
    pub text: String,
}

impl Line {
    /// Its first word.
    pub fn word(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// The event that it tells of, if it does.
    pub fn event(&self) -> Option<&str> {
        self.text.strip_prefix("event ")?.split(' ').next()
    }

    /// The value of `KEY=VALUE` in it.
    pub fn value(&self, key: &str) -> Option<&str> {
        let of_key = |word: &'_ str| word.split_once('=').is_some_and(|(name, _)| name == key);
        let word = self.text.split(' ').find(|word| of_key(word))?;
        word.split_once('=').map(|(_, value)| value)
    }

    /// Whether it tells of a callback of a session.
    pub fn is_call(&self) -> bool {
        CALLS.contains(&self.word())
    }

    /// Whether it is about the connection of this id.
    pub fn is_of(&self, player: PlayerId) -> bool {
        self.value("player") == Some(&player.to_string())
    }

    /// The packet that it tells of, as [`packet`] has it.
    pub fn packet(&self) -> Option<String> {
        let rest = self.text.strip_prefix("packet ")?;
        rest.split_once("id=").map(|(_, rest)| format!("id={rest}"))
    }
}

/// What guests have logged since a mark of the recorder.
pub fn since(lab: &HostLab, mark: usize) -> Vec<Line> {
    lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::GuestLog {
            plugin, message, ..
        } => Some(Line {
            at: seen.at,
            plugin: plugin.clone(),
            text: message.clone(),
        }),
        _ => None,
    })
}

/// The callbacks of one session since a mark.
pub fn calls_of(lab: &HostLab, mark: usize, player: PlayerId) -> Vec<Line> {
    let mut lines = since(lab, mark);
    lines.retain(|line| line.is_call() && line.is_of(player));
    lines
}

/// The callbacks in a few words, for a failure.
pub fn words(lines: &[Line]) -> String {
    const MOST: usize = 24;
    let mut words: Vec<&str> = lines.iter().take(MOST).map(Line::word).collect();
    match lines.len() {
        0 => words.push("nothing"),
        more if more > MOST => words.push("and more"),
        _ => {}
    }
    words.join(", ")
}

/// The session of the client of this name, by the line of its start since a mark.
pub fn session_of(lab: &HostLab, mark: usize, name: &str) -> Option<PlayerId> {
    let lines = since(lab, mark);
    let start = lines
        .iter()
        .find(|line| line.word() == "start" && line.value("name") == Some(name))?;
    start.value("player")?.parse().ok().map(PlayerId)
}

/// Lets the clients live until the lines since a mark are such that `enough`, or for `limit`. Whether they came to be.
pub async fn until(
    lab: &HostLab,
    players: &mut [&mut Player],
    mark: usize,
    limit: Duration,
    enough: impl Fn(&[Line]) -> bool,
) -> bool {
    let deadline = lab.now() + limit;
    loop {
        if enough(&since(lab, mark)) {
            return true;
        }
        if lab.now() >= deadline {
            return false;
        }
        pass(players, STEP).await;
    }
}

/// A packet in the probe's words: id, length, and FNV-1a over both id and data.
pub fn packet(id: i32, data: &[u8]) -> String {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend_from_slice(data);
    format!(
        "id=0x{id:x} len={} hash={}",
        data.len(),
        Fnv::of(&bytes).hex()
    )
}

/// A client that says nothing by itself.
pub fn quiet(lab: &HostLab) -> ClientConfig {
    ClientConfig {
        send_movement: false,
        unasked_keep_alive: false,
        ..lab.client()
    }
}

/// One of this name's beginning.
pub fn named(lab: &HostLab, beginning: &str) -> ClientConfig {
    let name = format!("{beginning}{}", lab.draw(|rng| rng.name(6)));
    ClientConfig::new(lab.protocol, name)
}

/// The threshold of compression that the host told a client, if it told one.
pub fn compression_of(player: &Player) -> Option<i32> {
    player.seen().iter().find_map(|seen| {
        let packet = seen.packet()?;
        let told = packet.state == State::Login && packet.name == "compress";
        let (threshold, _) = told.then(|| varint(&packet.data))??;
        Some(threshold)
    })
}

/// A priority at which a listener is asked the earlier, the more there is of it.
pub fn priority(lab: &HostLab, early: i16) -> i16 {
    if lab.choices().lowest_first {
        -early
    } else {
        early
    }
}

/// Fails `clause` unless every packet that a client sends from its first moment in play on reaches the probe of this host,
/// in order, after the start.
pub async fn reach_after_the_start(
    lab: &HostLab,
    host: &Host,
    clause: &'static str,
    packets: &[(i32, Vec<u8>)],
) -> Outcome {
    let mark = lab.recorder.mark();
    let mut player = lab.connect(host, quiet(lab));
    let in_play = |event: &Event| {
        matches!(
            event,
            Event::StateChanged {
                to: State::Play,
                ..
            }
        )
    };
    if player.until(in_play, JOIN_LIMIT).await.is_none() {
        return Err(player.untestable(player.stands()));
    }
    for (id, data) in packets {
        if !player.send_raw(*id, data) {
            return Err(player.untestable(format!("the client cannot send: {}", player.stands())));
        }
    }
    let ours = |line: &Line| {
        let id = line.value("id");
        line.word() == "packet"
            && packets
                .iter()
                .any(|(of, _)| id == Some(&format!("0x{of:x}")))
    };
    let all = |lines: &[Line]| lines.iter().filter(|line| ours(line)).count() >= packets.len();
    until(lab, &mut [&mut player], mark, PATIENCE, all).await;
    let id = session_of(lab, mark, &player.name)
        .ok_or_else(|| player.untestable(format!("no session starts: {}", player.stands())))?;
    let calls = calls_of(lab, mark, id);
    let expected = format!(
        "all {} packets that came before the start callback had returned, in order, after it",
        packets.len()
    );
    if calls.first().is_some_and(|call| call.word() != "start") {
        return Err(player.broken(clause, expected, words(&calls)));
    }
    let arrived: Vec<String> = calls
        .iter()
        .filter(|line| ours(line))
        .filter_map(Line::packet)
        .collect();
    let sent: Vec<String> = packets.iter().map(|(id, data)| packet(*id, data)).collect();
    must_be_as_sent(&player, clause, expected, &arrived, &sent)?;
    player.leave().await;
    Ok(())
}

/// Fails `clause` unless what arrived is what was sent, both in the probe's words.
pub fn must_be_as_sent(
    player: &Player,
    clause: &'static str,
    expected: impl Into<String>,
    arrived: &[String],
    sent: &[String],
) -> Outcome {
    if arrived == sent {
        return Ok(());
    }
    let same = arrived.iter().zip(sent).take_while(|(a, s)| a == s).count();
    let nothing = "nothing".to_owned();
    let got = format!(
        "handed over were {} packets of {}; number {same} is {} instead of {}; {}",
        arrived.len(),
        sent.len(),
        arrived.get(same).unwrap_or(&nothing),
        sent.get(same).unwrap_or(&nothing),
        player.stands()
    );
    Err(player.broken(clause, expected, got))
}

/// Has the newest handle that the probe keeps send packets of so many bytes until it is refused for good, as often as
/// whoever `asks` has it, and no more than `most` altogether. How many were accepted, and the last refusal.
pub async fn fill(
    lab: &HostLab,
    asks: &mut Player,
    (id, size, most): (i32, usize, usize),
) -> Result<(usize, Option<String>), Stop> {
    /// What one callback sends, so that it stays within its CPU budget.
    const AT_ONCE: usize = 5000;
    /// What the connection takes makes room again.
    const PAUSE: Duration = Duration::from_millis(200);
    let (mut accepted, mut refusal, mut stuck) = (0, None, 0);
    while stuck < 2 && accepted < most {
        let count = AT_ONCE.min(most - accepted);
        let command = format!("kept-flood {count} {id} {size}");
        let answer = crate::cases::host::asking::ask(lab, asks, &command).await?;
        let sent = answer.split("sent=").nth(1).unwrap_or_default();
        let sent: usize = sent
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| asks.untestable(format!("the probe answered `{command}`: {answer}")))?;
        accepted += sent;
        stuck = if sent == 0 { stuck + 1 } else { 0 };
        if answer.starts_with("err ") {
            refusal = Some(answer);
            asks.live(PAUSE).await;
        }
    }
    Ok((accepted, refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_probe_writes_it() {
        let line = |text: &str| Line {
            at: Duration::ZERO,
            plugin: "probe".to_owned(),
            text: text.to_owned(),
        };
        let start = line("start handler=1 player=7 protocol=767 name=Ann uuid=0 properties=0");
        assert!(start.is_call() && start.is_of(PlayerId(7)));
        assert_eq!(start.value("name"), Some("Ann"));
        let event = line("event pre-login name=Ann claimed=none protocol=4 address=x listener=1");
        assert_eq!(
            (event.event(), event.value("listener")),
            (Some("pre-login"), Some("1"))
        );
        let handed = line("packet handler=1 player=7 id=0x7001 len=1 hash=00000000000000aa");
        assert_eq!(
            handed.packet().as_deref(),
            Some("id=0x7001 len=1 hash=00000000000000aa")
        );
        assert!(!event.is_call() && event.packet().is_none());
    }
}

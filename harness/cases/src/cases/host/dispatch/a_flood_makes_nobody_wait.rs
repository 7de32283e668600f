//! One player must not be able to freeze a lobby.

use std::sync::Arc;
use std::time::Duration;

use sim_proto::Event;
use vb_contract::{PlayerId, RawPacket};

use super::lines::{compression_of, quiet};
use crate::case::Case;
use crate::cases::host::asking::{ask as ask_the_probe, carrier};
use crate::cases::host::bridge::probing::pass;
use crate::cases::host::bytes::Packet;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::lab::native::{Notebook, Told};
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-15";

/// Ids that no protocol has: of the packets of the flood, and of those that are answered.
const FLOOD: i32 = 0x7001;
const ASK: i32 = 0x7004;

/// Packets of the flood: many times what a connection holds.
const COUNT: usize = 30_000;

/// How many packets of the flood may come before one of somebody else: what may wait for a guest. In virtual time
/// nothing takes time, so the 100 ms of the clause are counted in packets; a guest that takes no more than 390 us for
/// each, the length of a long callback of a lobby, keeps to them.
const MOST: usize = 256;

/// How often the other client asks while the flood lasts.
const ROUNDS: usize = 20;

const WATCH: Duration = Duration::from_secs(2);

/// From the clause, for one way.
const LIMIT: Duration = Duration::from_millis(100);

/// Between an answer and the next question, where they are timed.
const PAUSE: Duration = Duration::from_millis(50);

/// The flood where answers are timed: so many times as many frames. They cost the client nothing, so that the host gets
/// them as fast as it can take them, and are more than it takes in that time.
const PIECES: usize = 128;
const FRAMES: usize = 16_000;

/// See the module. Frames are shortest where there is no compression, and so most of them fit a connection.
pub const CASE: Case<HostLab> = Case::new(
    "a-flood-makes-nobody-wait",
    &["VB-DSP-15"],
    "One client sends as fast as it can while another one asks and is answered; in virtual time counts how many packets \
     of the flood come between a question, its delivery and the answer, and else how long the answer takes.",
    |lab| Box::pin(run(lab)),
)
.on_the_oldest();

async fn run(lab: &HostLab) -> Outcome {
    // Either way is blind where the other sees.
    if lab.is_virtual() && lab.offers(Need::NativePlugins) {
        by_count(lab).await
    } else {
        by_the_clock(lab).await
    }
}

/// One way there and one back.
async fn by_the_clock(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[("packets", "quiet")]).await?;
    let (mut flooder, tap) = lab.connect_tapped(&host, quiet(lab));
    lab.until_started(&mut flooder).await?;
    let mut other = lab.join_as(&host, quiet(lab)).await?;
    ask_the_probe(lab, &mut other, "echo on").await?;
    let packet = Packet::new(FLOOD).into_bytes();
    let frame = match compression_of(&flooder) {
        // Too small to be compressed.
        Some(0..) => Packet::new(0).bytes(&packet).framed(),
        _ => Packet::default().bytes(&packet).framed(),
    };
    for _ in 0..PIECES {
        tap.slip_in(frame.repeat(FRAMES));
    }
    // The flood is under way by then.
    pass(&mut [&mut flooder, &mut other], WATCH / 4).await;
    ask_in_time(lab, &mut other).await?;
    flooder.live(PAUSE).await;
    if flooder.closed().is_none() {
        return Ok(());
    }
    Err(flooder.untestable(format!("the flood did not last: {}", flooder.stands())))
}

async fn ask_in_time(lab: &HostLab, player: &mut Player) -> Outcome {
    let limit = lab.within(2 * LIMIT);
    let id = carrier(lab.protocol)?;
    for round in 0..ROUNDS {
        let question = round.to_be_bytes();
        let asked = lab.now();
        player.send_raw(id, &question);
        let answered = |event: &Event| match event {
            Event::Received(packet) => packet.id == id && packet.data[..] == question,
            _ => false,
        };
        let expected = format!(
            "an answer within {}, there and back, while another client floods",
            secs(limit)
        );
        if player.until(answered, limit).await.is_none() {
            let got = format!("question {round} had none; {}", player.stands());
            return Err(player.broken(CLAUSE, expected, got));
        }
        let took = lab.now().saturating_sub(asked);
        if took > limit {
            let got = format!("the answer to question {round} took {}", secs(took));
            return Err(player.broken(CLAUSE, expected, got));
        }
        player.live(PAUSE).await;
    }
    Ok(())
}

async fn by_count(lab: &HostLab) -> Outcome {
    let answer = carrier(lab.protocol)?;
    let plugin = lab.native("gate").on_packet(move |session, packet| {
        if packet.packet_id == ASK {
            let packet = RawPacket {
                packet_id: answer,
                data: packet.data.clone(),
            };
            // A client that has left gets no answer, and the case sees that it does not.
            let _ = session.send_packet(packet);
        }
    });
    let host = lab.host_of("gate", plugin).await?;
    let mut flooder = lab.join_as(&host, quiet(lab)).await?;
    let other = lab.join_as(&host, quiet(lab)).await?;
    let Some((_, id)) = flooder.session else {
        return Err(flooder.untestable("the session has no player"));
    };
    for _ in 0..COUNT {
        if !flooder.send_raw(FLOOD, b"") {
            return Err(flooder.untestable(flooder.stands()));
        }
    }
    // Each has a task of its own, as each would have a machine of its own.
    let asking = tokio::spawn(ask(Arc::clone(&lab.notebook), other, id, answer));
    let flood = tokio::spawn(async move {
        // Otherwise the runtime would have it stop after a hundred small writes.
        tokio::task::unconstrained(flooder.live(WATCH)).await;
    });
    let (Ok((other, rounds)), Ok(())) = futures::future::join(asking, flood).await else {
        let why = "the clients did not come to their end";
        return Err(Stop::Untestable(why.to_owned(), Vec::new()));
    };
    let rounds = rounds?;
    for round in &rounds {
        judge(&other, round)?;
    }
    // Where no flood was left, nothing was in anybody's way.
    let during = rounds.iter().filter(|round| round.asked < COUNT).count();
    let handed = lab.notebook.handed(id);
    if during == ROUNDS && handed == COUNT {
        return Ok(());
    }
    Err(other.untestable(format!(
        "{during} of {ROUNDS} questions were asked during the flood, of which {handed} packets of {COUNT} were handed over"
    )))
}

/// How many packets of the flood had been handed over when a question was asked, delivered and answered.
struct Round {
    asked: usize,
    delivered: usize,
    answered: usize,
}

async fn ask(
    notebook: Arc<Notebook>,
    mut player: Player,
    flooder: PlayerId,
    answer: i32,
) -> (Player, Result<Vec<Round>, Stop>) {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let question = round.to_be_bytes();
        let asked = notebook.handed(flooder);
        if !player.send_raw(ASK, &question) {
            let stop = player.untestable(player.stands());
            return (player, Err(stop));
        }
        let answered = |event: &Event| match event {
            Event::Received(packet) => packet.id == answer && packet.data[..] == question,
            _ => false,
        };
        if player.until(answered, WATCH).await.is_none() {
            let got = format!("question {round} had no answer; {}", player.stands());
            let expected = "an answer to each question while another client floods";
            let stop = player.broken(CLAUSE, expected, got);
            return (player, Err(stop));
        }
        rounds.push(Round {
            asked,
            delivered: delivered(&notebook, flooder, &question),
            answered: notebook.handed(flooder),
        });
        // The flood goes on meanwhile.
        tokio::task::yield_now().await;
    }
    (player, Ok(rounds))
}

/// How many packets of the flood came before the question.
fn delivered(notebook: &Notebook, flooder: PlayerId, question: &[u8]) -> usize {
    notebook.count_until(
        |told| matches!(told, Told::Packet(_, it) if it.packet_id == ASK && it.data[..] == *question),
        |told| matches!(told, Told::Packet(player, _) if *player == flooder),
    )
}

fn judge(player: &Player, round: &Round) -> Outcome {
    let to_the_guest = round.delivered.saturating_sub(round.asked);
    let to_the_client = round.answered.saturating_sub(round.delivered);
    for (which, behind) in [
        ("a packet to the guest", to_the_guest),
        ("a packet to the client", to_the_client),
    ] {
        if behind > MOST {
            let expected =
                format!("{which} to wait behind at most {MOST} packets of another client's flood");
            let got = format!(
                "it waited behind {behind}, when {} of {COUNT} had come",
                round.asked
            );
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    Ok(())
}

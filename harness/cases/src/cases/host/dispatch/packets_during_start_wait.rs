//! What a client says while the guest is still preparing must not be lost or come too early.

use std::time::Duration;

use sim_proto::{ClientConfig, Event};
use vb_data::State;

use crate::case::Case;
use crate::cases::host::bridge::probing::fnv;
use crate::lab::door::Need;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::lab::native::Told;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-03";

const EXPECTED: &str =
    "every packet that was sent during the start callback, in order, after it has returned";

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// More than twice the 256 packets that the host keeps in memory.
const COUNT: u32 = 600;

/// As many as a guest may log of at once.
const FEW: u32 = 300;

/// Turns of the probe's loop in its start callback: some milliseconds, and less than any budget.
const TURNS: u32 = 2_000_000;

/// Less than the start's deadline of 10 s.
const START: Duration = Duration::from_secs(5);

const WATCH: Duration = Duration::from_secs(2);

/// See the module.
pub const CASE: Case = Case::host(
    "packets-during-start-wait",
    &["VB-DSP-03"],
    "A start callback takes five seconds; meanwhile the client sends 600 packets, more than the host may keep.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    in_a_guest(lab).await
}

/// As many as come while a guest works in its start callback, which may not take long.
async fn in_a_guest(lab: &HostLab) -> Outcome {
    let work = format!("work:{TURNS}");
    let host = lab.host_of_probe(&[("in.start", &work)]).await?;
    let client = ClientConfig {
        send_movement: false,
        unasked_keep_alive: false,
        ..lab.client()
    };
    let mut player = lab.connect(&host, client);
    let in_play =
        |event: &Event| matches!(event, Event::StateChanged { to, .. } if *to == State::Play);
    player.until(in_play, lab.within(JOIN_LIMIT)).await;
    let mut sent = Vec::new();
    for index in 0..FEW {
        let data = index.to_be_bytes();
        player.send_raw(MARK, &data);
        let bytes = [&MARK.to_le_bytes()[..], &data].concat();
        sent.push(format!("len=4 hash={:016x}", fnv(&bytes)));
    }
    player.live(WATCH).await;
    lab.settle().await;
    let log = lab.recorder.guest_log(PROBE_NAME);
    let started = log.iter().position(|(_, line)| line.starts_with("start "));
    if started.is_none() {
        return Err(player.untestable(format!("no session starts: {}", player.stands())));
    }
    let marked = format!(" id={MARK:#x} ");
    let packets = log
        .iter()
        .enumerate()
        .filter(|(_, (_, line))| line.contains(&marked));
    let (places, arrived): (Vec<usize>, Vec<String>) = packets
        .filter_map(|(at, (_, line))| Some((at, line.split_once(&marked)?.1.to_owned())))
        .unzip();
    let early = places.iter().filter(|at| Some(**at) < started).count();
    if early > 0 {
        let got = format!("{early} packets came before the start");
        return Err(player.broken(CLAUSE, EXPECTED, got));
    }
    if arrived == sent {
        return Ok(());
    }
    let same = arrived
        .iter()
        .zip(&sent)
        .take_while(|(came, sent)| came == sent);
    let got = format!(
        "{} of {FEW} came, the first {} as they were sent",
        arrived.len(),
        same.count()
    );
    Err(player.broken(CLAUSE, EXPECTED, got))
}

async fn natively(lab: &HostLab) -> Outcome {
    let slow = lab
        .native("gate")
        .on_start(|_| Box::pin(tokio::time::sleep(START)));
    let host = lab.host_of("gate", slow).await?;
    let mut player = lab.join(&host).await?;
    for index in 0..COUNT {
        if !player.send_raw(MARK, &index.to_be_bytes()) {
            return Err(player.untestable(format!("the client cannot send: {}", player.stands())));
        }
    }
    player.live(START + WATCH).await;
    let told = lab.notebook.sessions();
    let returned = told
        .iter()
        .position(|(_, told)| matches!(told, Told::Started(_)));
    let Some(returned) = returned else {
        return Err(player.untestable("the start callback did not return"));
    };
    let early = told
        .iter()
        .take(returned)
        .filter(|(_, told)| matches!(told, Told::Packet(..)))
        .count();
    if early > 0 {
        return Err(player.broken(
            CLAUSE,
            EXPECTED,
            format!("{early} packets came before the start had returned"),
        ));
    }
    let arrived: Vec<Vec<u8>> = lab
        .notebook
        .packets("gate")
        .into_iter()
        .filter(|packet| packet.packet_id == MARK)
        .map(|packet| packet.data.to_vec())
        .collect();
    let sent: Vec<Vec<u8>> = (0..COUNT)
        .map(|index| index.to_be_bytes().to_vec())
        .collect();
    if arrived == sent {
        return Ok(());
    }
    let differs = arrived
        .iter()
        .zip(&sent)
        .position(|(arrived, sent)| arrived != sent);
    let got = match differs {
        Some(at) => format!(
            "packet {at} is another: {:?} instead of {:?}",
            arrived.get(at),
            sent.get(at)
        ),
        None => format!("{} of {COUNT} came", arrived.len()),
    };
    Err(player.broken(CLAUSE, EXPECTED, got))
}

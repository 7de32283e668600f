//! The other players of an instance lose their server with it, and hear of it only from the host.

use std::time::Duration;

use vb_data::{Direction, State};

use super::probing::{ends_of, in_world, modest, pass, tell, told_why, trapped};
use crate::case::Case;
use crate::cases::host::asking::carrier;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, STEP};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-05";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(1);

/// What is queued for each client: for the one that does not read more than the buffers on the way hold.
const PACKETS: usize = 100;
const SIZE: usize = 2000;

const WAYS: [&str; 3] = ["trap", "spin", "eat"];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-trap-ends-every-session",
    &["VB-BRG-05"],
    "Has the probe queue packets for three clients, one of which does not read, and trap, loop or take memory.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    // What the host sends is the same each time, so that each protocol need not see every way.
    let way = WAYS[usize::try_from(lab.protocol).unwrap_or_default() % WAYS.len()];
    let probe = modest(lab, &[("join", "true")]);
    let plan = Plan::new(lab.uncompressed()).guest(PROBE_NAME, lab.probe(), probe);
    let host = lab.start(plan).await?;
    let mut culprit = in_world(lab, &host).await?;
    let mut bystander = in_world(lab, &host).await?;
    let mut deaf = in_world(lab, &host).await?;
    let flood = format!("flood {PACKETS} {} {SIZE}", carrier(lab.protocol)?);
    deaf.stop_reading();
    tell(&mut deaf, &flood);
    tell(&mut bystander, &flood);
    pass(&mut [&mut bystander, &mut deaf], STEP).await;
    tell(&mut culprit, &flood);
    let ordered = lab.now();
    tell(&mut culprit, way);
    let limit = lab.within(LIMIT);
    pass(&mut [&mut culprit, &mut bystander, &mut deaf], limit).await;
    let trap = trapped(lab, &culprit, ordered)?;
    // Where the host does not tell, only who reads sees the end, and what it sees late is no delay of the host's.
    let mut unseen = Duration::ZERO;
    if !lab.offers(Need::HostEvents) {
        deaf.resume();
        pass(&mut [&mut deaf], limit).await;
        unseen = limit;
    }
    for (who, player, unseen) in [
        (
            "the client in whose callback it happened",
            &culprit,
            Duration::ZERO,
        ),
        ("another client", &bystander, Duration::ZERO),
        ("a client that does not read", &deaf, unseen),
    ] {
        let ended = ends_of(lab, player);
        let expected = format!("one end of the session of {who} within 1 s of the {way}");
        match ended.as_slice() {
            [(at, _)] if at.saturating_sub(trap.at) <= limit + unseen => {}
            [(at, _)] => {
                let got = format!("it ended {} after", secs(at.saturating_sub(trap.at)));
                return Err(player.broken(CLAUSE, expected, got));
            }
            [] => return Err(player.broken(CLAUSE, expected, "it goes on")),
            more => {
                let got = format!("it ended {} times", more.len());
                return Err(player.broken(CLAUSE, expected, got));
            }
        }
    }
    deaf.resume();
    pass(&mut [&mut deaf], limit).await;
    flushed(lab, &culprit, "the client in whose callback it happened")?;
    flushed(lab, &bystander, "another client")?;
    flushed(lab, &deaf, "a client that reads late")
}

/// What was queued before the trap has arrived, and then a reason.
fn flushed(lab: &HostLab, player: &Player, who: &str) -> Outcome {
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let id = carrier(lab.protocol)?;
    let name = table.and_then(|table| table.name(id)).unwrap_or_default();
    let arrived = player
        .named(name)
        .filter(|(_, packet)| packet.data.len() == SIZE)
        .count();
    if arrived != PACKETS {
        let expected = format!("all {PACKETS} packets that were queued for {who} before the trap");
        return Err(player.broken(CLAUSE, expected, format!("{arrived} arrived")));
    }
    if told_why(player) {
        return Ok(());
    }
    let expected = format!("a disconnect with a reason for {who}");
    Err(player.broken(CLAUSE, expected, player.stands()))
}

//! What a guest keeps of players who are gone fills its memory in the end.

use sim_proto::Event;
use vb_contract::{HostEvent, TrapKind};
use vb_data::State;

use super::garbage::first_unknown_id;
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-END-01";

/// After how many sessions memory is looked at, from the clause. A guest whose memory stands still is looked at for the
/// first thousand only; a collector that lets its heap grow for a while has until the last of them to be done with it.
const MARKS: [usize; 5] = [100, 1000, 2000, 5000, 10_000];

/// From the clause, in bytes.
const ALLOWED: u64 = 1 << 20;

/// Of a payload that means nothing, in bytes: what is sent between two marks is more than three times what is allowed.
const GARBAGE: usize = 4096;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "memory-returns-after-sessions",
    &["VB-END-01"],
    "Looks at the memory after 100, 1,000 and up to 10,000 sessions, until it stands still; each sends garbage.",
    |lab| Box::pin(run(lab)),
).on_the_oldest()
.needing(&[Need::HostEvents]);

async fn run(lab: &GuestLab) -> Outcome {
    let (mut sessions, mut seen) = (0, Vec::new());
    for mark in MARKS {
        while sessions < mark {
            sessions += 1;
            pass(lab, sessions).await?;
        }
        let memory = lab.memory();
        let before = seen.last().map(|(_, memory)| *memory);
        seen.push((sessions, memory));
        if before.is_some_and(|before| memory.saturating_sub(before) <= ALLOWED) {
            return Ok(());
        }
    }
    let seen: Vec<String> = seen
        .iter()
        .map(|(sessions, memory)| format!("{memory} bytes after {sessions}"))
        .collect();
    let got = format!("it never stood still: {}", seen.join(", "));
    Err(Finding::new(CLAUSE, expected(), got).at(lab.now()).into())
}

fn expected() -> String {
    let [few, many, .., most] = MARKS;
    format!(
        "memory after {many} sessions at most {ALLOWED} bytes over that after {few}, or standing still so by {most}"
    )
}

/// One session, from first to last, that sends what the guest has no use for and no reason to keep.
async fn pass(lab: &GuestLab, nth: usize) -> Outcome {
    let mark = lab.recorder.mark();
    let mut player = lab.connect(lab.client());
    // The first play packet: the start callback has returned.
    let play =
        |event: &Event| matches!(event, Event::Received(packet) if packet.state == State::Play);
    let joined = player.until(play, JOIN_LIMIT).await;
    player.send_raw(first_unknown_id(lab.protocol), &[0; GARBAGE]);
    player.leave().await;
    match lab.trap_since(mark) {
        Some(trap @ TrapKind::MemoryLimit { .. }) => {
            let got = format!("in session {nth} the guest {trap}");
            return Err(player.broken(CLAUSE, expected(), got));
        }
        Some(trap) => {
            let why = format!("the guest trapped in session {nth}: {trap}");
            return Err(player.untestable(why));
        }
        None => {}
    }
    let started = lab.recorder.since(mark, |seen| {
        matches!(seen.event, HostEvent::SessionStarted { .. }).then_some(())
    });
    if started.is_empty() {
        return Err(lab.not_joined(&player, mark));
    }
    // Who refuses the protocol in the session's own words does so before anything is joined.
    if player.came("login").is_none()
        && let stop @ Stop::Skip(_) = lab.not_joined(&player, mark)
    {
        return Err(stop);
    }
    if joined.is_none() {
        return Err(player.untestable(format!("no session starts: {}", player.stands())));
    }
    lab.recorder.forget_since(mark);
    Ok(())
}

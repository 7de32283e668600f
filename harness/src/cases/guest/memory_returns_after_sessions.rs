//! What a guest keeps of players who are gone fills its memory in the end.

use sim_proto::Event;
use vb_data::State;

use super::garbage::first_unknown_id;
use crate::case::Case;
use crate::subject::lab::GuestLab;
use crate::subject::player::JOIN_LIMIT;
use crate::verdict::{Finding, Outcome, Stop};

/// A page of linear memory, in bytes.
const PAGE: u64 = 64 << 10;

/// The default limit of an instance: 64 MiB.
const MOST_PAGES: u64 = 1024;

/// From the clause.
const FEW: usize = 100;
const MANY: usize = 1000;
const ALLOWED: u64 = 1 << 20;

/// Of a payload that means nothing, in bytes: a thousand of them are four times what is allowed.
const GARBAGE: usize = 4096;

/// Whether so many sessions, one at a time, pass without a trap in an instance with so much memory.
async fn passes(lab: &GuestLab, memory: u64, sessions: usize) -> Result<bool, Stop> {
    let mark = lab.recorder.mark();
    let Some(host) = lab.host_with_memory(memory).await? else {
        return Ok(false);
    };
    for _ in 0..sessions {
        let before = lab.recorder.session_starts().len();
        let mut player = lab.connect_to(&host, lab.client());
        // The first play packet: the start callback has returned.
        let joined = player
            .until(
                |event| matches!(event, Event::Received(packet) if packet.state == State::Play),
                JOIN_LIMIT,
            )
            .await;
        // What a guest has no use for, it has no reason to keep.
        player.send_raw(first_unknown_id(lab.protocol), &[0; GARBAGE]);
        player.leave().await;
        if lab.trapped_since(mark) {
            return Ok(false);
        }
        if joined.is_none() || lab.recorder.session_starts().len() == before {
            return Err(player.untestable(format!("no session starts: {}", player.stands())));
        }
    }
    Ok(true)
}

/// See the module.
pub const CASE: Case = Case::guest(
    "memory-returns-after-sessions",
    &["VB-END-01"],
    "Finds the least memory in which a hundred sessions pass, and lets a thousand pass in 1 MiB more; each sends garbage.",
    |lab| Box::pin(run(lab)),
).on_the_oldest();

async fn run(lab: &GuestLab) -> Outcome {
    lab.expects_traps();
    if !passes(lab, MOST_PAGES * PAGE, FEW).await? {
        let why = lab
            .recorder
            .traps()
            .first()
            .map_or_else(String::new, |trap| format!(": {trap}"));
        return Err(Stop::Untestable(
            format!("{FEW} sessions do not pass{why}"),
            Vec::new(),
        ));
    }
    let (mut too_little, mut enough) = (0, MOST_PAGES);
    while too_little + 1 < enough {
        let pages = u64::midpoint(too_little, enough);
        if passes(lab, pages * PAGE, FEW).await? {
            enough = pages;
        } else {
            too_little = pages;
        }
    }
    let limit = enough * PAGE + ALLOWED;
    if passes(lab, limit, MANY).await? {
        return Ok(());
    }
    let expected =
        format!("memory after {MANY} sessions at most {ALLOWED} bytes over that after {FEW}");
    let got = format!(
        "{FEW} sessions pass in {} bytes, but {MANY} do not in {limit}",
        enough * PAGE
    );
    Err(Finding::new("VB-END-01", expected, got).into())
}

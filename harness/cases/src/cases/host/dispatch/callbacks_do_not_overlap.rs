//! A handler keeps state without locks because the host never calls it twice at a time for one session.

use std::time::Duration;

use vb_contract::PlayerId;

use super::lines::{self, BUSY, Line};
use crate::case::Case;
use crate::cases::host::bridge::probing::{pass, tell};
use crate::lab::door::{Host, Need};
use crate::lab::host::HostLab;
use crate::lab::native::{Told, words};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-06";

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// Has the callback wait for ever.
const FOR_EVER: i32 = 0x7002;

/// Each callback takes as long.
const WORK: Duration = Duration::from_millis(100);

/// Packets that come while the callback of another is under way.
const BURST: usize = 5;

const WATCH: Duration = Duration::from_secs(2);

/// How many of the packets that a guest is handed of each client, and how long all of it may take.
const IN_A_GUEST: usize = 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// An end is due within this, from VB-DSP-07.
const END: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "callbacks-do-not-overlap",
    &["VB-DSP-06"],
    "Every callback takes its time while packets come at once and one by one, and while the session ends in the middle \
     of a callback, or of a native one that never returns.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    in_a_guest(lab).await
}

/// Of a guest's callbacks, each has a line when it begins, and those of commands one when they are done.
async fn in_a_guest(lab: &HostLab) -> Outcome {
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[]).await?;
    let (mut first, first_id) = join(lab, &host).await?;
    let (mut second, second_id) = join(lab, &host).await?;
    for number in 0..IN_A_GUEST {
        tell(&mut first, &format!("do {BUSY}"));
        tell(&mut second, &format!("do {BUSY}"));
        if number % BURST == 0 {
            pass(&mut [&mut first, &mut second], WORK / 2).await;
        }
    }
    let done = |line: &&Line| line.text.starts_with("result do ");
    let all = |lines: &[Line]| lines.iter().filter(done).count() >= 2 * IN_A_GUEST;
    if !lines::until(lab, &mut [&mut first, &mut second], mark, PATIENCE, all).await {
        return Err(first.untestable("the packets were not handed over"));
    }
    leave(&mut first).await;
    leave(&mut second).await;
    lab.settle().await;
    let mut ends = 0;
    let mut open: Option<Line> = None;
    for line in lines::since(lab, mark) {
        let command = line.word() == "packet" && line.value("id") == Some("0x7777");
        if let Some(before) = open.take_if(|_| line.is_call()) {
            let expected = "each callback to begin after the one before it has returned";
            let got = format!("`{}` began before `{}` was done", line.text, before.text);
            return Err(first.broken(CLAUSE, expected, got));
        }
        if done(&&line) {
            open = None;
        }
        if command {
            open = Some(line);
        } else if line.word() == "end" && (line.is_of(first_id) || line.is_of(second_id)) {
            ends += 1;
        }
    }
    if ends == 2 {
        return Ok(());
    }
    Err(first.untestable(format!("2 sessions came to {ends} ends")))
}

async fn natively(lab: &HostLab) -> Outcome {
    let plugin = lab
        .native("gate")
        .on_start(|_| Box::pin(tokio::time::sleep(WORK)))
        .on_end(|_| Box::pin(tokio::time::sleep(WORK)))
        .handling(|_, packet| {
            let for_ever = packet.packet_id == FOR_EVER;
            Box::pin(async move {
                tokio::time::sleep(WORK).await;
                if for_ever {
                    std::future::pending::<()>().await;
                }
            })
        });
    let host = lab.host_of("gate", plugin).await?;
    // At once, during the start callback and after it, and in the middle of the one before.
    let (mut player, id) = join(lab, &host).await?;
    burst(&mut player, BURST)?;
    player.live(WATCH).await;
    burst(&mut player, BURST)?;
    player.live(WORK / 2).await;
    burst(&mut player, BURST)?;
    player.live(WATCH).await;
    handed(lab, &player, id, 3 * BURST)?;
    leave(&mut player).await;
    one_after_the_other(lab, &player, id)?;

    // The end comes in the middle of a callback.
    let (mut player, id) = join(lab, &host).await?;
    player.live(WATCH).await;
    burst(&mut player, 1)?;
    player.live(WORK / 2).await;
    handed(lab, &player, id, 1)?;
    leave(&mut player).await;
    one_after_the_other(lab, &player, id)?;

    // It has to come although the callback does not end.
    let (mut player, id) = join(lab, &host).await?;
    player.live(WATCH).await;
    if !player.send_raw(FOR_EVER, b"") {
        return Err(player.untestable(player.stands()));
    }
    player.live(WATCH).await;
    handed(lab, &player, id, 1)?;
    let left = lab.now();
    leave(&mut player).await;
    one_after_the_other(lab, &player, id)?;
    let end = lab
        .notebook
        .about(id)
        .into_iter()
        .find(|(_, told)| matches!(told, Told::End(_)));
    match end {
        Some((at, _)) if at <= left + END => Ok(()),
        Some((at, _)) => {
            let got = format!("it came after {}", secs(at.saturating_sub(left)));
            let expected = "the end within 1 s, with the callback that never returns dropped";
            Err(player.broken(CLAUSE, expected, got))
        }
        None => Err(player.untestable("no end was told")),
    }
}

async fn join(lab: &HostLab, host: &Host) -> Result<(Player, PlayerId), crate::verdict::Stop> {
    let player = lab.join(host).await?;
    match player.session {
        Some((_, id)) => Ok((player, id)),
        None => Err(player.untestable("the session has no player")),
    }
}

fn burst(player: &mut Player, count: usize) -> Outcome {
    for _ in 0..count {
        if !player.send_raw(MARK, b"") {
            return Err(player.untestable(format!("the client cannot send: {}", player.stands())));
        }
    }
    Ok(())
}

/// Out of sight for long enough to be told everything.
async fn leave(player: &mut Player) {
    player.leave().await;
    tokio::time::sleep(WATCH).await;
}

fn handed(lab: &HostLab, player: &Player, id: PlayerId, due: usize) -> Outcome {
    let ours = |told: &Told| matches!(told, Told::Packet(_, packet) if [MARK, FOR_EVER].contains(&packet.packet_id));
    let count = lab
        .notebook
        .about(id)
        .iter()
        .filter(|(_, told)| ours(told))
        .count();
    if count == due {
        return Ok(());
    }
    Err(player.untestable(format!("{count} packets of {due} were handed over")))
}

/// Each callback has returned, or was dropped with the session, before the next began.
fn one_after_the_other(lab: &HostLab, player: &Player, id: PlayerId) -> Outcome {
    let told = lab.notebook.about(id);
    let mut open: Option<String> = None;
    for (at, told) in &told {
        let begins = matches!(told, Told::Start { .. } | Told::Packet(..) | Told::End(_));
        match (&open, begins) {
            (Some(before), true) => {
                let expected = "each callback to begin after the one before it has returned";
                let got = format!(
                    "at {} {} began while {before} was under way",
                    secs(*at),
                    told.word()
                );
                return Err(player.broken(CLAUSE, expected, got));
            }
            (None, true) => open = Some(told.word()),
            (_, false) => open = None,
        }
    }
    let ended = told.iter().any(|(_, told)| matches!(told, Told::Ended(_)));
    if ended {
        return Ok(());
    }
    let got = format!("told was {}", words(told.iter().map(|(_, told)| told)));
    Err(player.untestable(format!("the session did not come to its end: {got}")))
}

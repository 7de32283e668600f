//! A player must not look at a login screen until the client gives up.

use std::time::Duration;

use vb_contract::{Callback, EndCause, PlayerId};
use vb_data::State;

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::lab::native::{Told, words};
use crate::lab::player::{Player, secs};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-11";

/// From the clause.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the last moment is apart from the first one past it.
const MOMENT: Duration = Duration::from_millis(50);

/// Longer than any client waits.
const WATCH: Duration = Duration::from_secs(35);

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// See the module. No component can wait in a callback: its CPU budget ends it first.
pub const CASE: Case<HostLab> = Case::new(
    "a-slow-start-is-cut-off",
    &["VB-DSP-11"],
    "A start callback returns at the last moment before the deadline, at the first one after it, and never.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::NativePlugins]);

async fn run(lab: &HostLab) -> Outcome {
    in_time(lab).await?;
    too_late(lab, DEADLINE + MOMENT, "takes 50 ms too long").await?;
    too_late(lab, Duration::MAX, "never returns").await
}

async fn join(lab: &HostLab, start: Duration) -> Result<(Player, PlayerId), crate::verdict::Stop> {
    let slow = lab
        .native("gate")
        .on_start(move |_| Box::pin(tokio::time::sleep(start)));
    let host = lab.host_of("gate", slow).await?;
    let player = lab.join(&host).await?;
    match player.session {
        Some((_, id)) => Ok((player, id)),
        None => Err(player.untestable("the session has no player")),
    }
}

async fn in_time(lab: &HostLab) -> Outcome {
    let (mut player, _) = join(lab, DEADLINE - MOMENT).await?;
    player.live(DEADLINE).await;
    player.send_raw(MARK, b"");
    player.live(MOMENT).await;
    let handed = lab
        .notebook
        .packets("gate")
        .iter()
        .any(|packet| packet.packet_id == MARK);
    if handed && player.closed().is_none() {
        // The next host counts its players from 1 again: nothing of this one may follow.
        player.leave().await;
        tokio::time::sleep(DEADLINE).await;
        return Ok(());
    }
    let expected = format!(
        "the session to go on when the start callback takes {}",
        secs(DEADLINE - MOMENT)
    );
    Err(player.broken(CLAUSE, expected, player.stands()))
}

async fn too_late(lab: &HostLab, start: Duration, what: &str) -> Outcome {
    let skip = lab.notebook.lines().len();
    let (mut player, id) = join(lab, start).await?;
    player.live(WATCH).await;
    tokio::time::sleep(WATCH).await;
    let told: Vec<(Duration, Told)> = lab
        .notebook
        .lines()
        .into_iter()
        .skip(skip)
        .filter(|(_, _, told)| told.player() == Some(id))
        .map(|(at, _, told)| (at, told))
        .collect();
    let Some((began, Told::Start { .. })) = told.first() else {
        return Err(player.untestable("no start was told"));
    };
    let due = *began + DEADLINE..=*began + DEADLINE + MOMENT;
    kicked(&player, &due, what)?;

    let expected = format!("after that the end callback, once, when the start callback {what}");
    let after: Vec<&Told> = told.iter().skip(1).map(|(_, told)| told).collect();
    let end = told.iter().find(|(_, told)| matches!(told, Told::End(_)));
    let right = matches!(
        after.as_slice(),
        [
            Told::GivenUp(_, Callback::SessionStart),
            Told::End(_),
            Told::Ended(_)
        ]
    );
    if !right || end.is_none_or(|(at, _)| *at < *due.start()) {
        return Err(player.broken(CLAUSE, expected, format!("told was {}", words(after))));
    }
    let ends = lab.recorder.session_ends();
    match ends.last() {
        Some((_, _, EndCause::StartDeadline)) => Ok(()),
        _ => {
            let got = ends.last().map(|(.., cause)| cause.to_string());
            let got = got.unwrap_or_else(|| "no end".to_owned());
            Err(player.broken(CLAUSE, "the host's log to name the start deadline", got))
        }
    }
}

fn kicked(player: &Player, due: &std::ops::RangeInclusive<Duration>, what: &str) -> Outcome {
    let expected = format!(
        "a disconnect with a reason at {} when the start callback {what}",
        secs(*due.start())
    );
    match player.kicked() {
        Some((at, State::Play, text))
            if due.contains(&at) && text.chars().any(char::is_alphanumeric) =>
        {
            Ok(())
        }
        _ => Err(player.broken(CLAUSE, expected, player.stands())),
    }
}

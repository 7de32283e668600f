//! A login screen that crashed must not come back behind the lobby.

use vb_contract::{EventKind, HostEvent};

use crate::case::Case;
use crate::cases::host::asking::{ask, trap, until_enabled};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, with_config};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-17";

/// Who is asked before and after the probe.
const AROUND: [&str; 2] = ["before", "after"];

/// Enough for one that moves a step at each restart to be seen.
const RESTARTS: usize = 3;

/// See the module.
pub const CASE: Case = Case::host(
    "a-restarted-plugin-keeps-its-place",
    &["VB-DSP-17"],
    "Three plugins listen with one priority, the one in the middle with two listeners, one of them subscribed late; \
     compares who is asked before it traps, while it is down and when it is back.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::TwoPlugins, Need::Restart]);

async fn run(lab: &HostLab) -> Outcome {
    let host = host(lab).await?;
    for restarts in 0..=RESTARTS {
        let mark = lab.recorder.mark();
        let mut player = lab.join(&host).await?;
        lab.settle().await;
        let when = match restarts {
            0 => "at first".to_owned(),
            _ => format!("after restart {restarts}"),
        };
        must_be_asked(
            lab,
            &player,
            EventKind::PreLogin,
            mark,
            &["before", PROBE_NAME, "after"],
            &when,
        )?;
        // The probe lets players in, and who comes after it is not asked.
        must_be_asked(
            lab,
            &player,
            EventKind::ServerPreConnect,
            mark,
            &["before", PROBE_NAME],
            &when,
        )?;
        late(lab, &host, &mut player).await?;
        let mark = lab.recorder.mark();
        trap(&mut player).await?;
        down(lab, &host).await?;
        until_enabled(lab, PROBE_NAME, mark).await?;
    }
    Ok(())
}

/// The probe, which has an opinion at `server-pre-connect` only, between two plugins that have none.
async fn host(lab: &HostLab) -> Result<Host, Stop> {
    lab.host(|plan| {
        let [before, after] = AROUND;
        let silent = || with_config(&[("answer", "none")]);
        plan.guest(before, lab.probe(), silent())
            .guest(PROBE_NAME, lab.probe(), with_config(&[]))
            .guest(after, lab.probe(), silent())
    })
    .await
}

/// A listener that is subscribed when everybody else's are stands with its plugin's.
async fn late(lab: &HostLab, host: &Host, player: &mut Player) -> Outcome {
    ask(lab, player, "subscribe pre-login 0").await?;
    let mark = lab.recorder.mark();
    let next = lab.join(host).await?;
    lab.settle().await;
    let due = ["before", PROBE_NAME, PROBE_NAME, "after"];
    let when = "once the probe has subscribed a second listener";
    must_be_asked(lab, &next, EventKind::PreLogin, mark, &due, when)
}

/// What comes of the connection is for other clauses.
async fn down(lab: &HostLab, host: &Host) -> Outcome {
    let mark = lab.recorder.mark();
    let mut player = lab.connect(host, lab.client());
    player.until_closed(lab.within(JOIN_LIMIT)).await;
    lab.settle().await;
    let asked = asked(lab, EventKind::PreLogin, mark);
    // The probe is down and hears nothing, and behind its gate nobody does; where time is real, it may be back.
    if asked == ["before"] || !lab.is_virtual() {
        return Ok(());
    }
    let expected = "before and nobody else to be asked at pre-login while the probe, which holds the gate, is down";
    Err(player.broken(CLAUSE, expected, words(&asked)))
}

/// Whose listeners were asked at an event, in order, since a mark.
fn asked(lab: &HostLab, kind: EventKind, mark: usize) -> Vec<String> {
    let line = format!("event {kind} ");
    lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::GuestLog {
            plugin, message, ..
        } if message.starts_with(&line) => Some(plugin.clone()),
        _ => None,
    })
}

fn must_be_asked(
    lab: &HostLab,
    player: &Player,
    kind: EventKind,
    mark: usize,
    due: &[&str],
    when: &str,
) -> Outcome {
    let asked = asked(lab, kind, mark);
    if asked == due {
        return Ok(());
    }
    let expected = format!("at {kind} {} to be asked {when}", due.join(", "));
    Err(player.broken(CLAUSE, expected, words(&asked)))
}

fn words(asked: &[String]) -> String {
    match asked {
        [] => "nobody was asked".to_owned(),
        asked => asked.join(", "),
    }
}

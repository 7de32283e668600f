//! A login screen that crashed must not come back behind the lobby.

use std::sync::Arc;

use vb_contract::{EventKind, EventOutcome, HostEvent};

use crate::case::Case;
use crate::cases::host::asking::{ask, trap, until_enabled};
use crate::lab::door::Host;
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
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
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let host = host(lab).await?;
    for restarts in 0..=RESTARTS {
        let mark = lab.recorder.mark();
        let mut player = lab.join(&host).await?;
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
        let [before, after] = AROUND.map(|name| {
            let plugin = lab.native(name).with_outcome(EventOutcome::NoOpinion);
            (name, Arc::new(plugin))
        });
        plan.native(before.0, before.1, may_play())
            .guest(PROBE_NAME, lab.probe(), with_config(&[]))
            .native(after.0, after.1, may_play())
    })
    .await
}

/// A listener that is subscribed when everybody else's are stands with its plugin's.
async fn late(lab: &HostLab, host: &Host, player: &mut Player) -> Outcome {
    ask(lab, player, "subscribe pre-login 0").await?;
    let mark = lab.recorder.mark();
    let next = lab.join(host).await?;
    let due = ["before", PROBE_NAME, PROBE_NAME, "after"];
    let when = "once the probe has subscribed a second listener";
    must_be_asked(lab, &next, EventKind::PreLogin, mark, &due, when)
}

/// What comes of the connection is for other clauses.
async fn down(lab: &HostLab, host: &Host) -> Outcome {
    let mark = lab.recorder.mark();
    let mut player = lab.connect(host, lab.client());
    player.until_closed(JOIN_LIMIT).await;
    let asked = asked(lab, EventKind::PreLogin, mark);
    if asked.iter().take(2).eq(["before", PROBE_NAME]) {
        return Ok(());
    }
    let expected = "before and then probe to be asked at pre-login while the probe is down";
    Err(player.broken(CLAUSE, expected, words(&asked)))
}

/// Whose listeners were asked at an event, in order, since a mark.
fn asked(lab: &HostLab, kind: EventKind, mark: usize) -> Vec<String> {
    lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::ListenerAnswered { plugin, event, .. } if *event == kind => Some(plugin.clone()),
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

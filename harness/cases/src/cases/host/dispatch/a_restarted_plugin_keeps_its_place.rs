//! A login screen that crashed must not come back behind the lobby.

use std::sync::Arc;

use vb_contract::{EventKind, EventOutcome, HostEvent};

use super::lines::named;
use crate::case::Case;
use crate::cases::host::asking::{ask, trap, until_enabled};
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-17";

/// Who is asked before and after the probe.
const AROUND: [&str; 2] = ["before", "after"];

/// Enough for one that moves a step at each restart to be seen.
const RESTARTS: usize = 3;

/// The same beside one other plugin, where one step shows; each takes its pause.
const RESTARTS_OF_A_GUEST: usize = 2;

/// The guest that does not trap.
const STEADY: &str = "steady";

/// What the two guests tell those whose names begin so, the steady one first.
const DENIES: [&str; 2] = ["denied:says steady", "denied:says probe"];
const GOOD: &str = "good";

/// Whom the probe traps at.
const BAD: &str = "bad";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "a-restarted-plugin-keeps-its-place",
    &["VB-DSP-17"],
    "Two guests listen with one priority, and whose word counts is compared before one of them traps, while it is down and \
     when it is back; so it is, between native plugins, with who is asked of three, one of them with a late listener.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::Restart, Need::TwoPlugins]);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        between_native_plugins(lab).await?;
    }
    // Whatever the order of plugins is made of, the one that traps comes before the other in one of the two.
    for names in [[PROBE_NAME, STEADY], [STEADY, PROBE_NAME]] {
        beside_another_guest(lab, names).await?;
    }
    Ok(())
}

/// Two guests that let nobody in whose name begins so, each with words of its own. Others are known to the probe only,
/// which traps at them.
async fn beside_another_guest(lab: &HostLab, names: [&str; 2]) -> Outcome {
    let host = lab
        .host(|mut plan| {
            for name in names {
                let mut lines = vec![("only", GOOD), ("pre-login", DENIES[0])];
                if name == PROBE_NAME {
                    lines = vec![
                        ("only", GOOD),
                        ("pre-login", DENIES[1]),
                        ("in.pre-login", "trap"),
                        ("whose", BAD),
                    ];
                }
                plan = plan.guest(name, lab.probe(), with_config(&lines));
            }
            plan
        })
        .await?;
    let (first, player) = who_decides(lab, &host).await;
    let Some(first) = first else {
        let expected = "one of two plugins of the same priority to decide";
        return Err(player.broken(CLAUSE, expected, player.stands()));
    };
    for restart in 1..=RESTARTS_OF_A_GUEST {
        let mark = lab.recorder.mark();
        let mut bad = lab.connect(&host, named(lab, BAD));
        bad.until_closed(lab.within(JOIN_LIMIT)).await;
        // Who is down is in its place all the same. It may be back already, and where the last word counts the gate is
        // shut whoever has it.
        let (meanwhile, player) = who_decides(lab, &host).await;
        let overtaken = meanwhile.as_ref().is_some_and(|who| *who != first);
        if overtaken && !lab.choices().last_opinion {
            let expected = format!("{first} in its place when the probe has trapped");
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
        until_enabled(lab, PROBE_NAME, mark).await?;
        let (now, player) = who_decides(lab, &host).await;
        if now.as_ref() != Some(&first) {
            let expected = format!("{first} to decide still after restart {restart}");
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
    }
    Ok(())
}

/// Whose words a player reads whom both keep out, if anybody's.
async fn who_decides(lab: &HostLab, host: &Host) -> (Option<String>, Player) {
    let mut player = lab.connect(host, named(lab, GOOD));
    player.until_closed(lab.within(JOIN_LIMIT)).await;
    let words = player.kicked().map(|(_, _, words)| words);
    let who = words.filter(|words| DENIES.iter().any(|denies| denies.ends_with(words.as_str())));
    (who, player)
}

async fn between_native_plugins(lab: &HostLab) -> Outcome {
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

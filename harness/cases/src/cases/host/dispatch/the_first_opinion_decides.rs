//! Which plugin was loaded first must not decide who may play.

use std::sync::Arc;

use vb_contract::{
    ChooseInitialServerResult, EventKind, EventOutcome, HostEvent, PreLoginResult, Text,
};

use super::lines::{self, named, priority};
use crate::case::Case;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, may_play, with_config};
use crate::lab::native::{Recording, Told};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-10";

/// Native plugins in the order in which they are loaded, and the priorities of their listeners.
const PLUGINS: [(&str, &[i16]); 5] = [
    ("low", &[-5]),
    ("first", &[0]),
    ("split", &[-20, 20]),
    ("high", &[10]),
    ("second", &[0]),
];

/// Priorities of the listeners of one guest, by their places, and which of them has an opinion.
const LISTENERS: [i16; 6] = [0, -5, 20, -20, 10, 0];
const DECIDES: usize = 5;

/// Guests, in the order in which they are loaded. Those with more are asked earlier.
const GUESTS: [(&str, i16); 3] = [("second", 0), ("first", 10), ("third", -5)];

/// The order in which the native plugins are to be asked.
const ORDER: [&str; 6] = ["split", "high", "first", "second", "low", "split"];

const ANSWERED: [EventKind; 4] = [
    EventKind::PreLogin,
    EventKind::PostLogin,
    EventKind::ChooseInitialServer,
    EventKind::ServerPreConnect,
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "the-first-opinion-decides",
    &["VB-DSP-10"],
    "Listeners of one guest, of several and of native plugins listen with different and with equal priorities; compares \
     who is asked, in which order, and who decides, when nobody has an opinion and when some have.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        nobody_decides(lab).await?;
        pre_connect_is_decided(lab).await?;
        pre_login_is_decided(lab).await?;
        the_initial_server_is_chosen(lab).await?;
    }
    of_one_guest(lab).await?;
    if lab.offers(Need::TwoPlugins) {
        of_several_guests(lab).await?;
    }
    Ok(())
}

/// The listeners of one guest, which are asked by priority and then in the order in which it subscribed them.
async fn of_one_guest(lab: &HostLab) -> Outcome {
    for (opinion, answer) in [
        (None, ("answer", "none")),
        (Some(DECIDES), ("pre-login", "denied:says it")),
        (Some(DECIDES), ("answer", "virtual-backend")),
    ] {
        let priorities = LISTENERS.map(|priority| priority.to_string()).join(",");
        let decides = DECIDES.to_string();
        let mut config = vec![("priorities", priorities.as_str()), answer];
        config.extend(opinion.map(|_| ("opinion-at", decides.as_str())));
        let mark = lab.recorder.mark();
        let host = lab.host_of_probe(&config).await?;
        let mut player = lab.connect(&host, lab.client());
        let decided = match answer.0 {
            "pre-login" => EventKind::PreLogin,
            _ => EventKind::ServerPreConnect,
        };
        let passes = answer.1 == "virtual-backend";
        if passes {
            lab.until_started(&mut player).await?;
        } else {
            player.until_closed(lab.within(JOIN_LIMIT)).await;
        }
        lab.settle().await;
        for kind in ANSWERED {
            let opinion = opinion.filter(|_| kind == decided);
            must_be_asked_in_one_guest(lab, &player, kind, mark, opinion)?;
            if kind == decided {
                break;
            }
        }
        if !passes && player.kicked().is_none() {
            let expected = "a disconnect with a reason when nobody lets the player in";
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
    }
    Ok(())
}

fn must_be_asked_in_one_guest(
    lab: &HostLab,
    player: &Player,
    kind: EventKind,
    mark: usize,
    opinion: Option<usize>,
) -> Outcome {
    let mut due: Vec<usize> = (0..LISTENERS.len()).collect();
    due.sort_by_key(|place| match lab.choices().lowest_first {
        true => LISTENERS[*place],
        false => -LISTENERS[*place],
    });
    let decides = opinion.filter(|_| !lab.choices().last_opinion);
    if let Some(last) = decides.and_then(|decides| due.iter().position(|at| *at == decides)) {
        due.truncate(last + 1);
    }
    let asked: Vec<usize> = lines::since(lab, mark)
        .iter()
        .filter(|line| line.event() == Some(kind.name()))
        .filter_map(|line| line.value("listener")?.parse().ok())
        .collect();
    if asked == due {
        return Ok(());
    }
    let words = |places: &[usize]| {
        let words: Vec<String> = places
            .iter()
            .map(|place| {
                format!(
                    "{} ({place})",
                    LISTENERS.get(*place).copied().unwrap_or_default()
                )
            })
            .collect();
        words.join(", ")
    };
    let when = match opinion {
        Some(place) => format!("when the one at place {place} has an opinion"),
        None => "when nobody has an opinion".to_owned(),
    };
    let expected = format!(
        "at {kind} the listeners with priorities (and places) {} to be asked {when}",
        words(&due)
    );
    Err(player.broken(CLAUSE, expected, words(&asked)))
}

/// Three guests have opinions: one on everybody, one on names with an `a` in front, one on those with two. Whose word has
/// to count most has one on the fewest.
async fn of_several_guests(lab: &HostLab) -> Outcome {
    let choices = lab.choices();
    let mut guests = GUESTS;
    // From the one whose word counts least.
    guests.sort_by_key(|(_, early)| match choices.last_opinion {
        true => -early,
        false => *early,
    });
    let only = |name: &str| {
        let place = guests.iter().position(|(guest, _)| *guest == name);
        "a".repeat(place.unwrap_or_default())
    };
    let host = lab
        .host(|mut plan| {
            for (name, early) in GUESTS {
                let config = with_config(&[
                    ("priority", &priority(lab, early).to_string()),
                    ("only", &only(name)),
                    ("pre-login", &format!("denied:says {name}")),
                ]);
                plan = plan.guest(name, lab.probe(), config);
            }
            plan
        })
        .await?;
    for (name, _) in guests {
        let mark = lab.recorder.mark();
        let mut player = lab.connect(&host, named(lab, &format!("{}b", only(name))));
        player.until_closed(lab.within(JOIN_LIMIT)).await;
        lab.settle().await;
        let says = format!("says {name}");
        if player.kicked().is_none_or(|(_, _, text)| text != says) {
            let which = if choices.last_opinion {
                "last"
            } else {
                "first"
            };
            let expected = format!("a disconnect with \"{says}\", whose answer came {which}");
            return Err(player.broken(CLAUSE, expected, player.stands()));
        }
        let asked: Vec<String> = lines::since(lab, mark)
            .into_iter()
            .filter(|line| line.event() == Some(EventKind::PreLogin.name()))
            .map(|line| line.plugin)
            .collect();
        for (other, early) in GUESTS {
            let decided = GUESTS
                .iter()
                .any(|(guest, at)| *guest == name && *at > early);
            let due = usize::from(choices.last_opinion || !decided);
            let count = asked.iter().filter(|asked| *asked == other).count();
            if count != due {
                let expected = format!("{other} to be asked {due} times when {name} decides");
                return Err(player.broken(CLAUSE, expected, format!("it was asked {count} times")));
            }
        }
    }
    Ok(())
}

/// A host with the five plugins, of which those that `opinion` knows have one.
async fn host(lab: &HostLab, opinion: impl Fn(&str, Recording) -> Recording) -> Result<Host, Stop> {
    lab.host(|mut plan| {
        for (name, priorities) in PLUGINS {
            let plugin = lab
                .native(name)
                .with_outcome(EventOutcome::NoOpinion)
                .with_priorities(priorities);
            plan = plan.native(name, Arc::new(opinion(name, plugin)), may_play());
        }
        plan
    })
    .await
}

/// Who was asked at an event, in order, since a mark.
fn asked(lab: &HostLab, kind: EventKind, mark: usize) -> Vec<String> {
    lab.notebook
        .lines()
        .into_iter()
        .skip(mark)
        .filter(|(_, _, told)| matches!(told, Told::Event(event) if event.kind() == kind))
        .map(|(_, name, _)| name)
        .collect()
}

fn must_be_asked(
    lab: &HostLab,
    player: &Player,
    kind: EventKind,
    mark: usize,
    due: &[&str],
    why: &str,
) -> Outcome {
    let asked = asked(lab, kind, mark);
    if asked == due {
        return Ok(());
    }
    let expected = format!("at {kind} {} to be asked {why}", due.join(", "));
    Err(player.broken(CLAUSE, expected, asked.join(", ")))
}

async fn nobody_decides(lab: &HostLab) -> Outcome {
    let host = host(lab, |_, plugin| plugin).await?;
    let mark = lab.notebook.lines().len();
    let mut player = lab.connect(&host, lab.client());
    player.until_closed(JOIN_LIMIT).await;
    let why = "when nobody has an opinion, by priority and then in the order of registration";
    for kind in ANSWERED {
        must_be_asked(lab, &player, kind, mark, &ORDER, why)?;
    }
    if lab.recorder.session_starts().is_empty() && player.kicked().is_some() {
        return Ok(());
    }
    let expected = "a disconnect with a reason when nobody decides and no server is configured";
    Err(player.broken(CLAUSE, expected, player.stands()))
}

/// Three of them want the player; only the first that is asked may have it.
async fn pre_connect_is_decided(lab: &HostLab) -> Outcome {
    let host = host(lab, |name, plugin| match name {
        "first" | "second" | "low" => plugin.answering(1),
        _ => plugin,
    })
    .await?;
    let mark = lab.notebook.lines().len();
    let player = lab.join(&host).await?;
    let kind = EventKind::ServerPreConnect;
    let why = "and nobody after the one who has an opinion";
    must_be_asked(lab, &player, kind, mark, &["split", "high", "first"], why)?;
    let mut started: Vec<String> = lab
        .notebook
        .lines()
        .into_iter()
        .skip(mark)
        .filter(|(_, _, told)| matches!(told, Told::Start { .. }))
        .map(|(_, name, _)| name)
        .collect();
    // How often the start comes is another claim.
    started.dedup();
    if started == ["first"] {
        return Ok(());
    }
    let got = format!("on {}", started.join(", "));
    Err(player.broken(CLAUSE, "the session on first, whose answer came first", got))
}

async fn pre_login_is_decided(lab: &HostLab) -> Outcome {
    let denied = |name: &str| {
        EventOutcome::PreLogin(PreLoginResult::Denied(Text::plain(format!("says {name}"))))
    };
    let host = host(lab, |name, plugin| match name {
        "high" | "second" => plugin.answering_to(EventKind::PreLogin, denied(name)),
        "low" => plugin.answering_to(
            EventKind::PreLogin,
            EventOutcome::PreLogin(PreLoginResult::Allowed),
        ),
        _ => plugin,
    })
    .await?;
    let mark = lab.notebook.lines().len();
    let mut player = lab.connect(&host, lab.client());
    player.until_closed(JOIN_LIMIT).await;
    let why = "and nobody after the one who has an opinion";
    must_be_asked(
        lab,
        &player,
        EventKind::PreLogin,
        mark,
        &["split", "high"],
        why,
    )?;
    match player.kicked() {
        Some((_, _, text)) if text == "says high" => Ok(()),
        _ => {
            let expected = "a disconnect with \"says high\", whose answer came first";
            Err(player.broken(CLAUSE, expected, player.stands()))
        }
    }
}

/// At an event that is no gate, an answer of another kind is none.
async fn the_initial_server_is_chosen(lab: &HostLab) -> Outcome {
    let kind = EventKind::ChooseInitialServer;
    let redirect = |name: &str| {
        let to = ChooseInitialServerResult::Redirect(format!("of-{name}"));
        EventOutcome::ChooseInitialServer(to)
    };
    let wrong = EventOutcome::PreLogin(PreLoginResult::Allowed);
    let host = host(lab, |name, plugin| match name {
        "high" => plugin.answering_to(kind, wrong.clone()),
        "second" | "low" => plugin.answering_to(kind, redirect(name)),
        _ => plugin,
    })
    .await?;
    let (mark, seen) = (lab.notebook.lines().len(), lab.recorder.mark());
    let mut player = lab.connect(&host, lab.client());
    player.until_closed(JOIN_LIMIT).await;
    let why =
        "and nobody after the one who has an opinion, which an outcome of another kind is not";
    must_be_asked(lab, &player, kind, mark, &ORDER[..4], why)?;
    let decided = lab.recorder.since(seen, |seen| match &seen.event {
        HostEvent::EventDecided {
            event,
            plugin,
            outcome,
            ..
        } if *event == kind => Some((plugin.clone(), outcome.clone())),
        _ => None,
    });
    if decided == [(Some("second".to_owned()), Ok(redirect("second")))] {
        return Ok(());
    }
    let expected = "the redirect of second, whose answer came first, to decide";
    Err(player.broken(CLAUSE, expected, format!("{decided:?}")))
}

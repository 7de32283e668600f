//! Which plugin was loaded first must not decide who may play.

use std::sync::Arc;

use vb_contract::{
    ChooseInitialServerResult, EventKind, EventOutcome, HostEvent, PreLoginResult, Text,
};

use crate::case::Case;
use crate::lab::door::{Host, Need};
use crate::lab::host::{HostLab, may_play, with_config};
use crate::lab::native::{Recording, Told};
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-10";

/// Plugins in the order in which they are loaded, and the priorities of their listeners.
const PLUGINS: [(&str, &[i16]); 5] = [
    ("low", &[-5]),
    ("first", &[0]),
    ("split", &[-20, 20]),
    ("high", &[10]),
    ("second", &[0]),
];

/// The order in which they are to be asked.
const ORDER: [&str; 6] = ["split", "high", "first", "second", "low", "split"];

const ANSWERED: [EventKind; 4] = [
    EventKind::PreLogin,
    EventKind::PostLogin,
    EventKind::ChooseInitialServer,
    EventKind::ServerPreConnect,
];

/// See the module.
pub const CASE: Case = Case::host(
    "the-first-opinion-decides",
    &["VB-DSP-10"],
    "Five plugins listen with different and with equal priorities; compares who is asked, and in which order, when \
     nobody has an opinion and when some have.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::TwoPlugins]);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        nobody_decides(lab).await?;
        pre_connect_is_decided(lab).await?;
        pre_login_is_decided(lab).await?;
        the_initial_server_is_chosen(lab).await?;
    }
    for opinions in Opinions::ALL {
        of_guests(lab, opinions).await?;
    }
    Ok(())
}

/// Guests in the order in which they are loaded, and the priorities of their listeners.
const GUESTS: [(&str, i16); 4] = [("low", -5), ("first", 0), ("high", 10), ("second", 0)];

/// Which of the guests have an opinion, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opinions {
    /// Nobody has one.
    None,
    /// Three want the player.
    OnPreConnect,
    /// Two deny the login, and one of lower priority allows it.
    OnPreLogin,
}

impl Opinions {
    const ALL: [Self; 3] = [Self::None, Self::OnPreConnect, Self::OnPreLogin];

    /// What a guest answers, by the probe's words: at pre-login, and at server-pre-connect.
    fn of(self, name: &str) -> (String, &'static str) {
        match (self, name) {
            (Self::OnPreConnect, "low" | "first" | "second") => {
                ("none".to_owned(), "virtual-backend")
            }
            (Self::OnPreLogin, "high" | "second") => (format!("denied:says {name}"), "none"),
            (Self::OnPreLogin, "low") => ("allowed".to_owned(), "none"),
            _ => ("none".to_owned(), "none"),
        }
    }

    /// At which event somebody has one.
    fn event(self) -> &'static str {
        match self {
            Self::OnPreLogin => "pre-login",
            Self::None | Self::OnPreConnect => "server-pre-connect",
        }
    }
}

/// Whom the host asks, in this order, and who decides, by what it declares of itself.
fn due(lab: &HostLab, opinions: Opinions) -> (Vec<&'static str>, Option<&'static str>) {
    let mut order = GUESTS.to_vec();
    order.sort_by_key(|(_, priority)| match lab.choices().lowest_first {
        true => *priority,
        false => -priority,
    });
    let names: Vec<&str> = order.into_iter().map(|(name, _)| name).collect();
    let has = |name: &&str| {
        let (pre_login, pre_connect) = opinions.of(name);
        let said = if opinions == Opinions::OnPreLogin {
            pre_login
        } else {
            pre_connect.to_owned()
        };
        said != "none"
    };
    if lab.choices().last_opinion {
        let last = names.iter().copied().rfind(has);
        return (names, last);
    }
    match names.iter().position(|name| has(name)) {
        Some(at) => (
            names.iter().copied().take(at + 1).collect(),
            names.get(at).copied(),
        ),
        None => (names, None),
    }
}

async fn of_guests(lab: &HostLab, opinions: Opinions) -> Outcome {
    let host = lab
        .host(|mut plan| {
            for (name, priority) in GUESTS {
                let (pre_login, answer) = opinions.of(name);
                let priority = priority.to_string();
                let lines = [
                    ("priority", priority.as_str()),
                    ("pre-login", &pre_login),
                    ("answer", answer),
                ];
                plan = plan.guest(name, lab.probe(), with_config(&lines));
            }
            plan
        })
        .await?;
    let mark = lab.recorder.mark();
    let mut player = lab.connect(&host, lab.client());
    match opinions {
        Opinions::OnPreConnect => lab.until_started(&mut player).await?,
        _ => drop(player.until_closed(lab.within(JOIN_LIMIT)).await),
    }
    lab.settle().await;
    let logged = |lead: String| {
        lab.recorder.since(mark, |seen| match &seen.event {
            HostEvent::GuestLog {
                plugin, message, ..
            } if message.starts_with(&lead) => Some(plugin.clone()),
            _ => None,
        })
    };
    let (order, decider) = due(lab, opinions);
    let event = opinions.event();
    let asked = logged(format!("event {event} "));
    if asked != order {
        let expected = format!(
            "at {event} {} to be asked, by priority and then in the order of registration, and nobody whose answer would not count",
            order.join(", ")
        );
        return Err(player.broken(CLAUSE, expected, asked.join(", ")));
    }
    let mut started = logged("start ".to_owned());
    // How often the start comes is another claim.
    started.dedup();
    let kicked = player.kicked().map(|(_, _, text)| text);
    let right = match (opinions, decider) {
        (Opinions::OnPreConnect, Some(name)) => started == [name],
        (Opinions::OnPreLogin, Some("low")) => started.is_empty(),
        (Opinions::OnPreLogin, Some(name)) => {
            started.is_empty() && kicked.as_deref() == Some(&format!("says {name}"))
        }
        _ => started.is_empty() && kicked.is_some(),
    };
    if right {
        return Ok(());
    }
    let expected = match decider {
        Some(name) => format!("what {name} answers at {event} to decide"),
        None => {
            "a disconnect with a reason when nobody decides and no server is configured".to_owned()
        }
    };
    let got = format!("sessions on: {}; {}", started.join(", "), player.stands());
    Err(player.broken(CLAUSE, expected, got))
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

//! A listener relies on what has happened before it is asked.

use std::time::Duration;

use vb_contract::{Event, EventOutcome};
use vb_data::State;

use super::lines;
use crate::case::Case;
use crate::cases::host::bridge::probing::id_of;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::lab::native::Told;
use crate::lab::player::{JOIN_LIMIT, Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-01";

const ORDER: [&str; 5] = [
    "pre-login",
    "post-login",
    "choose-initial-server",
    "server-pre-connect",
    "start",
];

/// How long each listener takes, so that what comes between two events can be seen.
const PAUSE: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "events-come-in-order",
    &["VB-DSP-01"],
    "Two clients connect, one after the other, to a guest and to native listeners that take a second each; compares what \
     they are shown with the order of the contract, and natively with what the client has got by then.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        by_native_listeners(lab).await?;
    }
    let mark = lab.recorder.mark();
    let host = lab.host_of_probe(&[]).await?;
    for _ in 0..2 {
        let mut player = lab.join(&host).await?;
        lab.settle().await;
        in_order(&player, "a guest", &told(lab, &player, mark)?)?;
        player.leave().await;
    }
    Ok(())
}

/// What the probe was told of this connection, up to the start.
fn told(lab: &HostLab, player: &Player, mark: usize) -> Result<Vec<String>, Stop> {
    let id = id_of(player)?;
    let mut told: Vec<String> = lines::since(lab, mark)
        .into_iter()
        .filter(|line| line.value("name") == Some(&player.name) || line.is_of(id))
        .map(|line| line.event().unwrap_or(line.word()).to_owned())
        .filter(|word| ORDER.contains(&word.as_str()))
        .collect();
    // How often the start comes is another claim.
    told.dedup_by(|second, first| second == first && *first == ORDER[4]);
    Ok(told)
}

async fn by_native_listeners(lab: &HostLab) -> Outcome {
    let slow = lab.native("gate").on_event(|event| {
        let answer = match event {
            Event::ServerPreConnect(_) => return None,
            _ => EventOutcome::NoOpinion,
        };
        Some(Box::pin(async move {
            tokio::time::sleep(PAUSE).await;
            answer
        }))
    });
    let host = lab.host_of("gate", slow).await?;
    for _ in 0..2 {
        let skip = lab.notebook.of("gate").len();
        let mut player = lab.join(&host).await?;
        natively(lab, &player, skip)?;
        player.leave().await;
        tokio::time::sleep(JOIN_LIMIT).await;
    }
    Ok(())
}

fn in_order(player: &Player, whom: &str, told: &[String]) -> Outcome {
    if told == ORDER {
        return Ok(());
    }
    let expected = format!("{whom} to be told {}", ORDER.join(", "));
    Err(player.broken(CLAUSE, expected, told.join(", ")))
}

fn natively(lab: &HostLab, player: &Player, skip: usize) -> Outcome {
    let told: Vec<(Duration, String)> = lab
        .notebook
        .of("gate")
        .into_iter()
        .skip(skip)
        .filter(|(_, told)| matches!(told, Told::Event(_) | Told::Start { .. }))
        .map(|(at, told)| (at, told.word()))
        .collect();
    let mut words: Vec<String> = told.iter().map(|(_, word)| word.clone()).collect();
    // How often the start comes is another claim.
    words.dedup_by(|second, first| second == first && *first == ORDER[4]);
    in_order(player, "a native listener", &words)?;
    // All but `server-pre-connect` take a second.
    for (pair, pause) in told.windows(2).zip([PAUSE, PAUSE, PAUSE, Duration::ZERO]) {
        let [(before, asked), (after, next)] = pair else {
            continue;
        };
        if after.saturating_sub(*before) < pause {
            let expected = format!("{next} after the listener has answered {asked}");
            let got = format!(
                "{asked} was asked at {} and takes {}, {next} came at {}",
                secs(*before),
                secs(pause),
                secs(*after)
            );
            return Err(player.broken(CLAUSE, expected, got));
        }
    }
    logged_in_between(player, &told)
}

/// Nothing is answered before `pre-login` is decided, and login success has come before `post-login`.
fn logged_in_between(player: &Player, told: &[(Duration, String)]) -> Outcome {
    let [(pre_login, _), (post_login, _), ..] = told else {
        return Ok(());
    };
    let first = player
        .seen()
        .iter()
        .find(|seen| seen.packet().is_some())
        .map(|seen| seen.at);
    let success = player
        .seen()
        .iter()
        .filter(|seen| seen.packet().is_some_and(|it| it.state == State::Login))
        .map(|seen| seen.at)
        .next_back();
    let expected = "nothing sent before pre-login is decided, and login success before post-login";
    match (first, success) {
        (Some(first), _) if first < *pre_login + PAUSE => {
            let got = format!(
                "the first packet came at {}, pre-login was decided at {}",
                secs(first),
                secs(*pre_login + PAUSE)
            );
            Err(player.broken(CLAUSE, expected, got))
        }
        (_, Some(success)) if success <= *post_login => Ok(()),
        (_, Some(success)) => {
            let got = format!(
                "login success came at {}, post-login at {}",
                secs(success),
                secs(*post_login)
            );
            Err(player.broken(CLAUSE, expected, got))
        }
        _ => Err(player.untestable("the client saw no packet of the login")),
    }
}

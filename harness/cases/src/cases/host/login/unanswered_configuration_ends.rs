//! A client that does not answer in the configuration phase must not hold the line, and one that is just slow may.

use std::time::Duration;

use sim_proto::serverbound;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, STEP};
use crate::lab::player::secs;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-LOG-03";

/// From the clause, and a little for the disconnect itself.
const LIMIT: Duration = Duration::from_secs(15);
const SLACK: Duration = Duration::from_secs(1);

const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "unanswered-configuration-ends",
    &[CLAUSE],
    "Leaves each question of the configuration phase without an answer.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    // At once: each takes as long as the bound.
    let (packs, finish) = futures::future::join(
        leave_open(lab, &host, "select_known_packs", "silent"),
        leave_open(lab, &host, "finish_configuration", "silenter"),
    )
    .await;
    packs.and(finish)?;
    answer_all(lab, &host).await
}

async fn leave_open(lab: &HostLab, host: &Host, question: &'static str, name: &str) -> Outcome {
    let mut line = Line::with_login(lab, host, name).await;
    // A protocol without known packs asks only the last.
    let asked = |name: &str| name == question || name == "finish_configuration";
    let heard = line.hear_until(|said| asked(said.name), PATIENCE).await;
    let Heard::Packet(_) = heard else {
        return Err(never_asked(&line, question, &heard));
    };
    let when = format!("without an answer to {question}");
    line.must_end(CLAUSE, &when, LIMIT + SLACK).await
}

/// With an answer each the session starts.
async fn answer_all(lab: &HostLab, host: &Host) -> Outcome {
    let before = lab.recorder.session_starts().len();
    let mut line = Line::with_login(lab, host, "answering").await;
    let heard = line
        .hear_until(|said| said.name == "finish_configuration", PATIENCE)
        .await;
    let Heard::Packet(_) = heard else {
        return Err(never_asked(&line, "finish_configuration", &heard));
    };
    line.say(
        "settings",
        &serverbound::settings(line.version(), &sim_proto::Settings::default()),
    )
    .await;
    line.say("finish_configuration", &[]).await;
    let deadline = lab.now() + PATIENCE;
    let got = loop {
        lab.wait(STEP).await;
        if lab.recorder.session_starts().len() > before {
            return Ok(());
        }
        match line.hear(STEP).await {
            Heard::Packet(_) => {}
            Heard::Silence if lab.now() < deadline => {}
            heard => break heard.text(),
        }
    };
    let expected = format!("a session for a client that answers within {}", secs(LIMIT));
    Err(line.broken(CLAUSE, expected, got))
}

fn never_asked(line: &Line<'_>, question: &str, heard: &Heard) -> Stop {
    line.untestable(format!("{question} does not come, but {}", heard.text()))
}

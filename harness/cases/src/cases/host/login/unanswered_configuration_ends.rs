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
pub const CASE: Case = Case::host(
    "unanswered-configuration-ends",
    &[CLAUSE],
    "Leaves each question of the configuration phase without an answer.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    // Side by side, since each takes its time.
    let [packs, finish] = ["select_known_packs", "finish_configuration"]
        .map(|question| leave_open(lab, &host, question));
    let (packs, finish) = futures::join!(packs, finish);
    packs.and(finish)?;
    answer_all(lab, &host).await
}

async fn leave_open(lab: &HostLab, host: &Host, question: &'static str) -> Outcome {
    // Another player each time, since both are in the login at once.
    let mut line = Line::with_login(lab, host, &question[..6]).await;
    // A protocol without known packs asks only the last.
    let asked = |name: &str| name == question || name == "finish_configuration";
    let heard = line.hear_until(|said| asked(said.name), PATIENCE).await;
    let Heard::Packet(_) = heard else {
        return Err(never_asked(&line, question, &heard));
    };
    let when = format!("without an answer to {question}");
    line.must_end(CLAUSE, &when, lab.within(LIMIT + SLACK))
        .await
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
    let deadline = lab.now() + lab.within(STEP);
    while lab.now() <= deadline {
        lab.settle().await;
        if lab.recorder.session_starts().len() > before {
            return Ok(());
        }
    }
    let heard = line.hear(STEP).await;
    let expected = format!("a session for a client that answers within {}", secs(LIMIT));
    Err(line.broken(CLAUSE, expected, heard.text()))
}

fn never_asked(line: &Line<'_>, question: &str, heard: &Heard) -> Stop {
    line.untestable(format!("{question} does not come, but {}", heard.text()))
}

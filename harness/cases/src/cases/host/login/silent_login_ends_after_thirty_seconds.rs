//! A connection that says nothing is open for nobody.

use std::time::Duration;

use vb_data::State;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-02";

/// From the clause.
const LIMIT: Duration = Duration::from_secs(30);

/// So long before it, as wide as that is on a clock, whoever speaks is in time.
const MARGIN: Duration = Duration::from_secs(1);

/// For the end itself.
const SLACK: Duration = Duration::from_secs(2);

const SOON: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "silent-login-ends-after-thirty-seconds",
    &[CLAUSE],
    "Falls silent before each packet of the login, lets it trickle, and says it at the last moment.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    // All at once: each takes as long as the bound.
    let outcomes = futures::future::join5(
        nothing_at_all(lab, &host),
        no_login_start(lab, &host),
        trickling_login_start(lab, &host),
        login_start_in_time(lab, &host),
        no_acknowledgement(lab, &host),
    );
    let (nothing, no_start, trickle, in_time, no_acknowledgement) = outcomes.await;
    nothing
        .and(no_start)
        .and(trickle)
        .and(in_time)
        .and(no_acknowledgement)
}

/// The handshake state has no packet that could say why.
async fn nothing_at_all(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::open(lab, host);
    match line.until_end(lab.within(LIMIT + SLACK)).await {
        Ok(_) => Ok(()),
        Err(heard) => {
            let expected = format!("an end within {} without a handshake", secs(LIMIT));
            Err(line.broken(CLAUSE, expected, heard.text()))
        }
    }
}

async fn no_login_start(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::with_handshake(lab, host).await;
    let when = "of a handshake without a login start";
    line.must_end(CLAUSE, when, LIMIT + SLACK).await
}

/// One byte every five seconds is no login start either.
async fn trickling_login_start(lab: &HostLab, host: &Host) -> Outcome {
    const PAUSE: Duration = Duration::from_secs(5);
    let mut line = Line::with_handshake(lab, host).await;
    let frame = line.frame(0, &line.login_start_data("trickle"));
    let mut waited = Duration::ZERO;
    for byte in frame.iter().take(frame.len() - 1) {
        if waited >= LIMIT {
            break;
        }
        line.write(&[*byte]).await;
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    }
    let when = "of a handshake while a login start trickles";
    line.must_end(CLAUSE, when, SLACK).await
}

async fn login_start_in_time(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::with_handshake(lab, host).await;
    let in_time = LIMIT - lab.within(MARGIN);
    tokio::time::sleep(in_time).await;
    line.login_start("late").await;
    match line.hear(lab.within(SOON)).await {
        Heard::Packet(said) if ["compress", "success"].contains(&said.name) => Ok(()),
        heard => {
            let expected = format!("that a login start after {} is in time", secs(in_time));
            Err(line.broken(CLAUSE, expected, heard.text()))
        }
    }
}

/// Where the client has to acknowledge its login.
async fn no_acknowledgement(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::with_login(lab, host, "silent").await;
    let success = line
        .hear_until(|said| said.name == "success", lab.within(SOON))
        .await;
    if success.packet().is_none() {
        let why = format!("no login success came, but {}", success.text());
        return Err(line.untestable(why));
    }
    if line.awaits() == State::Play {
        return Ok(());
    }
    let when = "of a login success without an acknowledgement";
    line.must_end(CLAUSE, when, LIMIT + SLACK).await
}

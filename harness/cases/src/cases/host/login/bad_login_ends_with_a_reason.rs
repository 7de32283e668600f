//! What is not checked before login reaches every plugin.

use std::time::Duration;

use vb_data::{Direction, State};

use super::line::Line;
use super::naming;
use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-02";

/// The shortest and the longest name.
const GOOD: [&str; 2] = ["a", "sixteen_letters_"];

/// None at all, one unit too many, nine letters of two units each, and control characters of both ranges.
const BAD: [&str; 7] = [
    "",
    "seventeen_letters",
    "\u{1d11e}\u{1d11e}\u{1d11e}\u{1d11e}\u{1d11e}\u{1d11e}\u{1d11e}\u{1d11e}\u{1d11e}",
    "a\nb",
    "a\0b",
    "a\u{7f}b",
    "a\u{85}b",
];

/// Ids that no protocol's login state has: a late one of play, and one of a single byte as large as can be.
const STRANGE: [i32; 2] = [0x1a, 0x7f];

/// A host answers at once.
const SOON: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "bad-login-ends-with-a-reason",
    &[CLAUSE],
    "Logs in with names at and past their bounds, twice, and with packets of other states.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    for name in GOOD {
        naming::passes(lab, &host, CLAUSE, name).await?;
    }
    for name in BAD {
        naming::ends(lab, &host, CLAUSE, name).await?;
    }
    naming::only_told_of(lab, CLAUSE, &GOOD).await?;
    second_login(lab, &host).await?;
    other_states(lab, &host).await
}

async fn second_login(lab: &HostLab, host: &Host) -> Outcome {
    let mut line = Line::with_handshake(lab, host).await;
    let data = line.login_start_data("twice");
    let login = line.frame(id(lab, "login_start"), &data);
    // In one piece, so that the second is there before anybody has decided on the first.
    line.write(&[login.clone(), login].concat()).await;
    let ends = line.must_end(CLAUSE, "of a second login start", SOON).await;
    // Where nobody waits for an acknowledgement, who has decided by then reads the second as a packet of play.
    if line.awaits() == State::Play && !lab.is_virtual() {
        return Ok(());
    }
    ends
}

async fn other_states(lab: &HostLab, host: &Host) -> Outcome {
    for id in STRANGE {
        let mut line = Line::with_handshake(lab, host).await;
        line.send(id, &[]).await;
        let when = format!("of a packet {id:#04x} in the login");
        line.must_end(CLAUSE, &when, SOON).await?;
    }
    let mut line = Line::with_handshake(lab, host).await;
    line.say("encryption_begin", &[0, 0]).await;
    line.must_end(
        CLAUSE,
        "of an answer to an encryption that nobody began",
        SOON,
    )
    .await?;
    let table = vb_data::packets(lab.protocol, State::Login, Direction::Serverbound);
    if table.is_some_and(|table| table.id("login_acknowledged").is_some()) {
        let mut line = Line::with_handshake(lab, host).await;
        line.say("login_acknowledged", &[]).await;
        line.must_end(CLAUSE, "of an acknowledgement before the login", SOON)
            .await?;
    }
    Ok(())
}

fn id(lab: &HostLab, name: &str) -> i32 {
    let table = vb_data::packets(lab.protocol, State::Login, Direction::Serverbound);
    table.and_then(|table| table.id(name)).unwrap_or(0)
}

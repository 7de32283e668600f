//! Logins with names that may and may not pass.

use std::time::Duration;

use super::line::Line;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::verdict::Outcome;

/// A host answers at once in virtual time.
const SOON: Duration = Duration::from_secs(1);

/// The host lets the name in, or `clause` is broken.
pub async fn passes(lab: &HostLab, host: &Host, clause: &'static str, name: &str) -> Outcome {
    let mut line = Line::with_login(lab, host, name).await;
    let heard = line.hear(lab.within(SOON)).await;
    let goes_on = |name| ["compress", "success"].contains(&name);
    if heard.packet().is_some_and(|said| goes_on(said.name)) {
        return Ok(());
    }
    let expected = format!("that the name {name:?} may log in");
    Err(line.broken(clause, expected, heard.text()))
}

/// The host ends the login, and no plugin `gate` hears of it, or `clause` is broken.
pub async fn ends(lab: &HostLab, host: &Host, clause: &'static str, name: &str) -> Outcome {
    let mut line = Line::with_login(lab, host, name).await;
    line.must_end(clause, &format!("of a login as {name:?}"), lab.within(SOON))
        .await?;
    lab.settle().await;
    let asked = format!("event pre-login name={name} ");
    let log = lab.recorder.guest_log(PROBE_NAME);
    if log.iter().any(|(_, line)| line.starts_with(&asked)) {
        let expected = format!("that no plugin is told of a login as {name:?}");
        return Err(line.broken(clause, expected, "pre-login was fired"));
    }
    Ok(())
}

//! Logins with names that may and may not pass.

use std::time::Duration;

use super::line::Line;
use crate::lab::door::Host;
use crate::lab::host::{HostLab, PROBE_NAME};
use crate::verdict::{Finding, Outcome};

/// A host answers at once.
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

/// The host ends the login, or `clause` is broken.
pub async fn ends(lab: &HostLab, host: &Host, clause: &'static str, name: &str) -> Outcome {
    let mut line = Line::with_login(lab, host, name).await;
    line.must_end(clause, &format!("of a login as {name:?}"), SOON)
        .await
}

/// The probe has been told of no login but by these names, or `clause` is broken.
pub async fn only_told_of(lab: &HostLab, clause: &'static str, names: &[&str]) -> Outcome {
    lab.settle().await;
    let good = |login: &str| {
        let mut leads = names.iter().map(|name| format!("name={name} claimed="));
        leads.any(|lead| login.starts_with(&lead))
    };
    let lines = lab.recorder.guest_log(PROBE_NAME);
    let mut logins = lines
        .iter()
        .filter_map(|(at, line)| Some((*at, line.strip_prefix("event pre-login ")?)));
    match logins.find(|(_, login)| !good(login)) {
        None => Ok(()),
        Some((at, login)) => {
            let expected = "that no plugin is told of a login that ends for its name";
            let got = format!("pre-login was fired: {login:?}");
            Err(Finding::new(clause, expected, got).at(at).into())
        }
    }
}

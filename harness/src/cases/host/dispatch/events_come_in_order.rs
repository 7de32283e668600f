//! A listener relies on what has happened before it is asked.

use crate::case::Case;
use crate::subject::host::HostLab;
use crate::subject::native::Told;
use crate::verdict::Outcome;

const ORDER: [&str; 5] = [
    "pre-login",
    "post-login",
    "choose-initial-server",
    "server-pre-connect",
    "start",
];

/// See the module.
pub const CASE: Case = Case::host(
    "events-come-in-order",
    &["VB-DSP-01"],
    "Connects and compares the events that a listener is shown with the order of the contract.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    let player = lab.join(&host).await?;
    let told: Vec<String> = lab
        .notebook
        .of("gate")
        .into_iter()
        .filter_map(|(_, told)| match told {
            Told::Event(event) => Some(event.kind().to_string()),
            Told::Start { .. } => Some("start".to_owned()),
            _ => None,
        })
        .collect();
    if told == ORDER {
        return Ok(());
    }
    Err(player.broken("VB-DSP-01", ORDER.join(", "), told.join(", ")))
}

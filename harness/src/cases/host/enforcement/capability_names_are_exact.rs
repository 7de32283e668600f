//! Nobody gets a player's whole connection by a default or a spelling mistake, or believes to have denied it.

use std::sync::Arc;

use reference_backend::{Capability, HostConfig, HostEvent, PluginState};

use crate::case::Case;
use crate::subject::host::{HostLab, PROBE_NAME};
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-06";

/// Lines under `[plugins.probe]`, and whether a plugin may register a handler with them.
const TABLES: [(&str, bool); 7] = [
    ("", false),
    ("permissions = []", false),
    (r#"permissions = ["event-bus", "command"]"#, false),
    (r#"permissions = ["virtual-backend"]"#, true),
    (
        r#"permissions = ["virtual-backend", "virtual-backend"]"#,
        true,
    ),
    (
        "permissions = [\"virtual-backend\"]\ndeny = [\"virtual-backend\"]",
        false,
    ),
    (r#"deny = ["virtual-backend"]"#, false),
];

/// What is no name, and the known name that is nearest.
const MISTAKES: [(&str, &str); 8] = [
    ("virtual_backend", "virtual-backend"),
    ("Virtual-Backend", "virtual-backend"),
    ("virtualbackend", "virtual-backend"),
    ("virtual-backends", "virtual-backend"),
    (" virtual-backend", "virtual-backend"),
    ("event_bus", "event-bus"),
    ("schedular", "scheduler"),
    ("config-reed", "config-read"),
];

/// See the module.
pub const CASE: Case = Case::host(
    "capability-names-are-exact",
    &["VB-ENF-06"],
    "Reads configurations that grant, deny and misspell capabilities, and has a plugin register a handler with those that are good.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

fn table(lines: &str) -> String {
    format!("[plugins.{PROBE_NAME}]\n{lines}\n")
}

async fn run(lab: &HostLab) -> Outcome {
    for (lines, may) in TABLES {
        let config = lab
            .configuration(&table(lines))
            .map_err(|error| Stop::Untestable(error.to_string(), Vec::new()))?;
        starts(lab, config, lines, may).await?;
    }
    for list in ["permissions", "deny"] {
        for (wrong, near) in MISTAKES {
            mistaken(lab, &format!("{list} = [\"{wrong}\"]"), wrong, near)?;
        }
        for capability in Capability::ALL {
            let wrong = capability.name().to_uppercase();
            mistaken(
                lab,
                &format!("{list} = [\"{wrong}\"]"),
                &wrong,
                capability.name(),
            )?;
        }
    }
    Ok(())
}

/// A native plugin registers a handler as it is enabled, which takes the capability, and stays off when it cannot.
async fn starts(lab: &HostLab, config: HostConfig, lines: &str, may: bool) -> Outcome {
    let plugin = config.plugins.get(PROBE_NAME).cloned().unwrap_or_default();
    let mark = lab.recorder.mark();
    let registering = Arc::new(lab.native(PROBE_NAME));
    lab.host(|builder| builder.native(PROBE_NAME, registering, plugin))
        .await?;
    let states = lab.recorder.since(mark, |seen| match &seen.event {
        HostEvent::Plugin { state, .. } => Some(state.clone()),
        _ => None,
    });
    let enabled = states
        .iter()
        .any(|state| matches!(state, PluginState::Enabled { .. }));
    if enabled == may {
        return Ok(());
    }
    let what = if may { "to be let" } else { "to be refused" };
    let expected = format!("a plugin that registers a handler {what} with `{lines}`");
    Err(Finding::new(CLAUSE, expected, format!("it went through {states:?}")).into())
}

fn mistaken(lab: &HostLab, lines: &str, wrong: &str, near: &str) -> Outcome {
    let expected = format!("an error for `{lines}` that names \"{wrong}\" and suggests \"{near}\"");
    let Err(error) = lab.configuration(&table(lines)) else {
        return Err(Finding::new(CLAUSE, expected, "it is taken").into());
    };
    let message = error.message;
    // The nearest name may contain the wrong one, so that each is looked for in its quotes.
    let named = |name: &str| message.contains(&format!("\"{name}\""));
    if named(wrong) && named(near) {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, expected, format!("the error says: {message}")).into())
}

//! Nobody gets a player's whole connection by a default or a spelling mistake, or believes to have denied it.

use vb_contract::{Capability, PluginConfig};

use crate::case::Case;
use crate::lab::door::{Host, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME};
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
pub const CASE: Case<HostLab> = Case::new(
    "capability-names-are-exact",
    &["VB-ENF-06"],
    "Reads configurations that grant, deny and misspell capabilities, and has a plugin register a handler with those that are good.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    for (lines, may) in TABLES {
        starts(lab, lines, may).await?;
    }
    for list in ["permissions", "deny"] {
        for (wrong, near) in MISTAKES {
            mistaken(lab, list, wrong, &[near]).await?;
        }
        for name in Capability::ALL.map(Capability::name) {
            // To a host that counts letters by their case, another name may be nearer.
            let near = if lab.offers(Need::HostEvents) {
                vec![name]
            } else {
                Capability::ALL.map(Capability::name).to_vec()
            };
            mistaken(lab, list, &name.to_uppercase(), &near).await?;
        }
    }
    Ok(())
}

/// A host whose plugin has these lines in its table; its words, where it does not start.
async fn host_with(lab: &HostLab, lines: &str) -> Result<Result<Host, String>, Stop> {
    let plan = Plan::default();
    lab.try_start(plan.guest_written(PROBE_NAME, lab.probe(), lines, PluginConfig::default()))
        .await
}

/// The probe registers a handler as it is enabled, and plays server for whoever comes. Where it may not, it need not
/// have been started.
async fn starts(lab: &HostLab, lines: &str, may: bool) -> Outcome {
    let what = if may { "to be let" } else { "to be refused" };
    let expected = format!("a plugin that registers a handler {what} with `{lines}`");
    let host = match host_with(lab, lines).await? {
        Ok(host) => host,
        Err(_) if !may => return Ok(()),
        Err(text) => {
            let got = format!("the host says: {text}");
            return Err(Finding::new(CLAUSE, expected, got).into());
        }
    };
    let mut player = lab.connect(&host, lab.client());
    let plays = lab.until_started(&mut player).await.is_ok();
    if plays == may {
        return Ok(());
    }
    let got = if plays {
        "it plays server".to_owned()
    } else {
        format!("it plays no server: {}", player.stands())
    };
    Err(player.broken(CLAUSE, expected, got))
}

/// `near` are the names of which one must be suggested.
async fn mistaken(lab: &HostLab, list: &str, wrong: &str, near: &[&str]) -> Outcome {
    let lines = format!("{list} = [\"{wrong}\"]");
    let expected = format!("an error for `{lines}` that names \"{wrong}\" and suggests {near:?}");
    let Err(message) = host_with(lab, &lines).await? else {
        return Err(Finding::new(CLAUSE, expected, "it is taken").into());
    };
    let names = |near: &&str| names_both(lab, &message, wrong, near);
    if near.iter().any(names) {
        return Ok(());
    }
    Err(Finding::new(CLAUSE, expected, format!("the error says: {message}")).into())
}

/// One of them may contain the other: this draft's own host has each in its quotes, and in the words of others the nearest
/// stands besides.
fn names_both(lab: &HostLab, message: &str, wrong: &str, near: &str) -> bool {
    if lab.offers(Need::HostEvents) {
        let quoted = |name: &str| message.contains(&format!("\"{name}\""));
        return quoted(wrong) && quoted(near);
    }
    let within = wrong.matches(near).count();
    message.contains(wrong) && message.matches(near).count() > within
}

//! A guest that may not play server must not even be instantiated, or else must find each call refused.

use vb_contract::{Capability, PluginConfig};

use crate::case::Case;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play};
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-01";

/// What an operator needs to know.
const NAMED: [&str; 2] = [PROBE_NAME, "infrarust:plugin/virtual-backend"];

/// The same as this draft's own host says it: the version of the interface, the capability, and the line that grants it.
const WORDED: [&str; 4] = [
    "infrarust:plugin/virtual-backend@",
    "\"virtual-backend\"",
    "permissions",
    "[plugins.probe]",
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "capability-is-needed-to-start",
    &["VB-ENF-01"],
    "Starts the probe, which imports virtual-backend, without the capability.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let plain = PluginConfig::default();
    let denied = PluginConfig {
        deny: vec![Capability::VirtualBackend],
        ..may_play()
    };
    for (what, config) in [
        ("without the capability", plain),
        ("with a grant that deny takes back", denied),
    ] {
        if lab.choices().refused_per_call {
            each_call_is_refused(lab, what, config).await?;
        } else {
            is_not_started(lab, what, config).await?;
        }
    }
    Ok(())
}

async fn is_not_started(lab: &HostLab, what: &str, config: PluginConfig) -> Outcome {
    let expected =
        "no instance, and an error with plugin, interface, capability and the line that grants it";
    let broken = |got: String| Err(Finding::new(CLAUSE, expected, got).into());
    let plan = Plan::default().guest(PROBE_NAME, lab.probe(), config);
    let Err(message) = lab.try_start(plan).await? else {
        return broken(format!("the guest was instantiated {what}"));
    };
    let worded = WORDED.iter().filter(|_| lab.offers(Need::HostEvents));
    let mut wanted = NAMED.iter().chain(worded);
    if let Some(missing) = wanted.find(|word| !message.contains(**word)) {
        return broken(format!(
            "{what} the error does not say `{missing}`: {message}"
        ));
    }
    lab.settle().await;
    if !lab.recorder.guest_log(PROBE_NAME).is_empty() {
        return broken(format!("the guest ran {what}"));
    }
    Ok(())
}

/// To register a handler is such a call, and without one nobody can be served.
async fn each_call_is_refused(lab: &HostLab, what: &str, mut config: PluginConfig) -> Outcome {
    let expected = "the plugin started, as the host has declared, and each of its calls refused";
    let broken = |got: String| Err(Finding::new(CLAUSE, expected, got).into());
    let before = lab.recorder.guest_log(PROBE_NAME).len();
    let sessions = lab.recorder.session_starts().len();
    config.config.insert("handlers".to_owned(), "1".to_owned());
    let plan = Plan::default().guest(PROBE_NAME, lab.probe(), config);
    let host = match lab.try_start(plan).await? {
        Ok(host) => host,
        Err(message) => return broken(format!("{what} it is not started: {message}")),
    };
    let mut player = lab.connect(&host, lab.client());
    player.until_closed(lab.within(JOIN_LIMIT)).await;
    lab.settle().await;
    let lines = lab.recorder.guest_log(PROBE_NAME);
    let mut lines = lines.iter().skip(before).map(|(_, line)| line.as_str());
    match lines.find_map(|line| line.strip_prefix("result register ")) {
        Some(answer) if answer.starts_with("err ") => {}
        Some(answer) => return broken(format!("{what} registering answered: {answer}")),
        None => return broken(format!("{what} the guest did not come to register")),
    }
    if lab.recorder.session_starts().len() > sessions {
        return broken(format!("a session started {what}"));
    }
    Ok(())
}

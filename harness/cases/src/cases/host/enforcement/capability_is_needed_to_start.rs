//! A guest that may not play server must not even be instantiated.

use vb_contract::{Capability, PluginConfig};

use crate::case::Case;
use crate::cases::host::asking::must_deny;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play};
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-01";

/// See the module.
pub const CASE: Case = Case::host(
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
        let plan = Plan::default().guest(PROBE_NAME, lab.probe(), config);
        let started = lab.try_start(plan).await?;
        let expected = "no instance, and an error with plugin, interface, capability and the line that grants it";
        let message = match started {
            Err(message) => message,
            // Each of its calls is refused instead, so that it can play no server.
            Ok(host) if lab.choices().refused_per_call => {
                let what = format!("a plugin plays server {what}");
                must_deny(lab, &host, CLAUSE, &what, |_| true).await?;
                continue;
            }
            Ok(_) => {
                let got = format!("the guest was instantiated {what}");
                return Err(Finding::new(CLAUSE, expected, got).into());
            }
        };
        let named = [
            PROBE_NAME,
            "infrarust:plugin/virtual-backend",
            "virtual-backend",
            "permissions",
            "[plugins.probe]",
        ];
        // Where the line stands is the host's own affair.
        let due = if lab.offers(Need::HostEvents) { 5 } else { 3 };
        let mut named = named.iter().take(due);
        if let Some(missing) = named.find(|word| !message.contains(**word)) {
            let got = format!("{what} the error does not say `{missing}`: {message}");
            return Err(Finding::new(CLAUSE, expected, got).into());
        }
        lab.settle().await;
        if !lab.recorder.guest_log(PROBE_NAME).is_empty() {
            return Err(Finding::new(CLAUSE, expected, format!("the guest ran {what}")).into());
        }
    }
    Ok(())
}

//! A plugin is code from somewhere else, and the host's secrets are in its environment and arguments. Files and network
//! have cases of their own.

use vb_contract::PluginConfig;

use crate::case::Case;
use crate::lab::carried::{LOOKED, SNOOPS};
use crate::lab::door::{Component, Need, Plan};
use crate::lab::host::HostLab;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-08";

/// What a plugin may find and still have nothing of the host: whether folders lead anywhere, having them does not show.
const OPEN: &str = "directories";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "guests-see-nothing-of-the-machine",
    &["VB-ENF-08"],
    "Loads guests that ask WASI for environment, arguments and folders: each is refused, or finds nothing there.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    for (interface, bytes) in SNOOPS {
        let before = lab.recorder.guest_log("snoop").len();
        let traps = lab.recorder.traps().len();
        let guest = Component::carried(bytes);
        let plan = Plan::default().guest("snoop", guest, PluginConfig::default());
        let Ok(_host) = lab.try_start(plan).await? else {
            continue;
        };
        lab.settle().await;
        let lines = lab.recorder.guest_log("snoop");
        let found: Vec<&str> = lines
            .iter()
            .skip(before)
            .map(|(_, line)| line.as_str())
            .collect();
        let trapped = lab.recorder.traps().len() > traps;
        match found.as_slice() {
            [LOOKED] => {}
            // Linked so that it can start, and refused when it is called, of which not every host tells.
            [] if trapped || !lab.offers(Need::HostEvents) => {}
            [.., LOOKED] if found.contains(&OPEN) => {
                let why = format!("the host links {interface}, which this case cannot look into");
                return Err(Stop::Untestable(why, Vec::new()));
            }
            [.., LOOKED] => {
                let expected =
                    format!("a guest that imports {interface} to be refused, or to find nothing");
                let got = format!(
                    "it started and found {}",
                    found[..found.len() - 1].join(" and ")
                );
                return Err(Finding::new(CLAUSE, expected, got).into());
            }
            _ => {
                let why =
                    format!("a guest that imports {interface} started and did not look: {found:?}");
                return Err(Stop::Untestable(why, Vec::new()));
            }
        }
    }
    Ok(())
}

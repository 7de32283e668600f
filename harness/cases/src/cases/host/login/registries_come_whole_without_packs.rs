//! A client that does not have the pack cannot look the data up.

use std::time::Duration;

use sim_proto::nbt::Tag;
use sim_proto::{Packet, RegistryData};
use vb_data::State;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::lab::host::HostLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-03";

const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "registries-come-whole-without-packs",
    &[CLAUSE],
    "Says that it knows no pack, and looks for the data of each entry of each registry.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut line = Line::with_login(lab, &host, "packless").await;
    let wanted = ["registry_data", "finish_configuration"];
    loop {
        let heard = line
            .hear_until(
                |said| said.state == State::Configuration && wanted.contains(&said.name),
                PATIENCE,
            )
            .await;
        let Heard::Packet(said) = &heard else {
            let why = format!("the configuration phase does not end: {}", heard.text());
            return Err(line.untestable(why));
        };
        let Packet::RegistryData(data) = &said.packet else {
            return Ok(());
        };
        if let Some(entry) = without_data(data) {
            let expected = "every entry with its data for a client that knows no pack";
            return Err(line.broken(CLAUSE, expected, format!("{entry} came without")));
        }
    }
}

/// The first entry that comes with nothing but its name.
fn without_data(data: &RegistryData) -> Option<String> {
    match data {
        RegistryData::One { registry, entries } => entries
            .iter()
            .find(|entry| entry.element.is_none())
            .map(|entry| format!("{} of {registry}", entry.name)),
        RegistryData::Compound(all) => all.entries.iter().find_map(|registry| {
            let value = registry.tag.as_compound()?.get("value")?.as_list()?;
            let bare = |item: &Tag| {
                item.as_compound()
                    .is_none_or(|item| item.get("element").is_none())
            };
            let bare = value.items.iter().position(bare)?;
            Some(format!("entry {bare} of {}", registry.name))
        }),
    }
}

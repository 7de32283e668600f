//! Tags that are sent replace all that the client has, so an entry must not name one that is not among them.

use std::collections::BTreeSet;
use std::time::Duration;

use sim_proto::nbt::Tag;
use sim_proto::{Packet, RegistryData};
use vb_data::State;

use super::line::{Heard, Line};
use crate::case::Case;
use crate::lab::host::HostLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-07";

const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "tags-hold-what-registries-name",
    &[CLAUSE],
    "Collects every tag that an entry of a registry names, and looks for it among the tags that are sent.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut line = Line::with_login(lab, &host, "reader").await;
    let mut named = BTreeSet::new();
    let mut sent = BTreeSet::new();
    let wanted = ["registry_data", "tags", "finish_configuration"];
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
        match &said.packet {
            Packet::RegistryData(data) => collect(data, &mut named),
            // The last of them counts: it replaces those before.
            Packet::Tags(groups) => {
                let tags = groups.iter().flat_map(|group| &group.tags);
                sent = tags.map(|(name, _)| with_namespace(name)).collect();
            }
            _ => break,
        }
    }
    if named.is_empty() {
        return Err(line.untestable("no entry of a registry names a tag"));
    }
    match named.iter().find(|(tag, _)| !sent.contains(tag)) {
        None => Ok(()),
        Some((tag, by)) => {
            let expected = format!("the tag #{tag}, which {by} names, among the tags");
            let got = format!("{} tags without it", sent.len());
            Err(line.broken(CLAUSE, expected, got))
        }
    }
}

/// The tags that the entries of a registry name, each with who does.
fn collect(data: &RegistryData, named: &mut BTreeSet<(String, String)>) {
    match data {
        RegistryData::One { registry, entries } => {
            for entry in entries {
                if let Some(element) = &entry.element {
                    let by = format!("{} in {registry}", entry.name);
                    references(element, &by, named);
                }
            }
        }
        RegistryData::Compound(all) => {
            for registry in &all.entries {
                references(
                    &registry.tag,
                    &format!("an entry of {}", registry.name),
                    named,
                );
            }
        }
    }
}

/// Every "#namespace:path" in a value. Colours, which also start with "#", have no ":".
fn references(value: &Tag, by: &str, named: &mut BTreeSet<(String, String)>) {
    match value {
        Tag::String(text) => {
            if let Some(tag) = text.strip_prefix('#').filter(|tag| tag.contains(':')) {
                named.insert((tag.to_owned(), by.to_owned()));
            }
        }
        Tag::List(list) => list
            .items
            .iter()
            .for_each(|item| references(item, by, named)),
        Tag::Compound(compound) => {
            for entry in &compound.entries {
                references(&entry.tag, by, named);
            }
        }
        _ => {}
    }
}

fn with_namespace(name: &str) -> String {
    if name.contains(':') {
        name.to_owned()
    } else {
        format!("minecraft:{name}")
    }
}

//! A client that misses a registry disconnects, and one that never answers must not hold the line.

use std::collections::BTreeMap;
use std::time::Duration;

use sim_proto::nbt::Tag;
use sim_proto::{Event, Packet as SimPacket, RegistryData};
use vb_data::State;

use crate::case::Case;
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::lab::player::secs;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-03";

/// The table "Registries" of the specification: each row adds to those above.
const REGISTRIES: &[(i32, &[&str])] = &[
    (764, &["dimension_type", "worldgen/biome", "damage_type"]),
    (767, &["painting_variant", "wolf_variant"]),
    (
        770,
        &[
            "cat_variant",
            "chicken_variant",
            "cow_variant",
            "frog_variant",
            "pig_variant",
            "wolf_sound_variant",
        ],
    ),
    (774, &["zombie_nautilus_variant"]),
    (
        775,
        &[
            "cat_sound_variant",
            "chicken_sound_variant",
            "cow_sound_variant",
            "pig_sound_variant",
            "banner_pattern",
            "instrument",
            "jukebox_song",
            "trim_material",
            "world_clock",
        ],
    ),
];

const PATIENCE: Duration = Duration::from_secs(10);

/// From the clause, and a little for the disconnect itself.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const SLACK: Duration = Duration::from_secs(2);

/// A client that is frozen in the configuration phase, and reads on when it should have been disconnected.
async fn falls_silent(lab: &HostLab, host: &Host) -> Outcome {
    let mut player = lab.connect(host, lab.client());
    player
        .until(
            |event| {
                matches!(
                    event,
                    Event::StateChanged {
                        to: State::Configuration,
                        ..
                    }
                )
            },
            PATIENCE,
        )
        .await;
    player.stop_reading();
    tokio::time::sleep(lab.within(LONGEST_WAIT + SLACK)).await;
    player.resume();
    player.until_closed(SLACK).await;
    match player.kicked() {
        // Where finish_configuration is on its way already, the client reads the disconnect in play.
        Some((_, _, reason)) if !reason.trim().is_empty() => Ok(()),
        _ => {
            let expected = format!(
                "a disconnect with a reason after {} without an answer",
                secs(LONGEST_WAIT)
            );
            Err(player.broken(CLAUSE, expected, player.stands()))
        }
    }
}

/// How many entries a registry of the one compound has.
fn entries_of(registry: &Tag) -> usize {
    let Tag::Compound(registry) = registry else {
        return 0;
    };
    let value = registry.entries.iter().find(|entry| entry.name == "value");
    match value.map(|entry| &entry.tag) {
        Some(Tag::List(list)) => list.items.len(),
        _ => 0,
    }
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "configuration-offers-every-registry",
    &["VB-LOG-03"],
    "Reads the registries of the configuration phase, then lets a client fall silent in it.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.connect(&host, lab.client());
    player
        .until(
            |event| {
                matches!(
                    event,
                    Event::StateChanged {
                        to: State::Play,
                        ..
                    }
                )
            },
            PATIENCE,
        )
        .await;
    if let Some((at, fault)) = player.fault() {
        let finding = player.finding(
            CLAUSE,
            "a configuration phase that a client accepts",
            fault.to_string(),
        );
        return Err(finding.at(at).into());
    }
    let mut offered: BTreeMap<String, usize> = BTreeMap::new();
    for packet in player.seen().iter().filter_map(|seen| seen.packet()) {
        match &packet.packet {
            SimPacket::RegistryData(RegistryData::One { registry, entries }) => {
                *offered.entry(registry.clone()).or_default() += entries.len();
            }
            SimPacket::RegistryData(RegistryData::Compound(all)) => {
                for entry in &all.entries {
                    *offered.entry(entry.name.clone()).or_default() += entries_of(&entry.tag);
                }
            }
            _ => {}
        }
    }
    for (from, names) in REGISTRIES.iter().filter(|(from, _)| *from <= lab.protocol) {
        for name in *names {
            let full = format!("minecraft:{name}");
            if offered.get(&full).is_none_or(|entries| *entries == 0) {
                let expected =
                    format!("the registry {full} with at least one entry (from {from} on)");
                let got = format!("offered were {offered:?}");
                return Err(player.broken(CLAUSE, expected, got));
            }
        }
    }
    falls_silent(lab, &host).await
}

//! The JoinGame that our guests' kit writes, beside vanilla's: same fields, and only named values differ.

use std::collections::BTreeSet;

use sim_proto::nbt::{Compound, Tag};
use sim_proto::{Dimension, JoinGame, Packet, decode};
use vb_data::{Direction, State};

use crate::registries::Compared;

/// The fields in which a server's JoinGame may differ from another's: they say which world it is and how it is played,
/// not what the protocol is.
const ITS_OWN: [&str; 15] = [
    "entityId",
    "gameMode",
    "previousGameMode",
    "worldNames",
    "worldName",
    "dimension",
    "hashedSeed",
    "difficulty",
    "maxPlayers",
    "levelType",
    "viewDistance",
    "simulationDistance",
    "isFlat",
    "death",
    "enforcesSecureChat",
];

/// What the comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// Fields whose values differ and may.
    pub(crate) named: BTreeSet<&'static str>,
    /// What must not differ and does.
    pub(crate) wrong: BTreeSet<String>,
}

/// Compares every JoinGame of ours with vanilla's.
pub(crate) fn compare(protocol: i32, vanilla: &JoinGame) -> Differences {
    let mut differences = Differences::default();
    let recording = witness_packets::record(protocol);
    let ours = recording.packets.iter().filter(|packet| {
        packet.state == State::Play
            && packet.direction == Direction::Clientbound
            && packet.name == "login"
    });
    for packet in ours {
        let data = packet.data.clone().into();
        match decode(&recording.context, State::Play, "login", &data) {
            Ok(Packet::JoinGame(join)) => differences.add(&join, vanilla),
            other => drop(differences.wrong.insert(format!("ours reads as {other:?}"))),
        }
    }
    differences
}

impl Differences {
    fn add(&mut self, ours: &JoinGame, theirs: &JoinGame) {
        self.values(ours, theirs);
        self.presence(ours, theirs);
        self.dimension(&ours.dimension, &theirs.dimension);
        match (&ours.codec, &theirs.codec) {
            (Some(ours), Some(theirs)) => self.compound("dimensionCodec", ours, theirs),
            (ours, theirs) => self.same("dimensionCodec", &ours.is_some(), &theirs.is_some()),
        }
    }

    fn values(&mut self, ours: &JoinGame, theirs: &JoinGame) {
        self.value("entityId", &ours.entity_id, &theirs.entity_id);
        self.value("isHardcore", &ours.hardcore, &theirs.hardcore);
        self.value("gameMode", &ours.game_mode, &theirs.game_mode);
        self.value(
            "previousGameMode",
            &ours.previous_game_mode,
            &theirs.previous_game_mode,
        );
        self.value("worldNames", &ours.world_names, &theirs.world_names);
        self.value("worldName", &ours.world_name, &theirs.world_name);
        self.value("hashedSeed", &ours.hashed_seed, &theirs.hashed_seed);
        self.value("difficulty", &ours.difficulty, &theirs.difficulty);
        self.value("maxPlayers", &ours.max_players, &theirs.max_players);
        self.value("levelType", &ours.level_type, &theirs.level_type);
        self.value("viewDistance", &ours.view_distance, &theirs.view_distance);
        self.value(
            "simulationDistance",
            &ours.simulation_distance,
            &theirs.simulation_distance,
        );
        self.value(
            "reducedDebugInfo",
            &ours.reduced_debug_info,
            &theirs.reduced_debug_info,
        );
        self.value(
            "enableRespawnScreen",
            &ours.respawn_screen,
            &theirs.respawn_screen,
        );
        self.value("isDebug", &ours.is_debug, &theirs.is_debug);
        self.value("isFlat", &ours.is_flat, &theirs.is_flat);
        self.value("death", &ours.death, &theirs.death);
        self.value(
            "portalCooldown",
            &ours.portal_cooldown,
            &theirs.portal_cooldown,
        );
    }

    /// What is there on one side is there on the other: the layout is the protocol's.
    fn presence(&mut self, ours: &JoinGame, theirs: &JoinGame) {
        let of = |join: &JoinGame| {
            [
                ("worldName", join.world_name.is_some()),
                ("hashedSeed", join.hashed_seed.is_some()),
                ("difficulty", join.difficulty.is_some()),
                ("levelType", join.level_type.is_some()),
                ("viewDistance", join.view_distance.is_some()),
                ("simulationDistance", join.simulation_distance.is_some()),
                ("reducedDebugInfo", join.reduced_debug_info.is_some()),
                ("enableRespawnScreen", join.respawn_screen.is_some()),
                ("portalCooldown", join.portal_cooldown.is_some()),
            ]
        };
        for ((field, ours), (_, theirs)) in of(ours).into_iter().zip(of(theirs)) {
            self.same(&format!("whether there is a {field}"), &ours, &theirs);
        }
    }

    /// Another dimension of the same codec is a server's own affair; another form is not, nor are other contents.
    fn dimension(&mut self, ours: &Dimension, theirs: &Dimension) {
        match (ours, theirs) {
            (Dimension::Inline(ours), Dimension::Inline(theirs)) => {
                self.compound("dimension", ours, theirs);
            }
            (Dimension::Number(_), Dimension::Number(_))
            | (Dimension::Name(_), Dimension::Name(_)) => {
                self.value("dimension", ours, theirs);
            }
            (ours, theirs) => self.same("dimension", ours, theirs),
        }
    }

    fn compound(&mut self, field: &str, ours: &Compound, theirs: &Compound) {
        let mut compared = Compared::default();
        compared.tag(
            field,
            &Tag::Compound(ours.clone()),
            &Tag::Compound(theirs.clone()),
        );
        self.wrong.extend(compared.different);
    }

    fn value<T: PartialEq + core::fmt::Debug>(
        &mut self,
        field: &'static str,
        ours: &T,
        theirs: &T,
    ) {
        if ours == theirs {
        } else if ITS_OWN.contains(&field) {
            self.named.insert(field);
        } else {
            self.same(field, ours, theirs);
        }
    }

    fn same<T: PartialEq + core::fmt::Debug>(&mut self, field: &str, ours: &T, theirs: &T) {
        if ours != theirs {
            self.wrong.insert(format!(
                "{field} is {ours:?} to us and {theirs:?} to vanilla"
            ));
        }
    }
}

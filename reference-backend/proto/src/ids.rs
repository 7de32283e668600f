//! The packets that this crate itself reads or writes, by name, with their ids in one protocol.

use vb_data::{Direction, State};

use crate::version::Version;

/// A packet that a protocol needs and its table lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("protocol {protocol} has no {direction} packet {name} in the state {state}")]
pub struct MissingPacket {
    /// The protocol.
    pub protocol: i32,
    /// Where it was looked for.
    pub state: State,
    /// Where it was looked for.
    pub direction: Direction,
    /// Its name in vb-data.
    pub name: &'static str,
}

/// Every packet that a login by this protocol, and the host's own packets in play, need from its tables.
pub fn required_packets(protocol: i32) -> Vec<(State, Direction, &'static str)> {
    let mut names = Vec::new();
    let noted = PacketIds::look_up(Version::new(protocol), |state, direction, name| {
        names.push((state, direction, name));
        Ok(0)
    });
    debug_assert!(noted.is_ok(), "nothing was refused");
    names
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginIds {
    pub(crate) start: i32,
    pub(crate) acknowledged: Option<i32>,
    pub(crate) disconnect: i32,
    pub(crate) success: i32,
    pub(crate) compress: Option<i32>,
}

/// Clientbound; what comes back is told apart by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfigurationIds {
    pub(crate) custom_payload: i32,
    pub(crate) disconnect: i32,
    pub(crate) finish: i32,
    pub(crate) keep_alive: i32,
    pub(crate) registry_data: i32,
    pub(crate) feature_flags: i32,
    pub(crate) tags: i32,
    pub(crate) known_packs: Option<i32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PlayIds {
    pub(crate) disconnect: i32,
    pub(crate) message: i32,
    /// Serverbound.
    pub(crate) configuration_acknowledged: Option<i32>,
    /// Clientbound packets that nobody but the host may send.
    reserved: [Option<(i32, &'static str)>; 2],
}

impl PlayIds {
    /// The name of the packet when only the host may send it.
    pub(crate) fn reserved(&self, id: i32) -> Option<&'static str> {
        let hit = self
            .reserved
            .iter()
            .flatten()
            .find(|(reserved, _)| *reserved == id);
        hit.map(|(_, name)| *name)
    }
}

/// Resolved once for each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketIds {
    pub(crate) version: Version,
    pub(crate) login: LoginIds,
    pub(crate) configuration: Option<ConfigurationIds>,
    pub(crate) play: PlayIds,
}

impl PacketIds {
    pub(crate) fn resolve(version: Version) -> Result<Self, MissingPacket> {
        let protocol = version.protocol();
        let mut ids = Self::look_up(version, |state, direction, name| {
            vb_data::packets(protocol, state, direction)
                .and_then(|table| table.id(name))
                .ok_or(MissingPacket {
                    protocol,
                    state,
                    direction,
                    name,
                })
        })?;
        // 1.8 alone has it in play: it would change the framing.
        ids.play.reserved[1] = vb_data::packets(protocol, State::Play, Direction::Clientbound)
            .and_then(|table| table.id("set_compression"))
            .map(|id| (id, "set_compression"));
        Ok(ids)
    }

    fn look_up<F>(version: Version, mut find: F) -> Result<Self, MissingPacket>
    where
        F: FnMut(State, Direction, &'static str) -> Result<i32, MissingPacket>,
    {
        use Direction::{Clientbound, Serverbound};

        let mut when = |wanted: bool, state, direction, name| match wanted {
            true => find(state, direction, name).map(Some),
            false => Ok(None),
        };
        let acknowledges = version.has_configuration_phase();
        let acknowledged = when(
            acknowledges,
            State::Login,
            Serverbound,
            "login_acknowledged",
        )?;
        let compress = when(
            version.has_compression(),
            State::Login,
            Clientbound,
            "compress",
        )?;
        let known_packs = version.has_known_packs();
        when(
            known_packs,
            State::Configuration,
            Serverbound,
            "select_known_packs",
        )?;
        let known_packs = when(
            known_packs,
            State::Configuration,
            Clientbound,
            "select_known_packs",
        )?;
        let configuration_acknowledged = when(
            acknowledges,
            State::Play,
            Serverbound,
            "configuration_acknowledged",
        )?;
        let start_configuration = when(
            acknowledges,
            State::Play,
            Clientbound,
            "start_configuration",
        )?;

        let configuration = if acknowledges {
            for name in [
                "settings",
                "custom_payload",
                "finish_configuration",
                "keep_alive",
            ] {
                find(State::Configuration, Serverbound, name)?;
            }
            let mut find = |name| find(State::Configuration, Clientbound, name);
            Some(ConfigurationIds {
                custom_payload: find("custom_payload")?,
                disconnect: find("disconnect")?,
                finish: find("finish_configuration")?,
                keep_alive: find("keep_alive")?,
                registry_data: find("registry_data")?,
                feature_flags: find("feature_flags")?,
                tags: find("tags")?,
                known_packs,
            })
        } else {
            None
        };
        let message = if version.has_system_chat() {
            "system_chat"
        } else {
            "chat"
        };
        Ok(Self {
            version,
            login: LoginIds {
                start: find(State::Login, Serverbound, "login_start")?,
                acknowledged,
                disconnect: find(State::Login, Clientbound, "disconnect")?,
                success: find(State::Login, Clientbound, "success")?,
                compress,
            },
            configuration,
            play: PlayIds {
                disconnect: find(State::Play, Clientbound, "kick_disconnect")?,
                message: find(State::Play, Clientbound, message)?,
                configuration_acknowledged,
                reserved: [
                    start_configuration.map(|id| (id, "start_configuration")),
                    None,
                ],
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_supported_protocol_has_every_packet_that_it_needs() {
        assert!(!vb_data::supported().is_empty());
        for &protocol in vb_data::supported() {
            for (state, direction, name) in required_packets(protocol) {
                let id =
                    vb_data::packets(protocol, state, direction).and_then(|table| table.id(name));
                assert!(id.is_some(), "{protocol}: {state} {direction} {name}");
            }
            PacketIds::resolve(Version::new(protocol)).unwrap();
        }
    }

    #[test]
    fn ids_that_the_neighbours_know() {
        // As read by hand in minecraft-data's protocol.json.
        let play = |protocol| PacketIds::resolve(Version::new(protocol)).unwrap().play;
        assert_eq!((play(47).disconnect, play(47).message), (0x40, 0x02));
        assert_eq!(play(47).reserved(0x46), Some("set_compression"));
        assert_eq!((play(758).disconnect, play(758).message), (0x1a, 0x0f));
        assert_eq!((play(767).disconnect, play(767).message), (0x1d, 0x6c));
        assert_eq!(play(767).reserved(0x69), Some("start_configuration"));
        assert_eq!(play(767).configuration_acknowledged, Some(0x0c));
        assert_eq!(play(763).configuration_acknowledged, None);
        assert_eq!(play(763).reserved(0x69), None);
    }

    #[test]
    fn an_unknown_protocol_has_no_tables() {
        let error = PacketIds::resolve(Version::new(3)).unwrap_err();
        assert_eq!(error.protocol, 3);
    }
}

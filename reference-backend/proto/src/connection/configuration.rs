//! The configuration phase, from protocol 764 on: brand, registries, tags, and the acknowledgements between them. While
//! it lasts, also while the host has not decided yet, the client is kept alive.

use bytes::Bytes;
use vb_data::{Direction, State};

use super::stage::Stage;
use super::{
    Connection, Event, KEEP_ALIVE_INTERVAL, MAX_CONFIGURATION_BYTES, MAX_CONFIGURATION_PACKETS,
    Now, Phase,
};
use crate::error::{Deadline, PeerError};
use crate::fault::Fault;
use crate::frame::Packet;
use crate::ids::{ConfigurationIds, PacketIds};
use crate::{packets, registry};

/// Longer than any connection lasts, for a keep-alive that stays away.
const NEVER: Now = Now::from_secs(365 * 24 * 60 * 60);

#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) ids: PacketIds,
    /// For each acknowledgement, keep-alives included.
    answer_timeout: Now,
    step: Step,
    keep_alive: KeepAlive,
    packets: usize,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// For the host's [`Connection::enter_play`].
    Idle,
    KnownPacks {
        deadline: Now,
    },
    /// The last packet has been sent; from here on no keep-alive is.
    Finishing {
        deadline: Now,
    },
}

#[derive(Clone, Copy, Debug)]
enum KeepAlive {
    Due { at: Now },
    Unanswered { id: i64, sent: Now },
}

impl Configuration {
    /// With its first keep-alive due at this time.
    pub(super) fn new(ids: PacketIds, answer_timeout: Now, keep_alive: Now) -> Self {
        Self {
            ids,
            answer_timeout,
            step: Step::Idle,
            keep_alive: KeepAlive::Due { at: keep_alive },
            packets: 0,
            bytes: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.step == Step::Idle
    }

    /// The state in which the client understands what it is sent now.
    pub(super) fn inbound(&self) -> Phase {
        match self.step {
            Step::Idle | Step::KnownPacks { .. } => Phase::Configuration,
            Step::Finishing { .. } => Phase::Play,
        }
    }

    pub(super) fn poll_timeout(&self) -> Now {
        let keep_alive = match self.keep_alive {
            KeepAlive::Due { at } => at,
            KeepAlive::Unanswered { sent, .. } => sent + self.answer_timeout,
        };
        match self.step {
            Step::Idle => keep_alive,
            Step::KnownPacks { deadline } => keep_alive.min(deadline),
            Step::Finishing { deadline } => deadline,
        }
    }

    /// What has run out or, if nothing has, the id of a keep-alive that is due.
    fn due(&mut self, now: Now) -> Result<Option<i64>, Deadline> {
        match self.step {
            Step::Finishing { deadline } if deadline <= now => {
                return Err(Deadline::FinishConfiguration);
            }
            Step::KnownPacks { deadline } if deadline <= now => return Err(Deadline::KnownPacks),
            Step::Finishing { .. } => return Ok(None),
            Step::Idle | Step::KnownPacks { .. } => {}
        }
        match self.keep_alive {
            KeepAlive::Unanswered { sent, .. } if sent + self.answer_timeout <= now => {
                Err(Deadline::KeepAlive)
            }
            KeepAlive::Due { at } if at <= now => {
                // Milliseconds as in vanilla, but never the 0 that some clients answer unasked.
                let id = i64::try_from(now.as_millis()).unwrap_or(i64::MAX).max(1);
                self.keep_alive = KeepAlive::Unanswered { id, sent: now };
                Ok(Some(id))
            }
            _ => Ok(None),
        }
    }

    fn answer(&mut self, found: i64) -> Result<(), PeerError> {
        let KeepAlive::Unanswered { id: expected, sent } = self.keep_alive else {
            let phase = Phase::Configuration;
            return Err(PeerError::UnexpectedPacket {
                packet: "keep_alive",
                phase,
            });
        };
        if found != expected {
            return Err(PeerError::WrongKeepAlive { expected, found });
        }
        self.keep_alive = KeepAlive::Due {
            at: sent + KEEP_ALIVE_INTERVAL,
        };
        Ok(())
    }

    fn count(&mut self, packet: &Packet) -> Result<(), PeerError> {
        self.packets += 1;
        self.bytes += packet.data.len();
        let phase = Phase::Configuration;
        if self.packets > MAX_CONFIGURATION_PACKETS {
            let limit = MAX_CONFIGURATION_PACKETS;
            return Err(PeerError::Flood {
                phase,
                unit: "packets",
                limit,
            });
        }
        if self.bytes > MAX_CONFIGURATION_BYTES {
            let limit = MAX_CONFIGURATION_BYTES;
            return Err(PeerError::Flood {
                phase,
                unit: "bytes",
                limit,
            });
        }
        Ok(())
    }
}

impl Connection {
    pub(super) fn expect_configuration(&mut self, ids: PacketIds) {
        let first = if self.config.faults.has(Fault::SilentConfiguration) {
            NEVER
        } else {
            KEEP_ALIVE_INTERVAL
        };
        let timeout = self.config.answer_timeout;
        self.stage = Stage::Configuration(Configuration::new(ids, timeout, self.now + first));
        self.events.push_back(Event::LoggedIn);
    }

    /// The stage and its ids, where there are any.
    fn configuration(&mut self) -> Option<(&mut Configuration, ConfigurationIds)> {
        match &mut self.stage {
            Stage::Configuration(configuration) => {
                let ids = configuration.ids.configuration?;
                Some((configuration, ids))
            }
            _ => None,
        }
    }

    pub(super) fn configuration_timeout(&mut self) {
        let now = self.now;
        let Some((configuration, ids)) = self.configuration() else {
            return;
        };
        match configuration.due(now) {
            Ok(Some(id)) => self.put(ids.keep_alive, "keep_alive", &id.to_be_bytes()),
            Ok(None) => {}
            Err(deadline) => self.time_out(deadline),
        }
    }

    /// Everything up to the first acknowledgement.
    pub(super) fn start_configuration(&mut self) {
        let deadline = self.now + self.config.answer_timeout;
        let Some((configuration, ids)) = self.configuration() else {
            return;
        };
        let protocol = configuration.ids.version.protocol();
        if let Some(known_packs) = ids.known_packs {
            configuration.step = Step::KnownPacks { deadline };
            self.put_head(ids);
            let packs = registry::known_packs(vb_data::known_packs(protocol));
            self.put(known_packs, "select_known_packs", &packs);
        } else {
            self.put_head(ids);
            self.finish();
        }
    }

    fn put_head(&mut self, ids: ConfigurationIds) {
        let brand = registry::brand(&self.config.brand);
        self.put(ids.custom_payload, "custom_payload", &brand);
        self.put(
            ids.feature_flags,
            "feature_flags",
            &registry::feature_flags(),
        );
    }

    /// Everything up to the last acknowledgement.
    fn finish(&mut self) {
        let deadline = self.now + self.config.answer_timeout;
        let Some((configuration, ids)) = self.configuration() else {
            return;
        };
        configuration.step = Step::Finishing { deadline };
        let version = configuration.ids.version;
        let protocol = version.protocol();
        let faults = self.config.faults;
        let mut registries = vb_data::registries(protocol).to_vec();
        if faults.has(Fault::NoVariants) && version.brings_animal_variants() {
            registries.retain(|registry| !registry::is_animal_variant(registry.name));
        }
        for packet in registry::registry_data(version, &registries) {
            self.put(ids.registry_data, "registry_data", &packet);
        }
        let tags = if faults.has(Fault::EmptyTags) {
            &[]
        } else {
            vb_data::tags(protocol)
        };
        self.put(ids.tags, "tags", &registry::tags(tags));
        self.put(ids.finish, "finish_configuration", &Bytes::new());
    }

    pub(super) fn configuration_packet(&mut self, packet: Packet) -> Result<(), PeerError> {
        let Some((configuration, _)) = self.configuration() else {
            return Ok(());
        };
        configuration.count(&packet)?;
        let ids = configuration.ids;
        let step = configuration.step;
        let Packet { id, data } = packet;
        let name = vb_data::packets(
            ids.version.protocol(),
            State::Configuration,
            Direction::Serverbound,
        )
        .and_then(|table| table.name(id))
        .ok_or(PeerError::UnknownPacket {
            id,
            phase: Phase::Configuration,
        })?;
        match (name, step) {
            ("keep_alive", _) => configuration.answer(packets::number(name, &data)?),
            ("settings", _) => packets::settings(&data),
            ("custom_payload", _) => packets::custom_payload(&data),
            ("select_known_packs", Step::KnownPacks { .. }) => {
                packets::known_packs(&data)?;
                self.finish();
                Ok(())
            }
            ("finish_configuration", Step::Finishing { .. }) => {
                packets::empty(name, &data)?;
                self.stage = Stage::Play { ids };
                self.events.push_back(Event::InPlay);
                Ok(())
            }
            // Answers to what this side never asks, but which vanilla's server also lets pass.
            ("pong" | "resource_pack_receive" | "custom_click_action", _) => Ok(()),
            _ => Err(self.unexpected(name)),
        }
    }
}

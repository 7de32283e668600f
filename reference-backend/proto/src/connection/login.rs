//! Handshake, status and login.

use bytes::BytesMut;
use vb_data::{Direction, State};

use super::stage::Stage;
use super::{Connection, Event};
use crate::error::{CloseReason, PeerError};
use crate::fault::Fault;
use crate::frame::Packet;
use crate::ids::PacketIds;
use crate::packets::{self, Handshake, fixed};
use crate::profile::{GameProfile, Names};
use crate::version::Version;
use crate::wire::WriteExt;

/// What a handshake may ask for.
const NEXT_STATUS: i32 = 1;
const NEXT_LOGIN: i32 = 2;
const NEXT_TRANSFER: i32 = 3;

impl Connection {
    /// A packet of any stage before configuration and play.
    pub(super) fn login_packet(&mut self, packet: Packet) -> Result<(), PeerError> {
        match self.stage {
            Stage::Handshake { .. } if packet.id == fixed::HANDSHAKE => self.handshake(&packet),
            Stage::Status {
                version,
                asked,
                deadline,
            } => match packet.id {
                fixed::STATUS_REQUEST if !asked => {
                    packets::empty("ping_start", &packet.data)?;
                    self.stage = Stage::Status {
                        version,
                        asked: true,
                        deadline,
                    };
                    self.answer_status(version);
                    Ok(())
                }
                fixed::STATUS_REQUEST => Err(self.unexpected("ping_start")),
                fixed::STATUS_PING => {
                    packets::number("ping", &packet.data)?;
                    self.put(fixed::STATUS_PONG, "ping", &packet.data);
                    self.end(CloseReason::StatusAnswered);
                    Ok(())
                }
                id => Err(PeerError::UnknownPacket {
                    id,
                    phase: self.state(),
                }),
            },
            Stage::LoginStart { ids, .. } if packet.id == ids.login.start => {
                self.login_start(ids, &packet)
            }
            Stage::Acknowledgement { ids, .. } if ids.login.acknowledged == Some(packet.id) => {
                packets::empty("login_acknowledged", &packet.data)?;
                self.expect_configuration(ids);
                Ok(())
            }
            _ => Err(self.misplaced(packet.id)),
        }
    }

    /// Why a packet does not belong here.
    fn misplaced(&self, id: i32) -> PeerError {
        let name = self.version.and_then(|version| {
            vb_data::packets(version.protocol(), State::Login, Direction::Serverbound)?.name(id)
        });
        match name {
            Some(packet) => self.unexpected(packet),
            None => PeerError::UnknownPacket {
                id,
                phase: self.state(),
            },
        }
    }

    fn handshake(&mut self, packet: &Packet) -> Result<(), PeerError> {
        let Handshake { version, next } = packets::handshake(&packet.data)?;
        self.version = Some(version);
        let deadline = self.now + self.config.login_timeout;
        match next {
            NEXT_STATUS => {
                self.stage = Stage::Status {
                    version,
                    asked: false,
                    deadline,
                }
            }
            NEXT_LOGIN => self.expect_login(version),
            // A client of a protocol without tables is told so, whatever it came for.
            NEXT_TRANSFER if version.has_transfer() || !version.is_supported() => {
                self.expect_login(version)
            }
            other => return Err(PeerError::BadNextState(other)),
        }
        Ok(())
    }

    fn expect_login(&mut self, version: Version) {
        if !version.is_supported() {
            return self.refuse(version);
        }
        let deadline = self.now + self.config.login_timeout;
        match PacketIds::resolve(version) {
            Ok(ids) => self.stage = Stage::LoginStart { ids, deadline },
            Err(missing) => self.end(CloseReason::BadData {
                protocol: missing.protocol,
                packet: missing.name,
            }),
        }
    }

    fn answer_status(&mut self, version: Version) {
        let mut body = BytesMut::new();
        body.put_string(&self.config.status(version, self.online));
        self.put(fixed::STATUS_RESPONSE, "server_info", &body);
        self.events.push_back(Event::StatusRequested {
            protocol: version.protocol(),
        });
    }

    fn login_start(&mut self, ids: PacketIds, packet: &Packet) -> Result<(), PeerError> {
        let (name, claimed_uuid) = packets::login_start(ids.version, &packet.data)?;
        let names = if self.config.faults.has(Fault::AnyName) {
            Names::Any
        } else {
            self.config.names
        };
        names.check(name)?;
        self.events.push_back(Event::LoginStart {
            name: name.to_owned(),
            claimed_uuid,
            protocol: ids.version.protocol(),
        });
        self.stage = Stage::Decision { ids };
        Ok(())
    }

    /// Compression starts with the packet after its announcement, both ways: the client sends nothing between its
    /// login start and login success, so that nothing of it can be on the way.
    pub(super) fn admit(&mut self, ids: PacketIds, profile: &GameProfile) {
        let threshold = self.announce_compression(ids);
        let late = self.config.faults.has(Fault::CompressionLate);
        if let (Some(threshold), false) = (threshold, late) {
            self.output.enable_compression(threshold);
        }
        let mut body = BytesMut::new();
        packets::put_login_success(ids.version, profile, &mut body);
        self.put(ids.login.success, "success", &body);
        if let (Some(threshold), true) = (threshold, late) {
            self.output.enable_compression(threshold);
        }
        if self.is_closed() {
            return;
        }
        if ids.version.has_configuration_phase() {
            let deadline = self.now + self.config.login_timeout;
            self.stage = Stage::Acknowledgement { ids, deadline };
        } else {
            self.stage = Stage::Admission { ids };
            self.events.push_back(Event::LoggedIn);
        }
    }

    /// The threshold, where the protocol and the configuration have one. Holds for what the client sends from now on.
    fn announce_compression(&mut self, ids: PacketIds) -> Option<usize> {
        let (id, threshold) = (ids.login.compress?, self.config.compression_threshold?);
        let threshold = i32::try_from(threshold).unwrap_or(i32::MAX);
        let mut body = BytesMut::new();
        body.put_varint(threshold);
        self.put(id, "compress", &body);
        let threshold = usize::try_from(threshold).unwrap_or(usize::MAX);
        self.input.enable_compression(threshold);
        Some(threshold)
    }
}

//! Between the contract's types as `bindgen!` makes them and the native ones.

use super::bindings::exports::infrarust::plugin::guest::PluginMetadata as WitMetadata;
use super::bindings::infrarust::plugin::events as wit;
use super::bindings::infrarust::plugin::types::{
    self, ComponentParam, ComponentResult, GameProfileParam, GameProfileResult,
    ProfilePropertyParam, ProfilePropertyResult, RawPacketResult,
};
use crate::api::{
    BatchError, ChooseInitialServerResult, Event, EventOutcome, GameProfile, HandlerId,
    KickedFromServerResult, PlayerError, PlayerErrorKind, PluginMetadata, PreLoginResult,
    RawPacket, RegistrationError, RegistrationErrorKind, ServerPreConnectResult, Text, Uuid,
};

impl From<RawPacketResult> for RawPacket {
    fn from(packet: RawPacketResult) -> Self {
        Self {
            packet_id: packet.packet_id,
            data: packet.data.into(),
        }
    }
}

impl From<ComponentResult> for Text {
    fn from(text: ComponentResult) -> Self {
        match text {
            ComponentResult::Plain(text) => Self::Plain(text),
            ComponentResult::Json(text) => Self::Json(text),
        }
    }
}

impl From<WitMetadata> for PluginMetadata {
    fn from(metadata: WitMetadata) -> Self {
        let WitMetadata {
            id,
            name,
            version,
            authors,
            description,
        } = metadata;
        Self {
            id,
            name,
            version,
            authors,
            description,
        }
    }
}

pub(super) fn player_error(error: PlayerError) -> types::PlayerError {
    use types::PlayerErrorKind as Kind;
    let kind = match error.kind {
        PlayerErrorKind::SendFailed => Kind::SendFailed,
        PlayerErrorKind::SessionEnded => Kind::SessionEnded,
        PlayerErrorKind::InvalidPacket => Kind::InvalidPacket,
        PlayerErrorKind::InvalidComponent => Kind::InvalidComponent,
        PlayerErrorKind::UnknownServer => Kind::UnknownServer,
        PlayerErrorKind::SwitchInProgress => Kind::SwitchInProgress,
        PlayerErrorKind::QuotaExceeded => Kind::QuotaExceeded,
        PlayerErrorKind::Unsupported => Kind::Unsupported,
    };
    types::PlayerError {
        kind,
        message: error.message,
    }
}

pub(super) fn batch_error(error: BatchError) -> types::BatchError {
    types::BatchError {
        index: error.index,
        error: player_error(error.error),
    }
}

pub(super) fn registration_error(error: RegistrationError) -> types::RegistrationError {
    use types::RegistrationErrorKind as Kind;
    let kind = match error.kind {
        RegistrationErrorKind::AlreadyRegistered => Kind::AlreadyRegistered,
        RegistrationErrorKind::QuotaExceeded => Kind::QuotaExceeded,
        // A guest that is not granted the interface cannot call it; the nearest word all the same.
        RegistrationErrorKind::TooLate | RegistrationErrorKind::NotGranted => Kind::TooLate,
        RegistrationErrorKind::InvalidName => Kind::InvalidName,
    };
    types::RegistrationError {
        kind,
        message: error.message,
    }
}

pub(super) fn profile(profile: &GameProfile) -> GameProfileResult {
    GameProfileResult {
        uuid: uuid(profile.uuid),
        name: profile.name.clone(),
        properties: profile
            .properties
            .iter()
            .map(|property| ProfilePropertyResult {
                name: property.name.clone(),
                value: property.value.clone(),
                signature: property.signature.clone(),
            })
            .collect(),
    }
}

fn uuid(uuid: Uuid) -> types::Uuid {
    let (most_significant, least_significant) = uuid.halves();
    types::Uuid {
        most_significant,
        least_significant,
    }
}

/// The list that a borrowed profile refers to.
pub(super) fn properties(event: &Event) -> Vec<ProfilePropertyParam<'_>> {
    let profile = match event {
        Event::PostLogin(event) => &event.profile,
        Event::ChooseInitialServer(event) => &event.profile,
        Event::ServerPreConnect(event) => &event.profile,
        _ => return Vec::new(),
    };
    profile
        .properties
        .iter()
        .map(|property| ProfilePropertyParam {
            name: &property.name,
            value: &property.value,
            signature: property.signature.as_deref(),
        })
        .collect()
}

/// `properties` is what [`properties`] made of the same event.
pub(super) fn event<'a>(
    event: &'a Event,
    properties: &'a [ProfilePropertyParam<'a>],
) -> wit::Event<'a> {
    let profile = |profile: &'a GameProfile| GameProfileParam {
        uuid: uuid(profile.uuid),
        name: &profile.name,
        properties,
    };
    match event {
        Event::PreLogin(event) => wit::Event::PreLogin(wit::PreLoginEvent {
            name: &event.name,
            claimed_uuid: event.claimed_uuid.map(uuid),
            protocol_version: event.protocol_version,
            remote_address: &event.remote_address,
        }),
        Event::PostLogin(event) => wit::Event::PostLogin(wit::PostLoginEvent {
            player_id: event.player_id.0,
            profile: profile(&event.profile),
            protocol_version: event.protocol_version,
        }),
        Event::ChooseInitialServer(event) => {
            wit::Event::ChooseInitialServer(wit::ChooseInitialServerEvent {
                player_id: event.player_id.0,
                profile: profile(&event.profile),
                initial: event.initial.as_deref(),
            })
        }
        Event::ServerPreConnect(event) => {
            wit::Event::ServerPreConnect(wit::ServerPreConnectEvent {
                player_id: event.player_id.0,
                profile: profile(&event.profile),
                protocol_version: event.protocol_version,
                target: event.target.as_deref(),
            })
        }
        Event::KickedFromServer(event) => {
            wit::Event::KickedFromServer(wit::KickedFromServerEvent {
                player_id: event.player_id.0,
                server: &event.server,
                reason: event.reason.as_ref().map(|text| match text {
                    Text::Plain(text) => ComponentParam::Plain(text),
                    Text::Json(text) => ComponentParam::Json(text),
                }),
            })
        }
        Event::SwitchFailed(event) => wit::Event::SwitchFailed(wit::SwitchFailedEvent {
            player_id: event.player_id.0,
            target: &event.target,
            reason: &event.reason,
        }),
        Event::PlayerDisconnect(event) => {
            wit::Event::PlayerDisconnect(wit::PlayerDisconnectEvent {
                player_id: event.player_id.0,
            })
        }
    }
}

impl From<wit::EventOutcome> for EventOutcome {
    fn from(outcome: wit::EventOutcome) -> Self {
        match outcome {
            wit::EventOutcome::NoOpinion => Self::NoOpinion,
            wit::EventOutcome::PreLogin(result) => Self::PreLogin(match result {
                wit::PreLoginResult::Allowed => PreLoginResult::Allowed,
                wit::PreLoginResult::Denied(text) => PreLoginResult::Denied(text.into()),
            }),
            wit::EventOutcome::ChooseInitialServer(result) => {
                Self::ChooseInitialServer(match result {
                    wit::ChooseInitialServerResult::Allowed => ChooseInitialServerResult::Allowed,
                    wit::ChooseInitialServerResult::Redirect(server) => {
                        ChooseInitialServerResult::Redirect(server)
                    }
                })
            }
            wit::EventOutcome::ServerPreConnect(result) => Self::ServerPreConnect(match result {
                wit::ServerPreConnectResult::Allowed => ServerPreConnectResult::Allowed,
                wit::ServerPreConnectResult::ConnectTo(server) => {
                    ServerPreConnectResult::ConnectTo(server)
                }
                wit::ServerPreConnectResult::SendToLimbo(why) => {
                    ServerPreConnectResult::SendToLimbo(why)
                }
                wit::ServerPreConnectResult::Denied(text) => {
                    ServerPreConnectResult::Denied(text.into())
                }
                wit::ServerPreConnectResult::VirtualBackend(id) => {
                    ServerPreConnectResult::VirtualBackend(HandlerId(id))
                }
            }),
            wit::EventOutcome::KickedFromServer(result) => Self::KickedFromServer(match result {
                wit::KickedFromServerResult::Disconnect(text) => {
                    KickedFromServerResult::Disconnect(text.into())
                }
                wit::KickedFromServerResult::Redirect(server) => {
                    KickedFromServerResult::Redirect(server)
                }
                wit::KickedFromServerResult::SendToLimbo(why) => {
                    KickedFromServerResult::SendToLimbo(why)
                }
                wit::KickedFromServerResult::VirtualBackend(id) => {
                    KickedFromServerResult::VirtualBackend(HandlerId(id))
                }
            }),
        }
    }
}

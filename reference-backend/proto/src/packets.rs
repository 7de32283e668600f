//! The packets outside of play: reading what the client sends, writing what it is sent.

use bytes::{BufMut, BytesMut};

use crate::error::PeerError;
use crate::layout::{self, LoginStart, SystemMessage, UuidForm};
use crate::profile::{GameProfile, MAX_LOGIN_PROPERTIES, MAX_NAME, Uuid};
use crate::text::TextComponent;
use crate::version::Version;
use crate::wire::{Reader, WireError, WriteExt};

/// Ids that are the same in every protocol, and so known before there is one.
pub(crate) mod fixed {
    pub(crate) const HANDSHAKE: i32 = 0;
    pub(crate) const STATUS_REQUEST: i32 = 0;
    pub(crate) const STATUS_PING: i32 = 1;
    pub(crate) const STATUS_RESPONSE: i32 = 0;
    pub(crate) const STATUS_PONG: i32 = 1;
    /// Its text is JSON in every protocol, so that a client of any of them can be told that it is not supported.
    pub(crate) const LOGIN_DISCONNECT: i32 = 0;
}

/// UTF-16 units of the handshake's server address.
const MAX_ADDRESS: usize = 255;
/// Bytes of the public key in login start (vanilla's bound).
const MAX_PUBLIC_KEY: usize = 512;
/// Bytes of the signature over it (vanilla's bound).
const MAX_KEY_SIGNATURE: usize = 4096;
/// Packs in the client's reply (vanilla's bound).
const MAX_KNOWN_PACKS: usize = 64;
/// UTF-16 units of an identifier or any other string without a bound of its own.
const MAX_STRING: usize = 32_767;
/// Bytes of a plugin message from the client (vanilla's bound).
const MAX_PAYLOAD: usize = 32_767;
/// UTF-16 units of the language in the client's settings (vanilla's bound).
const MAX_LOCALE: usize = 16;

/// What a client opens with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) version: Version,
    pub(crate) next: i32,
}

/// Reads a whole packet: too short and too long are both the client's fault.
fn whole<'a, T>(
    packet: &'static str,
    data: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<T, PeerError> {
    let mut reader = Reader::new(data);
    let value = read(&mut reader).map_err(|error| PeerError::MalformedPacket { packet, error })?;
    match reader.remaining() {
        0 => Ok(value),
        left => Err(PeerError::TrailingBytes { packet, left }),
    }
}

/// A packet without fields.
pub(crate) fn empty(packet: &'static str, data: &[u8]) -> Result<(), PeerError> {
    whole(packet, data, |_| Ok(()))
}

/// A packet of one `i64`: pings and keep-alives.
pub(crate) fn number(packet: &'static str, data: &[u8]) -> Result<i64, PeerError> {
    whole(packet, data, Reader::i64)
}

pub(crate) fn handshake(data: &[u8]) -> Result<Handshake, PeerError> {
    whole("set_protocol", data, |reader| {
        let version = Version::new(reader.varint()?);
        reader.string(MAX_ADDRESS)?;
        reader.u16()?;
        let next = reader.varint()?;
        Ok(Handshake { version, next })
    })
}

/// The name, and the UUID where the client states one.
pub(crate) fn login_start(
    version: Version,
    data: &[u8],
) -> Result<(&str, Option<Uuid>), PeerError> {
    whole("login_start", data, |reader| {
        let name = reader.string(MAX_NAME)?;
        let uuid = match layout::login_start(version) {
            LoginStart::Name => None,
            LoginStart::NameSignature => {
                key_signature(reader)?;
                None
            }
            LoginStart::NameSignatureOptionalUuid => {
                key_signature(reader)?;
                optional_uuid(reader)?
            }
            LoginStart::NameOptionalUuid => optional_uuid(reader)?,
            LoginStart::NameUuid => Some(Uuid(reader.u128()?)),
        };
        Ok((name, uuid))
    })
}

fn key_signature(reader: &mut Reader<'_>) -> Result<(), WireError> {
    if reader.bool()? {
        reader.i64()?;
        for limit in [MAX_PUBLIC_KEY, MAX_KEY_SIGNATURE] {
            let len = reader.length(limit)?;
            reader.bytes(len)?;
        }
    }
    Ok(())
}

fn optional_uuid(reader: &mut Reader<'_>) -> Result<Option<Uuid>, WireError> {
    match reader.bool()? {
        true => reader.u128().map(Uuid).map(Some),
        false => Ok(None),
    }
}

/// The client's packs are looked at and forgotten: it is given every element, whether it has it or not.
pub(crate) fn known_packs(data: &[u8]) -> Result<(), PeerError> {
    whole("select_known_packs", data, |reader| {
        for _ in 0..reader.length(MAX_KNOWN_PACKS)? {
            for _ in 0..3 {
                reader.string(MAX_STRING)?;
            }
        }
        Ok(())
    })
}

/// A plugin message: only its bounds are looked at.
pub(crate) fn custom_payload(data: &[u8]) -> Result<(), PeerError> {
    whole("custom_payload", data, |reader| {
        reader.string(MAX_STRING)?;
        let found = reader.remaining();
        if found > MAX_PAYLOAD {
            return Err(WireError::TooLong {
                found,
                limit: MAX_PAYLOAD,
            });
        }
        reader.bytes(found)?;
        Ok(())
    })
}

/// The client's settings: only their first field is looked at, since the rest grows with the protocols.
pub(crate) fn settings(data: &[u8]) -> Result<(), PeerError> {
    whole("settings", data, |reader| {
        reader.string(MAX_LOCALE)?;
        reader.bytes(reader.remaining())?;
        Ok(())
    })
}

pub(crate) fn put_login_success(version: Version, profile: &GameProfile, out: &mut BytesMut) {
    let layout = layout::login_success(version);
    match layout.uuid {
        UuidForm::Undashed => out.put_string(&format!("{:032x}", profile.uuid.0)),
        UuidForm::Dashed => out.put_string(&profile.uuid.to_string()),
        UuidForm::Binary => out.put_u128(profile.uuid.0),
    }
    out.put_string(&profile.name);
    if layout.properties {
        let limit = match version.limits_profile_properties() {
            true => MAX_LOGIN_PROPERTIES,
            false => profile.properties.len(),
        };
        let properties = &profile.properties[..limit.min(profile.properties.len())];
        out.put_len(properties.len());
        for property in properties {
            out.put_string(&property.name);
            out.put_string(&property.value);
            out.put_bool(property.signature.is_some());
            if let Some(signature) = &property.signature {
                out.put_string(signature);
            }
        }
    }
    if layout.strict_error_handling {
        // Off, as in vanilla: a packet that the client cannot handle is logged there and does not end the session.
        out.put_bool(false);
    }
    if layout.session_id {
        // Only told apart from other sessions; a player has one at a time.
        out.put_u128(profile.uuid.0);
    }
}

/// Text as play and configuration carry it.
pub(crate) fn put_text(version: Version, text: &TextComponent, out: &mut BytesMut) {
    if version.has_nbt_text() {
        text.put_nbt(out);
    } else {
        out.put_string(text.as_json());
    }
}

/// Text as the login carries it, in every protocol.
pub(crate) fn put_login_text(text: &TextComponent, out: &mut BytesMut) {
    out.put_string(text.as_json());
}

pub(crate) fn put_system_message(version: Version, text: &TextComponent, out: &mut BytesMut) {
    put_text(version, text, out);
    put_message_kind(version, out);
}

/// What follows the text of a system message.
pub(crate) fn put_message_kind(version: Version, out: &mut BytesMut) {
    /// In the chat, but not said by a player.
    const SYSTEM_POSITION: i8 = 1;
    /// `system` in vanilla's registry of chat types.
    const SYSTEM_CHAT_TYPE: i32 = 1;

    match layout::system_message(version) {
        SystemMessage::Nothing => {}
        SystemMessage::Position => out.put_i8(SYSTEM_POSITION),
        SystemMessage::PositionSender => {
            out.put_i8(SYSTEM_POSITION);
            out.put_u128(0);
        }
        SystemMessage::ChatType => out.put_varint(SYSTEM_CHAT_TYPE),
        SystemMessage::Overlay => out.put_bool(false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::ProfileProperty;

    fn success(protocol: i32, properties: usize) -> BytesMut {
        let mut profile = GameProfile::offline("Notch");
        profile.properties = vec![
            ProfileProperty {
                name: "p".to_owned(),
                value: "v".to_owned(),
                signature: Some("s".to_owned()),
            };
            properties
        ];
        let mut out = BytesMut::new();
        put_login_success(Version::new(protocol), &profile, &mut out);
        out
    }

    const DASHED: &[u8] = b"\x24b50ad385-829d-3141-a216-7e7d7539ba7f\x05Notch";
    const BINARY: &[u8] =
        b"\xb5\x0a\xd3\x85\x82\x9d\x31\x41\xa2\x16\x7e\x7d\x75\x39\xba\x7f\x05Notch";
    const PROPERTY: &[u8] = b"\x01p\x01v\x01\x01s";

    #[test]
    fn login_success_by_range() {
        assert_eq!(
            &success(4, 1)[..],
            b"\x20b50ad385829d3141a2167e7d7539ba7f\x05Notch"
        );
        assert_eq!(&success(5, 1)[..], DASHED);
        assert_eq!(&success(578, 1)[..], DASHED);
        assert_eq!(&success(735, 1)[..], BINARY);
        assert_eq!(success(759, 1), [BINARY, b"\x01", PROPERTY].concat());
        assert_eq!(success(766, 0), [BINARY, b"\0\0"].concat());
        assert_eq!(success(768, 0), [BINARY, b"\0"].concat());
        assert_eq!(success(776, 0), [BINARY, b"\0", &BINARY[..16]].concat());
    }

    #[test]
    fn a_client_that_takes_no_more_than_16_properties_gets_no_more() {
        assert_eq!(
            success(765, 17),
            [BINARY, b"\x11", &PROPERTY.repeat(17)].concat()
        );
        assert_eq!(
            success(775, 16),
            [BINARY, b"\x10", &PROPERTY.repeat(16)].concat()
        );
        assert_eq!(success(775, 17), success(775, 16));
    }

    #[test]
    fn system_messages_by_range() {
        let message = |protocol| {
            let mut out = BytesMut::new();
            let text = TextComponent::plain("a").unwrap();
            put_system_message(Version::new(protocol), &text, &mut out);
            out.to_vec()
        };
        let json: &[u8] = b"\x0c{\"text\":\"a\"}";
        assert_eq!(message(5), json);
        assert_eq!(message(47), [json, b"\x01"].concat());
        assert_eq!(message(735), [json, b"\x01", &[0; 16]].concat());
        assert_eq!(message(759), [json, b"\x01"].concat());
        assert_eq!(message(764), [json, b"\0"].concat());
        assert_eq!(message(765), b"\x08\0\x01a\0");
    }

    #[test]
    fn login_start_by_range() {
        let name = b"\x05Notch".as_slice();
        let uuid = [7; 16];
        let key: &[u8] = b"\x01\0\0\0\0\0\0\0\x09\x02kk\x03sss";
        let read = |protocol, parts: &[&[u8]]| {
            let data = parts.concat();
            let (name, uuid) = login_start(Version::new(protocol), &data)?;
            Ok((name.to_owned(), uuid))
        };
        let expected = |uuid| Ok(("Notch".to_owned(), uuid));
        let stated = Some(Uuid(u128::from_be_bytes(uuid)));
        assert_eq!(read(47, &[name]), expected(None));
        assert_eq!(read(758, &[name]), expected(None));
        assert_eq!(read(759, &[name, b"\0"]), expected(None));
        assert_eq!(read(759, &[name, key]), expected(None));
        assert_eq!(read(760, &[name, key, b"\0"]), expected(None));
        assert_eq!(read(760, &[name, b"\0\x01", &uuid]), expected(stated));
        assert_eq!(read(761, &[name, b"\0"]), expected(None));
        assert_eq!(read(763, &[name, b"\x01", &uuid]), expected(stated));
        assert_eq!(read(764, &[name, &uuid]), expected(stated));
        let packet = "login_start";
        let trailing = PeerError::TrailingBytes { packet, left: 1 };
        assert_eq!(read(47, &[name, b"\0"]), Err(trailing));
        let error = WireError::Incomplete;
        assert_eq!(
            read(764, &[name]),
            Err(PeerError::MalformedPacket { packet, error })
        );
        let error = WireError::TooLong {
            found: 17,
            limit: 16,
        };
        let long = b"\x11seventeen_letters".as_slice();
        assert_eq!(
            read(47, &[long]),
            Err(PeerError::MalformedPacket { packet, error })
        );
    }

    #[test]
    fn a_plugin_message_at_the_limit_and_past_it() {
        let message = |len: usize| [b"\x01c".as_slice(), &vec![0; len]].concat();
        assert_eq!(custom_payload(&message(MAX_PAYLOAD)), Ok(()));
        let error = WireError::TooLong {
            found: MAX_PAYLOAD + 1,
            limit: MAX_PAYLOAD,
        };
        let packet = "custom_payload";
        let error = PeerError::MalformedPacket { packet, error };
        assert_eq!(custom_payload(&message(MAX_PAYLOAD + 1)), Err(error));
    }

    proptest! {
        #[test]
        fn arbitrary_packets_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = handshake(&data);
            let _ = known_packs(&data);
            let _ = custom_payload(&data);
            let _ = settings(&data);
            for protocol in [4, 759, 760, 761, 764] {
                let _ = login_start(Version::new(protocol), &data);
            }
        }
    }
}

use bytes::Bytes;

use super::Packet;
use crate::Text;
use crate::layout::{self, UuidForm};
use crate::wire::{DecodeError, DecodeErrorKind, JsonReading, Reader};

/// Longest player name in UTF-16 units.
const MAX_NAME: usize = 16;
/// Longest server id of an encryption request.
const MAX_SERVER_ID: usize = 20;
/// Most bytes of a login plugin request (vanilla's custom query).
const MAX_QUERY: usize = 1 << 20;
/// Most bytes of a key or token; RSA keys here have 1024 bits.
const MAX_KEY: usize = 32_767;
/// Longest property name, value and signature (the same codec's, and `readUtf`'s default before).
const MAX_PROPERTY: usize = 32_767;
/// Longest text of a UUID.
const MAX_UUID_TEXT: usize = 36;
/// Longest status in UTF-16 units.
const MAX_STATUS: usize = 32_767;

/// Login success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSuccess {
    /// The player's UUID.
    pub uuid: u128,
    /// The player's name.
    pub name: String,
    /// Name, value, signature (759+).
    pub properties: Vec<(String, String, Option<String>)>,
    /// Whether the client should disconnect on errors (766, 767).
    pub strict_error_handling: Option<bool>,
    /// The session's UUID (776+).
    pub session: Option<u128>,
}

/// The server wants encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionRequest {
    /// Empty since 1.7.
    pub server_id: String,
    /// The server's key, DER.
    pub public_key: Bytes,
    /// To be sent back encrypted.
    pub verify_token: Bytes,
    /// Whether the client should authenticate first (766+).
    pub authenticate: Option<bool>,
}

pub(super) fn read_status(r: &mut Reader<'_>, name: &str) -> Result<Packet, DecodeError> {
    Ok(match name {
        "server_info" => Packet::StatusResponse(r.string("response", MAX_STATUS)?.to_owned()),
        "ping" => Packet::StatusPong(r.i64("time")?),
        _ => Packet::Opaque,
    })
}

pub(super) fn read_login(r: &mut Reader<'_>, name: &str) -> Result<Packet, DecodeError> {
    Ok(match name {
        "disconnect" => Packet::Disconnect(read_login_text(r, "reason")?),
        "encryption_begin" => Packet::EncryptionRequest(encryption_request(r)?),
        "success" => Packet::LoginSuccess(success(r)?),
        "compress" => Packet::SetCompression(r.varint("threshold")?),
        "login_plugin_request" => Packet::LoginPluginRequest {
            id: r.varint("messageId")?,
            channel: r.identifier("channel")?.to_owned(),
            data: Bytes::copy_from_slice(r.rest("data", MAX_QUERY)?),
        },
        "cookie_request" => Packet::CookieRequest {
            key: r.identifier("cookie")?.to_owned(),
        },
        _ => Packet::Opaque,
    })
}

/// Why a login ends. Read leniently on all; on those that read strictly elsewhere, what follows it is not looked at.
fn read_login_text(r: &mut Reader<'_>, name: &'static str) -> Result<Text, DecodeError> {
    let start = r.offset();
    let json = r.string(name, r.version().max_json_text())?;
    let reading = if r.version().reads_json_leniently() {
        JsonReading::LenientWhole
    } else {
        JsonReading::Lenient
    };
    Text::from_read_json(r.version(), json, reading).map_err(|error| r.error_at(start, name, error))
}

/// A text component as JSON.
pub(crate) fn read_json_text(r: &mut Reader<'_>, name: &'static str) -> Result<Text, DecodeError> {
    let start = r.offset();
    let json = r.string(name, r.version().max_json_text())?;
    let reading = if r.version().reads_json_leniently() {
        JsonReading::LenientWhole
    } else {
        JsonReading::Strict
    };
    Text::from_read_json(r.version(), json, reading).map_err(|error| r.error_at(start, name, error))
}

fn success(r: &mut Reader<'_>) -> Result<LoginSuccess, DecodeError> {
    let layout = layout::profile(r.version());
    let uuid = match layout.uuid {
        UuidForm::Binary => r.uuid("uuid")?,
        UuidForm::Dashed => uuid_text(r, true)?,
        UuidForm::Undashed => uuid_text(r, false)?,
    };
    let name = r.string("username", MAX_NAME)?.to_owned();
    let properties = if layout.properties {
        r.array("properties", r.version().max_profile_properties(), |r| {
            let name = r.string("name", MAX_PROPERTY)?.to_owned();
            let value = r.string("value", MAX_PROPERTY)?.to_owned();
            let signature = r.option("signature", |r| {
                r.string("signature", MAX_PROPERTY).map(str::to_owned)
            })?;
            Ok((name, value, signature))
        })?
    } else {
        Vec::new()
    };
    let strict_error_handling = layout
        .strict_errors
        .then(|| r.bool("strictErrorHandling"))
        .transpose()?;
    let session = layout.session.then(|| r.uuid("sessionId")).transpose()?;
    Ok(LoginSuccess {
        uuid,
        name,
        properties,
        strict_error_handling,
        session,
    })
}

fn uuid_text(r: &mut Reader<'_>, dashed: bool) -> Result<u128, DecodeError> {
    let start = r.offset();
    let text = r.string("uuid", MAX_UUID_TEXT)?;
    let bad = || r.error_at(start, "uuid", DecodeErrorKind::InvalidUuid(text.to_owned()));
    let groups: &[usize] = if dashed { &[8, 4, 4, 4, 12] } else { &[32] };
    let parts: Vec<&str> = text.split('-').collect();
    if parts.len() != groups.len()
        || parts
            .iter()
            .zip(groups)
            .any(|(part, length)| part.len() != *length)
    {
        return Err(bad());
    }
    let digits = parts.concat();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    u128::from_str_radix(&digits, 16).map_err(|_| bad())
}

fn encryption_request(r: &mut Reader<'_>) -> Result<EncryptionRequest, DecodeError> {
    let server_id = r.string("serverId", MAX_SERVER_ID)?.to_owned();
    let public_key = Bytes::copy_from_slice(key_bytes(r, "publicKey")?);
    let verify_token = Bytes::copy_from_slice(key_bytes(r, "verifyToken")?);
    let authenticate = layout::encryption_says_authenticate(r.version())
        .then(|| r.bool("shouldAuthenticate"))
        .transpose()?;
    Ok(EncryptionRequest {
        server_id,
        public_key,
        verify_token,
        authenticate,
    })
}

fn key_bytes<'a>(r: &mut Reader<'a>, name: &'static str) -> Result<&'a [u8], DecodeError> {
    if !layout::has_short_lengths(r.version()) {
        return r.prefixed_bytes(name, MAX_KEY);
    }
    let start = r.offset();
    let length = r.within(name, |r| r.i16("length"))?;
    let length = usize::try_from(length).map_err(|_| {
        r.error_at(
            start,
            name,
            DecodeErrorKind::NegativeLength(i32::from(length)),
        )
    })?;
    r.bytes(name, length)
}

//! What a client sends, per protocol: the bytes after the id. Layouts are in `layout`.

use vb_data::State;

use crate::config::Settings;
use crate::layout::{
    self, ChatLayout, CommandLayout, KeepAliveId, LoginStartLayout, MovementFlags, PackLayout,
    SettingsField,
};
use crate::packet::{DecodeError, KnownPack};
use crate::wire::{Reader, Writer};
use crate::{Intent, Version};

/// Bits of the set of the last 20 messages seen, as bytes.
const SEEN_BYTES: usize = 3;
/// Bytes of a signature where it has no length (761+).
const SIGNATURE: usize = 256;
/// Longest chat message, in UTF-16 units (vanilla: 100 until 210, 256 since).
const MAX_CHAT: usize = 256;
/// Any string of a packet that is only looked at.
const MAX_STRING: usize = 32_767;
/// Any byte array of a packet that is only looked at.
const MAX_BYTES: usize = 1 << 21;

/// Where the player is and looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Movement {
    /// In blocks; None if unchanged. `y` is that of the feet.
    pub position: Option<[f64; 3]>,
    /// Yaw and pitch in degrees; None if unchanged.
    pub rotation: Option<[f32; 2]>,
    /// Whether the player stands on something.
    pub on_ground: bool,
}

/// Height of the eyes above the feet in blocks, which 4 and 5 also send.
pub const EYE_HEIGHT: f64 = 1.62;

/// `set_protocol`, the handshake.
pub fn handshake(protocol: i32, address: &str, port: u16, intent: Intent) -> Vec<u8> {
    let mut w = Writer::new();
    let next = match intent {
        Intent::Status => 1,
        Intent::Login => 2,
    };
    w.varint(protocol).string(address).u16(port).varint(next);
    w.into_bytes()
}

/// `login_start`, without a profile key.
pub fn login_start(version: Version, name: &str, uuid: u128) -> Vec<u8> {
    let mut w = Writer::new();
    w.string(name);
    match layout::login_start(version) {
        LoginStartLayout::Name => {}
        LoginStartLayout::Key => {
            w.bool(false);
        }
        LoginStartLayout::KeyAndOptionalUuid => {
            w.bool(false).bool(true).uuid(uuid);
        }
        LoginStartLayout::OptionalUuid => {
            w.bool(true).uuid(uuid);
        }
        LoginStartLayout::Uuid => {
            w.uuid(uuid);
        }
    }
    w.into_bytes()
}

/// `settings`, in play (until 763) or configuration (764+).
pub fn settings(version: Version, settings: &Settings) -> Vec<u8> {
    let mut w = Writer::new();
    for field in layout::settings(version) {
        match field {
            SettingsField::Locale => w.string(&settings.locale),
            SettingsField::ViewDistance => w.i8(settings.view_distance),
            SettingsField::ChatModeByte => w.u8(settings.chat_mode.to_be_bytes()[3]),
            SettingsField::ChatMode => w.varint(settings.chat_mode),
            SettingsField::ChatColours => w.bool(settings.chat_colours),
            SettingsField::Difficulty => w.u8(settings.difficulty),
            SettingsField::ShowCape => w.bool(settings.show_cape),
            SettingsField::SkinParts => w.u8(settings.skin_parts),
            SettingsField::MainHand => w.varint(settings.main_hand),
            SettingsField::DisableTextFiltering => w.bool(!settings.text_filtering),
            SettingsField::TextFiltering => w.bool(settings.text_filtering),
            SettingsField::ServerListing => w.bool(settings.server_listing),
            SettingsField::Particles => w.varint(settings.particles),
        };
    }
    w.into_bytes()
}

/// `custom_payload` on the brand channel.
pub fn brand(version: Version, brand: &str) -> Vec<u8> {
    let mut w = Writer::new();
    if version.has_prefixed_brand() {
        w.string(brand);
    } else {
        w.raw(brand.as_bytes());
    }
    plugin_message(version, version.brand_channel(), &w.into_bytes())
}

/// `custom_payload`. On 4 and 5, data above 32,767 bytes get a length that is cut off there.
pub fn plugin_message(version: Version, channel: &str, data: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.string(channel);
    if layout::has_short_lengths(version) {
        w.i16(i16::try_from(data.len()).unwrap_or(i16::MAX));
    }
    w.raw(data);
    w.into_bytes()
}

/// `keep_alive`; ids that do not fit the protocol's type lose their upper bits.
#[allow(clippy::cast_possible_truncation, reason = "documented")]
pub fn keep_alive(version: Version, id: i64) -> Vec<u8> {
    let mut w = Writer::new();
    match layout::keep_alive_id(version) {
        KeepAliveId::Int => w.i32(id as i32),
        KeepAliveId::VarInt => w.varint(id as i32),
        KeepAliveId::Long => w.i64(id),
    };
    w.into_bytes()
}

/// `pong` (755+).
pub fn pong(id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    w.i32(id);
    w.into_bytes()
}

/// `login_plugin_response` (393+); None if the question was not understood.
pub fn login_plugin_response(id: i32, data: Option<&[u8]>) -> Vec<u8> {
    let mut w = Writer::new();
    w.varint(id)
        .bool(data.is_some())
        .raw(data.unwrap_or_default());
    w.into_bytes()
}

/// `cookie_response` (766+); None if there is no such cookie.
pub fn cookie_response(key: &str, payload: Option<&[u8]>) -> Vec<u8> {
    let mut w = Writer::new();
    w.string(key).bool(payload.is_some());
    if let Some(payload) = payload {
        w.length(payload.len()).raw(payload);
    }
    w.into_bytes()
}

/// `select_known_packs` (766+).
pub fn known_packs(packs: &[KnownPack]) -> Vec<u8> {
    let mut w = Writer::new();
    w.length(packs.len());
    for pack in packs {
        w.string(&pack.namespace)
            .string(&pack.id)
            .string(&pack.version);
    }
    w.into_bytes()
}

/// `resource_pack_receive` with the result "declined".
pub fn resource_pack_declined(version: Version, uuid: Option<u128>, hash: &str) -> Vec<u8> {
    /// The player said no.
    const DECLINED: i32 = 1;
    let mut w = Writer::new();
    match layout::resource_pack(version) {
        PackLayout::Hash => {
            w.string(hash);
        }
        PackLayout::Uuid => {
            w.uuid(uuid.unwrap_or_default());
        }
        PackLayout::Plain | PackLayout::Prompt => {}
    }
    w.varint(DECLINED);
    w.into_bytes()
}

/// `chunk_batch_received` (764+): chunks a tick that the client would like.
pub fn chunk_batch_received(chunks_per_tick: f32) -> Vec<u8> {
    let mut w = Writer::new();
    w.f32(chunks_per_tick);
    w.into_bytes()
}

/// `teleport_confirm` (107-776).
pub fn teleport_confirm(id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    w.varint(id);
    w.into_bytes()
}

/// `teleport_confirm` (777): with where the player is then.
pub fn teleport_confirm_at(id: i32, position: [f64; 3], rotation: [f32; 2]) -> Vec<u8> {
    let mut w = Writer::new();
    w.varint(id);
    for value in position {
        w.f64(value);
    }
    for value in rotation {
        w.f32(value);
    }
    w.into_bytes()
}

/// A movement: the packet's name and its bytes.
pub fn movement(version: Version, movement: &Movement) -> (&'static str, Vec<u8>) {
    let mut w = Writer::new();
    let name = match (movement.position.is_some(), movement.rotation.is_some()) {
        (true, true) => "position_look",
        (true, false) => "position",
        (false, true) => "look",
        (false, false) => "flying",
    };
    if let Some([x, y, z]) = movement.position {
        w.f64(x).f64(y);
        if version.has_stance() {
            w.f64(y + EYE_HEIGHT);
        }
        w.f64(z);
    }
    if let Some([yaw, pitch]) = movement.rotation {
        w.f32(yaw).f32(pitch);
    }
    match layout::movement(version) {
        MovementFlags::OnGround => w.bool(movement.on_ground),
        MovementFlags::Bits => w.u8(u8::from(movement.on_ground)),
    };
    (name, w.into_bytes())
}

/// A chat message, unsigned, or the command after a leading "/" where the protocol has commands (759+): the packet's
/// name and its bytes.
pub fn chat(version: Version, text: &str) -> (&'static str, Vec<u8>) {
    match (text.strip_prefix('/'), layout::command(version)) {
        (None, _) | (Some(_), CommandLayout::None) => message(version, text),
        (Some(command), layout) => ("chat_command", command_bytes(layout, command)),
    }
}

fn message(version: Version, text: &str) -> (&'static str, Vec<u8>) {
    let mut w = Writer::new();
    w.string(text);
    let layout = layout::chat(version);
    match layout {
        ChatLayout::Plain => return ("chat", w.into_bytes()),
        ChatLayout::Signed => unsigned_before_761(&mut w),
        ChatLayout::SignedWithChain => {
            unsigned_before_761(&mut w);
            // No message seen, none rejected.
            w.varint(0).bool(false);
        }
        ChatLayout::Acknowledging | ChatLayout::Checksummed => {
            w.i64(0).i64(0).bool(false);
            nothing_seen(&mut w);
        }
    }
    if layout == ChatLayout::Checksummed {
        // 0 means that there is none to compare.
        w.u8(0);
    }
    ("chat_message", w.into_bytes())
}

fn command_bytes(layout: CommandLayout, command: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.string(command);
    match layout {
        CommandLayout::None | CommandLayout::Plain => {}
        CommandLayout::Signed => unsigned_before_761(&mut w),
        CommandLayout::SignedWithChain => {
            unsigned_before_761(&mut w);
            w.varint(0).bool(false);
        }
        CommandLayout::Acknowledging => {
            w.i64(0).i64(0).varint(0);
            nothing_seen(&mut w);
        }
    }
    w.into_bytes()
}

/// Time, salt, then an empty signature (of a message) or no argument's signature (of a command), then "not a signed
/// preview": the same bytes for both.
fn unsigned_before_761(w: &mut Writer) {
    w.i64(0).i64(0).varint(0).bool(false);
}

fn nothing_seen(w: &mut Writer) {
    w.varint(0).raw(&[0; SEEN_BYTES]);
}

/// Reads a serverbound packet for a dump. Packets that this client does not send are not taken apart.
pub(crate) fn read(r: &mut Reader<'_>, state: State, name: &str) -> Result<(), DecodeError> {
    match (state, name) {
        (State::Handshaking, "set_protocol") => {
            r.varint("protocolVersion")?;
            r.string("serverHost", MAX_STRING)?;
            r.u16("serverPort")?;
            r.varint("nextState")?;
        }
        (State::Status, "ping") => {
            r.i64("time")?;
        }
        (State::Login, "login_start") => read_login_start(r)?,
        (State::Login, "login_plugin_response") => {
            r.varint("messageId")?;
            r.option("data", |r| r.rest("data", MAX_BYTES).map(|_| ()))?;
        }
        (_, "cookie_response") => {
            r.identifier("key")?;
            r.option("value", |r| {
                r.prefixed_bytes("value", MAX_BYTES).map(|_| ())
            })?;
        }
        (_, "settings") => read_settings(r)?,
        (_, "custom_payload") => {
            r.string("channel", MAX_STRING)?;
            if layout::has_short_lengths(r.version()) {
                r.i16("length")?;
            }
            r.rest("data", MAX_BYTES)?;
        }
        (_, "keep_alive") => {
            match layout::keep_alive_id(r.version()) {
                KeepAliveId::Int => i64::from(r.i32("keepAliveId")?),
                KeepAliveId::VarInt => i64::from(r.varint("keepAliveId")?),
                KeepAliveId::Long => r.i64("keepAliveId")?,
            };
        }
        (_, "pong") => {
            r.i32("id")?;
        }
        (State::Configuration, "select_known_packs") => {
            r.array("packs", MAX_STRING, |r| {
                r.string("namespace", MAX_STRING)?;
                r.string("id", MAX_STRING)?;
                r.string("version", MAX_STRING).map(|_| ())
            })?;
        }
        (_, "resource_pack_receive") => {
            match layout::resource_pack(r.version()) {
                PackLayout::Hash => drop(r.string("hash", MAX_STRING)?),
                PackLayout::Uuid => drop(r.uuid("uuid")?),
                PackLayout::Plain | PackLayout::Prompt => {}
            }
            r.varint("result")?;
        }
        (State::Play, _) => return read_play(r, name),
        _ => return Ok(()),
    }
    r.finish()
}

fn read_login_start(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    r.string("username", MAX_STRING)?;
    let layout = layout::login_start(r.version());
    if matches!(
        layout,
        LoginStartLayout::Key | LoginStartLayout::KeyAndOptionalUuid
    ) {
        r.option("signature", |r| {
            r.i64("timestamp")?;
            r.prefixed_bytes("publicKey", MAX_BYTES)?;
            r.prefixed_bytes("signature", MAX_BYTES).map(|_| ())
        })?;
    }
    match layout {
        LoginStartLayout::Name | LoginStartLayout::Key => {}
        LoginStartLayout::KeyAndOptionalUuid | LoginStartLayout::OptionalUuid => {
            r.option("playerUUID", |r| r.uuid("playerUUID"))?;
        }
        LoginStartLayout::Uuid => drop(r.uuid("playerUUID")?),
    }
    Ok(())
}

fn read_settings(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    for field in layout::settings(r.version()) {
        match field {
            SettingsField::Locale => drop(r.string("locale", MAX_STRING)?),
            SettingsField::ViewDistance => drop(r.i8("viewDistance")?),
            SettingsField::ChatModeByte => drop(r.i8("chatFlags")?),
            SettingsField::ChatMode => drop(r.varint("chatFlags")?),
            SettingsField::ChatColours => drop(r.bool("chatColors")?),
            SettingsField::Difficulty => drop(r.u8("difficulty")?),
            SettingsField::ShowCape => drop(r.bool("showCape")?),
            SettingsField::SkinParts => drop(r.u8("skinParts")?),
            SettingsField::MainHand => drop(r.varint("mainHand")?),
            SettingsField::DisableTextFiltering => drop(r.bool("disableTextFiltering")?),
            SettingsField::TextFiltering => drop(r.bool("enableTextFiltering")?),
            SettingsField::ServerListing => drop(r.bool("enableServerListing")?),
            SettingsField::Particles => drop(r.varint("particleStatus")?),
        }
    }
    Ok(())
}

fn read_play(r: &mut Reader<'_>, name: &str) -> Result<(), DecodeError> {
    match name {
        "position" | "position_look" | "look" | "flying" => read_movement(r, name)?,
        "teleport_confirm" => {
            r.varint("teleportId")?;
            if r.left() > 0 {
                for name in ["x", "y", "z"] {
                    r.f64(name)?;
                }
                for name in ["yaw", "pitch"] {
                    r.f32(name)?;
                }
            }
        }
        "chunk_batch_received" => drop(r.f32("chunksPerTick")?),
        "chat" => drop(r.string("message", MAX_STRING)?),
        "chat_message" => read_chat_message(r)?,
        "chat_command" => read_chat_command(r)?,
        "tick_end" | "player_loaded" | "configuration_acknowledged" => {}
        _ => return Ok(()),
    }
    r.finish()
}

fn read_movement(r: &mut Reader<'_>, name: &str) -> Result<(), DecodeError> {
    if name.starts_with("position") {
        r.f64("x")?;
        r.f64("y")?;
        if r.version().has_stance() {
            r.f64("stance")?;
        }
        r.f64("z")?;
    }
    if name.ends_with("look") {
        r.f32("yaw")?;
        r.f32("pitch")?;
    }
    match layout::movement(r.version()) {
        MovementFlags::OnGround => drop(r.bool("onGround")?),
        MovementFlags::Bits => drop(r.u8("flags")?),
    }
    Ok(())
}

fn read_chat_message(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    let layout = layout::chat(r.version());
    r.string("message", MAX_CHAT)?;
    r.i64("timestamp")?;
    r.i64("salt")?;
    match layout {
        ChatLayout::Plain => {}
        ChatLayout::Signed | ChatLayout::SignedWithChain => {
            r.prefixed_bytes("signature", MAX_BYTES)?;
            r.bool("signedPreview")?;
            if layout == ChatLayout::SignedWithChain {
                read_chain(r)?;
            }
        }
        ChatLayout::Acknowledging | ChatLayout::Checksummed => {
            r.option("signature", |r| r.bytes("signature", SIGNATURE).map(|_| ()))?;
            r.varint("offset")?;
            r.bytes("acknowledged", SEEN_BYTES)?;
            if layout == ChatLayout::Checksummed {
                r.u8("checksum")?;
            }
        }
    }
    Ok(())
}

fn read_chat_command(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    let layout = layout::command(r.version());
    r.string("command", MAX_STRING)?;
    if matches!(layout, CommandLayout::None | CommandLayout::Plain) {
        return Ok(());
    }
    r.i64("timestamp")?;
    r.i64("salt")?;
    r.array("argumentSignatures", MAX_STRING, |r| {
        r.string("argumentName", MAX_STRING)?;
        if layout == CommandLayout::Acknowledging {
            r.bytes("signature", SIGNATURE).map(|_| ())
        } else {
            r.prefixed_bytes("signature", MAX_BYTES).map(|_| ())
        }
    })?;
    if layout == CommandLayout::Acknowledging {
        r.varint("messageCount")?;
        r.bytes("acknowledged", SEEN_BYTES)?;
        return Ok(());
    }
    r.bool("signedPreview")?;
    if layout == CommandLayout::SignedWithChain {
        read_chain(r)?;
    }
    Ok(())
}

fn read_chain(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    r.array("previousMessages", MAX_STRING, |r| {
        r.uuid("messageSender")?;
        r.prefixed_bytes("messageSignature", MAX_BYTES).map(|_| ())
    })?;
    r.option("lastRejectedMessage", |r| {
        r.uuid("sender")?;
        r.prefixed_bytes("signature", MAX_BYTES).map(|_| ())
    })?;
    Ok(())
}

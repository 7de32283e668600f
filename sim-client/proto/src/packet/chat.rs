//! Chat of players (759+) and chat without a profile (761+): what names a chat type.

use super::configuration::read_text;
use crate::Text;
use crate::layout::{self, PlayerChatLayout};
use crate::nbt;
use crate::wire::{DecodeError, DecodeErrorKind, Reader};

/// Longest message of a player, in UTF-16 units (vanilla's `readUtf(256)`; 759 sends a component instead).
const MAX_MESSAGE: usize = 256;
/// Most bytes of a signature until 760; 761 fixed it at [`SIGNATURE`].
const MAX_SIGNATURE: usize = 1 << 21;
/// Bytes of a signature from 761 on.
const SIGNATURE: usize = 256;
/// Most messages that a message says to have been seen before it (vanilla: 5 on 760, then 20).
const MAX_SEEN: usize = 20;
/// Most longs of a filter's mask.
const MAX_MASK: usize = 1 << 16;
/// Ways in which a message may be filtered: not, wholly, in part.
const FILTERS: usize = 3;
/// The filter that has a mask.
const PARTIAL: usize = 2;
/// Most parameters of a chat type that stands in the packet.
const MAX_PARAMETERS: usize = 64;
/// What a parameter of a chat type may be: sender, target, content.
const PARAMETERS: usize = 3;
/// Longest translation key.
const MAX_KEY: usize = 32_767;

/// What a player said, or the server in a player's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerChat {
    /// Who said it: a component, by which the chat type shows it.
    pub name: Text,
    /// Its id in the registry of chat types; None if the type stands in the packet (767+).
    pub chat_type: Option<i32>,
}

/// `player_chat`.
pub(super) fn read_player_chat(r: &mut Reader<'_>) -> Result<PlayerChat, DecodeError> {
    match layout::player_chat(r.version()) {
        PlayerChatLayout::Signed => read_signed(r),
        PlayerChatLayout::Chained => {
            r.option("previousSignature", |r| {
                r.prefixed_bytes("previousSignature", MAX_SIGNATURE)
            })?;
            r.uuid("senderUuid")?;
            r.prefixed_bytes("signature", MAX_SIGNATURE)?;
            r.string("plainMessage", MAX_MESSAGE)?;
            r.option("formattedMessage", |r| read_text(r, "formattedMessage"))?;
            r.i64("timestamp")?;
            r.i64("salt")?;
            r.array("previousMessages", MAX_SEEN, |r| {
                r.uuid("messageSender")?;
                r.prefixed_bytes("messageSignature", MAX_SIGNATURE)
            })?;
            read_shown(r)
        }
        layout @ (PlayerChatLayout::Indexed | PlayerChatLayout::GloballyIndexed) => {
            if layout == PlayerChatLayout::GloballyIndexed {
                r.varint("globalIndex")?;
            }
            r.uuid("senderUuid")?;
            r.varint("index")?;
            r.option("signature", |r| r.bytes("signature", SIGNATURE))?;
            r.string("plainMessage", MAX_MESSAGE)?;
            r.i64("timestamp")?;
            r.i64("salt")?;
            r.array("previousMessages", MAX_SEEN, |r| {
                if r.varint("id")? == 0 {
                    r.bytes("signature", SIGNATURE)?;
                }
                Ok(())
            })?;
            read_shown(r)
        }
    }
}

/// `profileless_chat`.
pub(super) fn read_profileless(r: &mut Reader<'_>) -> Result<PlayerChat, DecodeError> {
    read_text(r, "message")?;
    let chat_type = read_type(r)?;
    let name = read_text(r, "name")?;
    r.option("target", |r| read_text(r, "target"))?;
    Ok(PlayerChat { name, chat_type })
}

/// 759.
fn read_signed(r: &mut Reader<'_>) -> Result<PlayerChat, DecodeError> {
    read_text(r, "signedChatContent")?;
    r.option("unsignedChatContent", |r| {
        read_text(r, "unsignedChatContent")
    })?;
    let chat_type = read_type(r)?;
    r.uuid("senderUuid")?;
    let name = read_text(r, "senderName")?;
    r.option("senderTeam", |r| read_text(r, "senderTeam"))?;
    r.i64("timestamp")?;
    r.i64("salt")?;
    r.prefixed_bytes("signature", MAX_SIGNATURE)?;
    Ok(PlayerChat { name, chat_type })
}

/// From 760 on: how the message is shown.
fn read_shown(r: &mut Reader<'_>) -> Result<PlayerChat, DecodeError> {
    r.option("unsignedChatContent", |r| {
        read_text(r, "unsignedChatContent")
    })?;
    if below(r, "filterType", "ways to filter", FILTERS)? == PARTIAL {
        r.longs("filterTypeMask", MAX_MASK)?;
    }
    let chat_type = read_type(r)?;
    let name = read_text(r, "networkName")?;
    r.option("networkTargetName", |r| read_text(r, "networkTargetName"))?;
    Ok(PlayerChat { name, chat_type })
}

/// The chat type: its id, or (767+) 0 and the type itself, else its id plus one.
fn read_type(r: &mut Reader<'_>) -> Result<Option<i32>, DecodeError> {
    let id = r.varint("type")?;
    if !layout::has_chat_type_holder(r.version()) {
        return Ok(Some(id));
    }
    if id != 0 {
        return Ok(Some(id.wrapping_sub(1)));
    }
    for name in ["type.chat", "type.narration"] {
        r.within(name, |r| {
            r.string("translationKey", MAX_KEY)?;
            r.array("parameters", MAX_PARAMETERS, |r| {
                below(r, "", "parameters of a chat type", PARAMETERS)
            })?;
            r.summarised(
                "style",
                |r| nbt::read_element_root(r, ""),
                |tag| tag.kind().to_string(),
            )
        })?;
    }
    Ok(None)
}

/// A varint that stands for one of `count` things.
fn below(
    r: &mut Reader<'_>,
    name: &str,
    registry: &'static str,
    count: usize,
) -> Result<usize, DecodeError> {
    let start = r.offset();
    let id = r.varint(name)?;
    match usize::try_from(id) {
        Ok(index) if index < count => Ok(index),
        _ => {
            let kind = DecodeErrorKind::NoSuchId {
                id,
                registry,
                count,
            };
            Err(r.error_at(start, name, kind))
        }
    }
}

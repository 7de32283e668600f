//! What a protocol has, by name. Every comparison of protocol numbers that is not about a packet's layout is here.

use core::fmt;
use core::time::Duration;

/// A protocol number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The rule by which a client leaves "Loading terrain" (protocol-facts, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerrainRule {
    /// The first position-and-look is enough.
    FirstPosition,
    /// The default spawn position (or 2 s), then the chunk; no upper time limit.
    SpawnPositionOrDelay,
    /// The default spawn position and a tick, then the chunk; forced open after 30 s.
    SpawnPosition,
    /// Game event 13, then the chunk; forced open after 30 s.
    GameEvent,
}

/// How the client is told of registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrySource {
    /// It is not: it has them built in.
    BuiltIn,
    /// An NBT compound inside JoinGame.
    JoinGame,
    /// One NBT compound in the configuration phase.
    Compound,
    /// One packet a registry in the configuration phase.
    Packets,
}

/// How a position-and-look from the server is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeleportAnswer {
    /// With the same position (and stance), before there were confirmations.
    Position,
    /// With a confirmation, then the position.
    ConfirmThenPosition,
    /// With a confirmation that holds the position.
    ConfirmWithPosition,
}

impl Version {
    /// A version by its protocol number; any number is accepted, layouts are those of the nearest release below.
    pub const fn new(protocol: i32) -> Self {
        Version(protocol)
    }

    /// The protocol number.
    pub const fn protocol(self) -> i32 {
        self.0
    }

    /// Whether this protocol is at least `protocol`. For `layout` only.
    pub(crate) const fn from(self, protocol: i32) -> bool {
        self.0 >= protocol
    }

    /// Whether frames may be compressed (47+).
    pub const fn has_compression(self) -> bool {
        self.0 >= 47
    }

    /// Largest stated size of a packet in a compressed frame, in bytes: 2^21 until 755 (vanilla's decompressor). From
    /// 756 on a client does not validate what it decompresses (the same change as
    /// [`Version::checks_compression_threshold`]); 2^23 is what servers may send, and this client's own bound.
    pub const fn max_uncompressed(self) -> usize {
        if self.0 >= 756 { 1 << 23 } else { 1 << 21 }
    }

    /// Whether a packet that is compressed although it is below the threshold ends the connection (until 755). 1.17.1
    /// gave the decompressor a flag, which clients leave off (protocol-facts, section 8).
    pub const fn checks_compression_threshold(self) -> bool {
        self.0 < 756
    }

    /// Whether a compressed packet that holds less than stated ends the connection (764+); before, zeros follow what is
    /// there. One that holds more is cut on all.
    pub const fn checks_inflated_size(self) -> bool {
        self.0 >= 764
    }

    /// Whether a frame of length zero ends the connection (773+: "Frame length cannot be zero").
    pub const fn refuses_empty_frames(self) -> bool {
        self.0 >= 773
    }

    /// Whether a second packet that turns compression on ends the connection (47). 1.8 takes the handler that
    /// decompresses for the one that compresses ("ClassCastException"); 1.9 has that mended.
    pub const fn refuses_second_compression(self) -> bool {
        matches!(self.0, 47..107)
    }

    /// Whether a number of a block state that there is none of ends the connection (766+: "No value with id"). Before, the
    /// client takes it for air, or fails later where nothing here can see it.
    pub const fn refuses_unknown_blocks(self) -> bool {
        self.0 >= 766
    }

    /// Bytes that a string's length may have per UTF-16 unit: 4 until 754, 3 from 755 on (vanilla's `readUtf`).
    pub const fn string_bytes_per_unit(self) -> usize {
        if self.0 >= 755 { 3 } else { 4 }
    }

    /// Longest JSON text in UTF-16 units: 32,767 until 340, 262,144 from 393 on.
    pub const fn max_json_text(self) -> usize {
        if self.0 >= 393 { 262_144 } else { 32_767 }
    }

    /// Whether every JSON text is read leniently, single quotes and bare words included (until 47: Gson's own entry point
    /// does so). From 107 on only the reason of a login's end is; the others are read strictly (BungeeCord #1770).
    pub const fn reads_json_leniently(self) -> bool {
        self.0 < 107
    }

    /// Most properties of a profile in login success: 16 from 766 on (vanilla's codec), before that as many as a packet
    /// holds at three bytes each.
    pub const fn max_profile_properties(self) -> usize {
        if self.0 >= 766 { 16 } else { (1 << 21) / 3 }
    }

    /// Whether identifiers are checked when they are read (393+: resource locations).
    pub const fn checks_identifiers(self) -> bool {
        self.0 >= 393
    }

    /// Whether the client reads the brand with the packet's own reader (764+): what cannot be read, and bytes after it,
    /// end the connection. Before, it is read later, and what fails there is only logged.
    pub const fn checks_brand(self) -> bool {
        self.0 >= 764
    }

    /// Whether a registry that the game does not synchronize is left alone (766+); before, the codec's reader knows no way
    /// to read it ("Unknown or not serializable registry", in the games from 1.16.2 to 1.20.4).
    pub const fn ignores_unknown_registries(self) -> bool {
        self.0 >= 766
    }

    /// Whether an entry that comes twice in a registry ends the connection (768+): 1.21.2 throws "Adding duplicate key",
    /// 1.21.1 only logs it (both in the game's registry class, and Velocity #1832 for 775).
    pub const fn refuses_duplicate_entries(self) -> bool {
        self.0 >= 768
    }

    /// Whether tags that lack one that the game's own code names end the connection (751-757: "Incomplete set of tags";
    /// protocol-facts, section 8).
    pub const fn needs_all_tags(self) -> bool {
        matches!(self.0, 751..758)
    }

    /// Whether there is a configuration phase between login and play (764+).
    pub const fn has_configuration_phase(self) -> bool {
        self.0 >= 764
    }

    /// Whether the client and server agree on known packs (766+).
    pub const fn has_known_packs(self) -> bool {
        self.0 >= 766
    }

    /// Whether a network NBT root has no name (764+).
    pub const fn has_nameless_nbt(self) -> bool {
        self.0 >= 764
    }

    /// Whether text components in play and configuration are NBT (765+).
    pub const fn has_nbt_text(self) -> bool {
        self.0 >= 765
    }

    /// Whether text components are read by a codec, which takes each field in its one shape (765+; in login, as JSON,
    /// too). Before, a deserializer is free with what it does not know. (EssentialsX #5604)
    pub const fn reads_text_by_codec(self) -> bool {
        self.0 >= 765
    }

    /// Whether text can be a score or a selector (47+: 1.8).
    pub const fn has_score_and_selector_text(self) -> bool {
        self.0 >= 47
    }

    /// Whether text has an insertion, which a click with shift types (47+: 1.8).
    pub const fn has_insertions(self) -> bool {
        self.0 >= 47
    }

    /// Whether text can name a key (335+: 1.12; ViaBackwards #474).
    pub const fn has_keybind_text(self) -> bool {
        self.0 >= 335
    }

    /// Whether text may be a value of NBT in some form (393+: 1.13). Sure from 477 on.
    pub const fn may_have_nbt_contents(self) -> bool {
        self.0 >= 393
    }

    /// Whether text can be a value in the NBT of a block or an entity (477+: 1.14).
    pub const fn has_nbt_contents(self) -> bool {
        self.0 >= 477
    }

    /// Whether that value can come from a storage (573+: 1.15).
    pub const fn has_storage_text(self) -> bool {
        self.0 >= 573
    }

    /// Whether text has fonts and colours of 24 bits (735+: 1.16).
    pub const fn has_fonts(self) -> bool {
        self.0 >= 735
    }

    /// Whether a hover event has `contents` (735+: 1.16); before, and beside it, `value`.
    pub const fn has_hover_contents(self) -> bool {
        self.0 >= 735
    }

    /// Whether selectors and values of NBT have a separator (755+: 1.17).
    pub const fn has_text_separators(self) -> bool {
        self.0 >= 755
    }

    /// Whether a translation has a fallback (762+: 1.19.4).
    pub const fn has_fallbacks(self) -> bool {
        self.0 >= 762
    }

    /// Whether items have components instead of a tag (766+: 1.20.5).
    pub const fn has_item_components(self) -> bool {
        self.0 >= 766
    }

    /// Whether text has shadows of any colour (769+: 1.21.4).
    pub const fn has_text_shadows(self) -> bool {
        self.0 >= 769
    }

    /// Whether the events of text are `click_event` and `hover_event`, in which each action has its own fields (770+:
    /// 1.21.5); before, `clickEvent` and `hoverEvent`.
    pub const fn has_inline_events(self) -> bool {
        self.0 >= 770
    }

    /// Whether a click can show a dialog or send a custom payload (771+: 1.21.6).
    pub const fn has_dialogs(self) -> bool {
        self.0 >= 771
    }

    /// Whether text can be a sprite or a player's head (773+: 1.21.9; ViaVersion #4803).
    pub const fn has_object_text(self) -> bool {
        self.0 >= 773
    }

    /// Where registries come from.
    pub const fn registry_source(self) -> RegistrySource {
        match self.0 {
            ..735 => RegistrySource::BuiltIn,
            735..764 => RegistrySource::JoinGame,
            764..766 => RegistrySource::Compound,
            766.. => RegistrySource::Packets,
        }
    }

    /// Whether the codec is a bare `dimension` list (735, 736).
    pub const fn has_dimension_list(self) -> bool {
        matches!(self.0, 735..751)
    }

    /// Whether a registry entry that names a tag which the server did not send fails the client (776+).
    pub const fn checks_tag_references(self) -> bool {
        self.0 >= 776
    }

    /// Whether `infiniburn` must name a tag with "#" (758+).
    pub const fn has_hash_infiniburn(self) -> bool {
        self.0 >= 758
    }

    /// Whether dimension types state `min_y` and `height` (755+).
    pub const fn has_world_height(self) -> bool {
        self.0 >= 755
    }

    /// The rule for leaving "Loading terrain".
    pub const fn terrain_rule(self) -> TerrainRule {
        match self.0 {
            ..758 => TerrainRule::FirstPosition,
            758..761 => TerrainRule::SpawnPositionOrDelay,
            761..765 => TerrainRule::SpawnPosition,
            765.. => TerrainRule::GameEvent,
        }
    }

    /// How long the client waits for any packet: 20 s on 4 and 5, 30 s from 47 on (protocol-facts, section 4).
    pub const fn read_timeout(self) -> Duration {
        Duration::from_secs(if self.0 >= 47 { 30 } else { 20 })
    }

    /// Whether clients send keep-alive 0 unasked on the terrain screen (4-338).
    pub const fn has_unasked_keep_alive(self) -> bool {
        self.0 < 340
    }

    /// How a position-and-look is answered.
    pub const fn teleport_answer(self) -> TeleportAnswer {
        match self.0 {
            ..107 => TeleportAnswer::Position,
            107..777 => TeleportAnswer::ConfirmThenPosition,
            777.. => TeleportAnswer::ConfirmWithPosition,
        }
    }

    /// Whether the server's position is that of the eyes and the client's packets carry both (4, 5).
    pub const fn has_stance(self) -> bool {
        self.0 < 47
    }

    /// Whether an idle client sends a movement packet every tick (4, 5, 47).
    pub const fn moves_every_tick(self) -> bool {
        self.0 < 107
    }

    /// Whether the client tells the end of each tick (768+).
    pub const fn has_tick_end(self) -> bool {
        self.0 >= 768
    }

    /// Whether the client tells that its terrain is ready (769+), and does not move before.
    pub const fn has_player_loaded(self) -> bool {
        self.0 >= 769
    }

    /// Whether the client ignores chunks outside the range around the chunk cache centre (477+).
    pub const fn has_view_centre(self) -> bool {
        self.0 >= 477
    }

    /// Whether a respawn always leads back to the terrain screen (764+); before, only a change of dimension does.
    pub const fn respawn_always_loads(self) -> bool {
        self.0 >= 764
    }

    /// The brand channel: `MC|Brand` until 340, `minecraft:brand` from 393 on.
    pub const fn brand_channel(self) -> &'static str {
        if self.0 >= 393 {
            "minecraft:brand"
        } else {
            "MC|Brand"
        }
    }

    /// Whether the brand is a length-prefixed string (47+) or bare bytes (4, 5).
    pub const fn has_prefixed_brand(self) -> bool {
        self.0 >= 47
    }

    /// Whether a "/" message travels as a chat command (759+).
    pub const fn has_chat_commands(self) -> bool {
        self.0 >= 759
    }

    /// Whether an unknown id in a palette ends the connection (757+: "No value with id N"); before, the client puts
    /// air or plains in its place.
    pub const fn checks_palette_ids(self) -> bool {
        self.0 >= 757
    }

    /// Whether a chunk's sections carry their light (until 476).
    pub const fn has_light_in_sections(self) -> bool {
        self.0 < 477
    }

    /// Whether a whole column without a section means that the client forgets it (until 47).
    pub const fn unloads_by_empty_chunk(self) -> bool {
        self.0 < 107
    }
}

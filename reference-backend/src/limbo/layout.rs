//! From which protocol on which field of which packet is there: the only comparisons of protocols in this module.
//!
//! Sources: the packet definitions of the npm package `minecraft-data` 3.117.0; 776 and 777 from public projects.

/// One protocol's layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Layout(pub i32);

/// How a keep-alive's id is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepAliveId {
    Int,
    VarInt,
    Long,
}

/// How JoinGame names its dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Byte,
    Int,
    /// Its name.
    Name,
    /// The dimension type itself, as NBT.
    Inline,
    /// Its number in the registry.
    Index,
}

impl Layout {
    pub fn keep_alive_id(self) -> KeepAliveId {
        match self.0 {
            ..47 => KeepAliveId::Int,
            47..340 => KeepAliveId::VarInt,
            340.. => KeepAliveId::Long,
        }
    }

    pub fn dimension(self) -> Dimension {
        match self.0 {
            ..108 => Dimension::Byte,
            108..735 => Dimension::Int,
            735..751 => Dimension::Name,
            751..759 => Dimension::Inline,
            759..766 => Dimension::Name,
            766.. => Dimension::Index,
        }
    }

    /// The game mode in which a player floats and touches nothing.
    pub fn has_spectators(self) -> bool {
        self.0 >= 47
    }

    pub fn has_reduced_debug_info(self) -> bool {
        self.0 >= 47
    }

    /// Flags instead of on-ground, feet instead of eyes.
    pub fn position_has_flags(self) -> bool {
        self.0 >= 47
    }

    pub fn block_positions_are_packed(self) -> bool {
        self.0 >= 47
    }

    pub fn position_has_teleport_id(self) -> bool {
        self.0 >= 107
    }

    pub fn join_has_difficulty(self) -> bool {
        self.0 < 477
    }

    pub fn join_has_view_distance(self) -> bool {
        self.0 >= 477
    }

    pub fn join_has_hashed_seed(self) -> bool {
        self.0 >= 573
    }

    /// World names, the previous game mode and the flags of the world instead of a level type.
    pub fn has_named_worlds(self) -> bool {
        self.0 >= 735
    }

    pub fn join_has_hardcore(self) -> bool {
        self.0 >= 751
    }

    /// The codec holds typed registries, and not only a list of dimensions.
    pub fn has_typed_registries(self) -> bool {
        self.0 >= 751
    }

    pub fn spawn_has_angle(self) -> bool {
        (755..773).contains(&self.0)
    }

    pub fn position_has_dismount(self) -> bool {
        (755..762).contains(&self.0)
    }

    pub fn join_has_simulation_distance(self) -> bool {
        self.0 >= 757
    }

    pub fn join_has_death_location(self) -> bool {
        self.0 >= 759
    }

    pub fn join_has_portal_cooldown(self) -> bool {
        self.0 >= 763
    }

    /// The registries come in the configuration phase, and JoinGame's fields in another order.
    pub fn has_configuration_phase(self) -> bool {
        self.0 >= 764
    }

    /// The client waits for game event 13.
    pub fn waits_for_chunks_event(self) -> bool {
        self.0 >= 765
    }

    pub fn join_has_secure_chat(self) -> bool {
        self.0 >= 766
    }

    /// The teleport id first, a velocity, and flags of 32 bits.
    pub fn position_has_velocity(self) -> bool {
        self.0 >= 768
    }

    pub fn join_has_sea_level(self) -> bool {
        self.0 >= 768
    }

    /// Dimension, position, yaw and pitch.
    pub fn spawn_is_global(self) -> bool {
        self.0 >= 773
    }

    pub fn join_has_online_mode(self) -> bool {
        self.0 >= 776
    }

    /// Game modes are varints, and the previous one is optional.
    pub fn game_modes_are_varints(self) -> bool {
        self.0 >= 777
    }
}

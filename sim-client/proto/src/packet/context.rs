use crate::Version;

/// What a client must know to read its packets.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The protocol.
    pub version: Version,
    /// The world that the player is in; without one, a chunk's sections are not read.
    pub world: Option<WorldShape>,
    /// How many biomes the client was given (751+); None where it has them built in.
    pub biomes: Option<usize>,
}

/// What of a world decides how its chunks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldShape {
    /// Whether chunks carry sky light (until 476).
    pub sky_light: bool,
    /// Lowest block.
    pub min_y: i32,
    /// Height in blocks, a multiple of 16.
    pub height: i32,
}

impl Context {
    /// What a client knows before it joins.
    pub fn new(version: Version) -> Self {
        Context {
            version,
            world: None,
            biomes: None,
        }
    }
}

impl WorldShape {
    /// The world of every protocol until 754, and of 755 and 756 by default: 256 blocks from 0.
    pub const CLASSIC: WorldShape = WorldShape {
        sky_light: true,
        min_y: 0,
        height: 256,
    };

    /// How many sections a column has.
    pub fn sections(&self) -> usize {
        usize::try_from(self.height / SECTION).unwrap_or(0)
    }

    /// Whether a block of this height is in no section.
    pub fn is_outside(&self, y: f64) -> bool {
        let y = y.floor();
        y < f64::from(self.min_y) || y >= f64::from(self.min_y.saturating_add(self.height))
    }
}

/// Edge of a section in blocks.
const SECTION: i32 = 16;

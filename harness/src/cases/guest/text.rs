//! Words that several cases share.

use std::time::Duration;

use crate::subject::player::Player;

/// How long a visit lasts in which a join is looked at: the longest bound of a join, and a little.
pub const VISIT: Duration = Duration::from_secs(11);

/// The game's own ten minutes of the keep-alive clauses.
pub const TEN_MINUTES: Duration = Duration::from_secs(600);

/// `JoinGame` did not come, in words.
pub fn no_join_game(player: &Player) -> String {
    format!("no JoinGame came: {}", player.stands())
}

//! Words that several cases share.

use std::time::Duration;

use sim_proto::wire::DecodeErrorKind;
use sim_proto::{Fault, FaultKind, TextError};

use crate::lab::player::Player;

/// How long a visit lasts in which a join is looked at: the longest bound of a join, and a little.
pub const VISIT: Duration = Duration::from_secs(11);

/// The game's own ten minutes of the keep-alive clauses.
pub const TEN_MINUTES: Duration = Duration::from_secs(600);

/// `JoinGame` did not come, in words.
pub fn no_join_game(player: &Player) -> String {
    format!("no JoinGame came: {}", player.stands())
}

/// Whether text has been read whole, and says what a client of this version does not take: VB-TXT-03, and no fault of
/// the packet or of the form in which text travels.
pub fn is_unacceptable(fault: &Fault) -> bool {
    match &fault.kind {
        FaultKind::Decode(DecodeErrorKind::Text(error)) => {
            !matches!(error, TextError::Json(_) | TextError::Null)
        }
        _ => false,
    }
}

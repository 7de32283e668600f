//! Who is in, by UUID: one connection a player, unless the configuration says otherwise.

use super::link::Link;
use super::services::lock;
use crate::api::{EndCause, PlayerId, Uuid};
use crate::config::Duplicate;
use backend_proto::TextComponent;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a player waits for an earlier connection of theirs to end, whose end callback has 10 s and the half second
/// of one that is under way. A client gives up after 30 s.
pub(super) const REPLACE_LIMIT: Duration = Duration::from_secs(15);

/// What the earlier one reads: vanilla's words.
const ELSEWHERE: &str = "You logged in from another location";

/// The players of a host.
#[derive(Default)]
pub(super) struct Players {
    present: Mutex<BTreeMap<Uuid, Arc<Link>>>,
    /// A place is free again.
    left: Notify,
}

/// A player's place, which is free again when this is dropped: when nothing is called for the connection any more.
pub(super) struct Place {
    players: Arc<Players>,
    uuid: Uuid,
    player: PlayerId,
}

/// An earlier connection of the player's is there and stays, or does not end in time.
pub(super) struct AlreadyIn;

impl Players {
    /// Takes the place of this player, after the earlier connection has ended where it has to give way. Of several who
    /// wait the last one stays.
    pub async fn enter(
        self: &Arc<Self>,
        uuid: Uuid,
        link: &Arc<Link>,
        rule: Duplicate,
    ) -> Result<Option<Place>, AlreadyIn> {
        if rule == Duplicate::Allow {
            return Ok(None);
        }
        let entered = async {
            loop {
                let left = self.left.notified();
                match self.take(uuid, link) {
                    Ok(place) => return Ok(Some(place)),
                    Err(earlier) if rule == Duplicate::Replace => {
                        let text = TextComponent::cut(ELSEWHERE);
                        earlier.disconnect(&text, EndCause::LoggedInElsewhere);
                    }
                    Err(_) => return Err(AlreadyIn),
                }
                left.await;
            }
        };
        let in_time = tokio::time::timeout(REPLACE_LIMIT, entered).await;
        in_time.unwrap_or(Err(AlreadyIn))
    }

    fn take(self: &Arc<Self>, uuid: Uuid, link: &Arc<Link>) -> Result<Place, Arc<Link>> {
        let mut present = lock(&self.present);
        if let Some(earlier) = present.get(&uuid) {
            return Err(Arc::clone(earlier));
        }
        present.insert(uuid, Arc::clone(link));
        Ok(Place {
            players: Arc::clone(self),
            uuid,
            player: link.player,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut present = lock(&self.players.present);
        if present
            .get(&self.uuid)
            .is_some_and(|link| link.player == self.player)
        {
            present.remove(&self.uuid);
        }
        drop(present);
        self.players.left.notify_waiters();
    }
}

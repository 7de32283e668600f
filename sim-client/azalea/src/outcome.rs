use std::time::Duration;

use serde_json::{Value, json};

use crate::session::{Counts, millis};

/// How a client's connection ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// It came into the world, stayed, and left by itself.
    Stayed,
    /// Nobody accepted the connection, or azalea did not open its own; why.
    NotConnected(String),
    /// It was connected, but did not come into the world in time.
    NotInWorld,
    /// The server disconnected it, with a text component as [`crate::fields::text`] gives it.
    Kicked(Value),
    /// The server closed the connection without a reason; how.
    Lost(String),
    /// azalea closed the connection without being told to.
    Left,
    /// What passed can no longer be followed; why.
    Broken(String),
    /// azalea panicked.
    Panicked,
    /// azalea does not come back from something that it was sent.
    Hung,
}

impl End {
    fn name(&self) -> &'static str {
        match self {
            End::Stayed => "stayed",
            End::NotConnected(_) => "not-connected",
            End::NotInWorld => "not-in-world",
            End::Kicked(_) => "kicked",
            End::Lost(_) => "lost",
            End::Left => "left",
            End::Broken(_) => "broken",
            End::Panicked => "panicked",
            End::Hung => "hung",
        }
    }

    /// In words, with what was said; none where nothing went wrong.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            End::Stayed => None,
            End::NotInWorld => Some("azalea did not load the world around its player in time"),
            End::Kicked(reason) => Some(reason["text"].as_str().unwrap_or_default()),
            End::NotConnected(reason) | End::Lost(reason) | End::Broken(reason) => Some(reason),
            End::Left => Some("azalea closed the connection"),
            End::Panicked => Some("azalea panicked"),
            End::Hung => Some("azalea does not come back from something that it was sent"),
        }
    }
}

/// What became of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Its player's name.
    pub(crate) name: String,
    /// How it ended.
    pub(crate) end: End,
    /// What passed.
    pub(crate) counts: Counts,
    /// When it came into the world, since the start of the program.
    pub(crate) in_world: Option<Duration>,
    /// When it ended.
    pub(crate) ended: Duration,
}

impl Outcome {
    /// A client came into the world, stayed there, and could read all that it was sent.
    pub(crate) fn succeeded(&self) -> bool {
        self.end == End::Stayed && self.counts.undecodable == 0
    }

    /// Why it did not succeed.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.end
            .reason()
            .or((self.counts.undecodable > 0).then_some("azalea could not read a packet"))
    }

    /// The line that sums it up.
    pub(crate) fn line(&self) -> Value {
        json!({
            "t_ms": millis(self.ended),
            "event": "summary",
            "client": self.name,
            "ok": self.succeeded(),
            "end": self.end.name(),
            "reason": self.reason(),
            "in_world_ms": self.in_world.map(millis),
            "received": self.counts.received,
            "sent": self.counts.sent,
            "keep_alives": { "in": self.counts.keep_alives_in, "out": self.counts.keep_alives_out },
            "undecodable": self.counts.undecodable,
        })
    }
}

/// The last line: all clients together.
pub(crate) fn total(outcomes: &[Outcome], complaints: u64, now: Duration) -> Value {
    let count = |wanted: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
    let sum = |of: &dyn Fn(&Counts) -> u64| outcomes.iter().map(|o| of(&o.counts)).sum::<u64>();
    json!({
        "t_ms": millis(now),
        "event": "total",
        "clients": outcomes.len(),
        "ok": count(&Outcome::succeeded),
        "in_world": count(&|o| o.in_world.is_some()),
        "disconnected": count(&|o| matches!(o.end, End::Kicked(_) | End::Lost(_))),
        "received": sum(&|counts| counts.received),
        "sent": sum(&|counts| counts.sent),
        "keep_alives": {
            "in": sum(&|counts| counts.keep_alives_in),
            "out": sum(&|counts| counts.keep_alives_out),
        },
        "undecodable": sum(&|counts| counts.undecodable),
        "complaints": complaints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(end: End, undecodable: u64) -> Outcome {
        Outcome {
            name: "a".to_owned(),
            end,
            counts: Counts {
                undecodable,
                keep_alives_in: 2,
                ..Counts::default()
            },
            in_world: None,
            ended: Duration::ZERO,
        }
    }

    #[test]
    fn a_packet_that_cannot_be_read_spoils_a_stay() {
        assert!(outcome(End::Stayed, 0).succeeded());
        assert!(!outcome(End::Stayed, 1).succeeded());
        assert!(outcome(End::Stayed, 1).reason().is_some());
        assert_eq!(outcome(End::Stayed, 0).reason(), None);
        assert!(!outcome(End::Left, 0).succeeded());
    }

    #[test]
    fn the_total_adds_up() {
        let kicked = End::Kicked(json!({ "text": "bye", "json": "bye" }));
        let outcomes = [outcome(End::Stayed, 0), outcome(kicked, 3)];
        let total = total(&outcomes, 5, Duration::from_millis(7));
        assert_eq!(total["clients"], 2);
        assert_eq!(total["ok"], 1);
        assert_eq!(total["disconnected"], 1);
        assert_eq!(total["keep_alives"]["in"], 4);
        assert_eq!(total["undecodable"], 3);
        assert_eq!(total["complaints"], 5);
        assert_eq!(outcomes[1].line()["reason"], "bye");
    }
}

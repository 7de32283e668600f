//! What the protocol machine reports, in words for a person.

use sim_proto::{CloseReason, EnteredBy, Text, Verdict};

use crate::driver::NotSeen;
use crate::swarm::End;

/// How many characters of a text from the server are shown. A disconnect screen shows about as many.
pub const SHOWN_TEXT: usize = 1024;

/// How many characters of a host name are shown: the longest that DNS has.
const MAX_HOST: usize = 253;

/// A text component as the player reads it, on one line: control characters, which could drive a terminal, are escaped.
pub fn text(text: &Text) -> String {
    printable(&text.plain, SHOWN_TEXT)
}

/// `text` with control characters escaped, cut after `most` characters.
pub fn printable(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(most));
    let mut rest = text.chars();
    for c in rest.by_ref().take(most) {
        if c.is_control() || is_bidi_control(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

/// How the client came into the world.
pub fn in_world(by: EnteredBy) -> &'static str {
    match by {
        EnteredBy::Rule => "in the world",
        EnteredBy::Timeout => {
            "in the world, but only because the client stopped waiting for what is missing"
        }
    }
}

/// Why a connection ended.
pub fn close_reason(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Fault(fault) => format!("a real client would have left: {fault}"),
        CloseReason::Disconnected(reason) => format!("disconnected: {}", text(reason)),
        CloseReason::Eof => "the server closed the connection without a reason".to_owned(),
        CloseReason::Local => "closed by the client".to_owned(),
        CloseReason::StatusDone => "the status is complete".to_owned(),
        CloseReason::Transferred { host, port } => {
            let host = printable(host, MAX_HOST);
            format!(
                "the server sent the client to {host}, port {port}: a real client connects there"
            )
        }
        CloseReason::CodeOfConductDeclined => {
            "the client did not accept the server's code of conduct".to_owned()
        }
        CloseReason::EncryptionRequested => {
            "the server wants encryption (online mode), which this client cannot do".to_owned()
        }
    }
}

/// Where a client stands.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Joining { missing } if missing.is_empty() => "joining".to_owned(),
        Verdict::Joining { missing } => {
            let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
            format!("joining; still to come: {}", missing.join(", "))
        }
        Verdict::InWorld => "in the world".to_owned(),
        Verdict::Stuck(reason) => format!("stuck: {reason}"),
        Verdict::WouldDisconnect(fault) => format!("a real client would have left: {fault}"),
        Verdict::Disconnected { reason } => close_reason(reason),
    }
}

/// How far a client of a swarm came.
pub fn end(end: &End) -> String {
    match end {
        End::Stayed {
            in_world,
            verdict: at_end,
        } => format!(
            "{} (first after {:.3} s)",
            verdict(at_end),
            in_world.as_secs_f64()
        ),
        End::Lost {
            in_world,
            lost,
            reason,
        } => format!(
            "in the world after {:.3} s, lost after {:.3} s: {}",
            in_world.as_secs_f64(),
            lost.as_secs_f64(),
            close_reason(reason)
        ),
        End::NotInWorld { verdict: at_end } => format!("not in the world: {}", verdict(at_end)),
        End::NotSent(error) => format!("in the world, but could not speak: {error}"),
        End::NotConnected(error) => error.to_string(),
    }
}

pub(crate) fn not_seen(not_seen: &NotSeen) -> String {
    let waited = not_seen.waited.as_secs_f64();
    let verdict = verdict(&not_seen.verdict);
    if not_seen.ended {
        format!("the connection ended after {waited:.3} s ({verdict})")
    } else {
        format!("nothing of the kind within {waited:.3} s ({verdict})")
    }
}

/// Characters that reorder the rest of a line on a terminal.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n", 10), "a\\u{1b}[2Jb\\n");
        assert_eq!(printable("\u{202e}x", 10), "\\u{202e}x");
    }

    #[test]
    fn a_transfer_says_where_to() {
        let reason = CloseReason::Transferred {
            host: "else\u{1b}where".to_owned(),
            port: 25566,
        };
        let said = close_reason(&reason);
        assert!(said.contains("else\\u{1b}where, port 25566"), "{said}");
    }

    #[test]
    fn long_texts_are_cut_after_the_bound() {
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(printable("abcd", 3), "abc…");
    }
}

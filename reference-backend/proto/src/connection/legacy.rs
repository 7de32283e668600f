//! The server list ping of clients before 1.7, which came before frames: `FE` until 1.3, `FE 01` in 1.4 and 1.5, and
//! `FE 01 FA` with a plugin message `MC|PingHost` in 1.6. Later clients fall back on the last when a server does not
//! answer theirs. The answer is the kick packet of that time: `FF`, a length in UTF-16 units, and the text.
//!
//! Source: the protocol community's page "Server List Ping" (sections 1.6, 1.4 to 1.5, and beta 1.8 to 1.3), and the
//! `LegacyQueryHandler` of vanilla's server for the number 127.

use core::time::Duration;

use super::stage::Stage;
use super::{Connection, Event};
use crate::error::CloseReason;
use crate::fault::Fault;
use crate::wire::utf16_len;

/// How long a first byte `FE`, or `FE 01`, is given to become more before it is answered as it is. The same bytes begin a
/// handshake of 126 bytes and a multiple of 128 more, of 254 above all; a third byte tells them apart. Vanilla's server
/// waited as long until 1.6.
pub const LEGACY_PATIENCE: Duration = Duration::from_secs(1);

/// The protocol that old clients are told: vanilla's choice, which none of them has (they end at 78). So each shows that
/// it is too old, and the versions in place of the player count, instead of trying to join.
pub const LEGACY_PROTOCOL: i32 = 127;

/// UTF-16 units of the answer: what clients before 1.7 read of a kick packet (general knowledge, not confirmed).
pub const MAX_LEGACY_TEXT: usize = 256;

const PING: u8 = 0xfe;
const WITH_FIELDS: u8 = 0x01;
const PLUGIN_MESSAGE: u8 = 0xfa;
const KICK: u8 = 0xff;
const SECTION: char = '§';

/// How the client asked, which decides how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Until 1.3: three fields between section signs.
    Bare,
    /// From 1.4 on: six fields between NULs.
    Fields,
}

/// What the first bytes of a connection are.
enum Opening {
    Modern,
    /// More is needed; without it they are this.
    Doubtful(Form),
    Legacy,
}

fn opening(input: &[u8]) -> Opening {
    match input {
        [PING] => Opening::Doubtful(Form::Bare),
        [PING, WITH_FIELDS] => Opening::Doubtful(Form::Fields),
        // A handshake goes on with its id, 0.
        [PING, WITH_FIELDS, PLUGIN_MESSAGE, ..] => Opening::Legacy,
        _ => Opening::Modern,
    }
}

impl Connection {
    /// Whether what has come so far is no frame, or may turn out not to be one. Such a ping is answered when it is clear.
    pub(super) fn legacy_ping(&mut self) -> bool {
        let Stage::Handshake { deadline, doubt } = self.stage else {
            return false;
        };
        if self.config.faults.has(Fault::DeafToOldPings) {
            return false;
        }
        match opening(self.input.bytes()) {
            Opening::Modern => return false,
            Opening::Legacy => self.answer_legacy(Form::Fields),
            Opening::Doubtful(form) if self.peer_closed => self.answer_legacy(form),
            Opening::Doubtful(_) => {
                let doubt = doubt.or(Some(self.now + LEGACY_PATIENCE));
                self.stage = Stage::Handshake { deadline, doubt };
            }
        }
        true
    }

    /// Nothing more has come.
    pub(super) fn end_doubt(&mut self) {
        if let Opening::Doubtful(form) = opening(self.input.bytes()) {
            self.answer_legacy(form);
        } else if let Stage::Handshake { deadline, .. } = self.stage {
            let doubt = None;
            self.stage = Stage::Handshake { deadline, doubt };
        }
    }

    fn answer_legacy(&mut self, form: Form) {
        let text = self.legacy_text(form);
        let units: Vec<u16> = text.encode_utf16().collect();
        let length = u16::try_from(units.len()).unwrap_or(u16::MAX);
        let mut answer = vec![KICK];
        answer.extend(length.to_be_bytes());
        answer.extend(units.into_iter().flat_map(u16::to_be_bytes));
        self.output.put_unframed(&answer);
        self.events.push_back(Event::LegacyStatusRequested);
        self.end(CloseReason::StatusAnswered);
    }

    fn legacy_text(&self, form: Form) -> String {
        let motd = self.config.motd.to_plain();
        let (online, max) = (self.online, self.config.max_players);
        match form {
            Form::Bare => {
                let tail = format!("{SECTION}{online}{SECTION}{max}");
                cut(&unformatted(&motd), MAX_LEGACY_TEXT - utf16_len(&tail)) + &tail
            }
            Form::Fields => {
                let version = crate::config::supported_range();
                let head = format!("{SECTION}1\0{LEGACY_PROTOCOL}\0{version}\0");
                let tail = format!("\0{online}\0{max}");
                let room = MAX_LEGACY_TEXT.saturating_sub(utf16_len(&head) + utf16_len(&tail));
                head + &cut(&one_line(&motd), room) + &tail
            }
        }
    }
}

/// Without section signs, which separate fields, and what each of them formats.
fn unformatted(motd: &str) -> String {
    let mut plain = String::with_capacity(motd.len());
    let mut chars = motd.chars();
    while let Some(c) = chars.next() {
        if c == SECTION {
            chars.next();
        } else {
            plain.push(c);
        }
    }
    one_line(&plain)
}

/// Without control characters, of which NUL separates fields.
fn one_line(motd: &str) -> String {
    motd.replace(char::is_control, " ")
}

/// As much as fits, in whole characters.
fn cut(text: &str, units: usize) -> String {
    let mut room = units;
    text.chars()
        .take_while(|c| match room.checked_sub(c.len_utf16()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 2), "ab");
        assert_eq!(cut("a😀", 3), "a😀");
        assert_eq!(cut("a😀b", 2), "a", "half a pair is no character");
    }

    #[test]
    fn what_separates_fields_is_not_in_them() {
        assert_eq!(unformatted("§6a §lb§"), "a b");
        assert_eq!(unformatted("a\0b\nc"), "a b c");
        assert_eq!(one_line("§6a\0b"), "§6a b");
    }
}

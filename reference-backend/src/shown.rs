//! Texts of other people on their way into a line of the log, a message or an error: cut, and of one line.
//!
//! Whoever writes a newline, an escape or a mark that turns the direction of writing into a name could otherwise forge
//! lines of the host's, or hide one. What is escaped holds nothing to escape any more, so that a text may pass twice.

use std::fmt::{self, Display, Write};

/// Most bytes of a guest's text in an error or a message of the host's: a few sentences.
pub const SHOWN_BYTES: usize = 1 << 10;

/// What stands in place of the rest.
pub const CUT: &str = "… (cut)";

/// Shows the value in at most [`SHOWN_BYTES`] and one line.
#[must_use]
pub fn shown(value: impl Display) -> String {
    shown_within(SHOWN_BYTES, value)
}

/// Shows the value in at most so many bytes, [`CUT`] included, and one line. Costs no more than what is shown, however
/// long the value is.
#[must_use]
pub fn shown_within(most: usize, value: impl Display) -> String {
    let mut text = String::new();
    let mut sink = Shown::new(&mut text, most);
    // Writing to a string cannot fail, and a value that fails shows what it had until then.
    let _ = write!(sink, "{value}");
    let _ = sink.finish();
    text
}

/// Escapes and cuts what is written through it.
pub(crate) struct Shown<'a, W: Write> {
    out: &'a mut W,
    /// Bytes, without those of the mark.
    room: usize,
    /// For the mark, or for the end of a text that fits.
    reserve: String,
    reserve_room: usize,
    cut: bool,
}

impl<'a, W: Write> Shown<'a, W> {
    pub fn new(out: &'a mut W, most: usize) -> Self {
        Self {
            out,
            room: most.saturating_sub(CUT.len()),
            reserve: String::new(),
            reserve_room: CUT.len().min(most),
            cut: false,
        }
    }

    /// Must come last: what would have been the mark's place is the text's, if it was not needed.
    pub fn finish(self) -> fmt::Result {
        self.out.write_str(match self.cut {
            true => CUT,
            false => &self.reserve,
        })
    }

    fn put(&mut self, piece: &str) -> fmt::Result {
        if self.reserve.is_empty() && piece.len() <= self.room {
            self.room -= piece.len();
            return self.out.write_str(piece);
        }
        self.reserve_room += std::mem::take(&mut self.room);
        if self.reserve.len() + piece.len() <= self.reserve_room {
            self.reserve.push_str(piece);
            return Ok(());
        }
        self.cut = true;
        // Whoever writes need not go on.
        Err(fmt::Error)
    }
}

impl<W: Write> Write for Shown<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut {
            return Err(fmt::Error);
        }
        let mut buffer = [0; 4];
        let mut plain = text;
        while !plain.is_empty() {
            // What needs nothing goes in one piece, where it fits.
            let end = plain.find(is_escaped).unwrap_or(plain.len());
            let (before, rest) = plain.split_at(end);
            if self.reserve.is_empty() && before.len() <= self.room {
                self.put(before)?;
            } else {
                for c in before.chars() {
                    self.put(c.encode_utf8(&mut buffer))?;
                }
            }
            let mut rest = rest.chars();
            if let Some(c) = rest.next() {
                match c {
                    '\n' => self.put("\\n")?,
                    '\r' => self.put("\\r")?,
                    '\t' => self.put("\\t")?,
                    other => self.put(&format!("\\u{{{:x}}}", u32::from(other)))?,
                }
            }
            plain = rest.as_str();
        }
        Ok(())
    }
}

/// Whether a character does something else than appear where it stands: control characters, ends of lines, marks of
/// direction, and what has no width. Joiners are letters' own, and emojis'.
fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shown_ends_a_line_or_turns_it() {
        let forged = "a\nb\r\tc\u{1b}[2J\u{85}\u{2028}\u{202e}\u{2066}\u{200f}\u{feff}\u{0}z";
        assert_eq!(
            shown(forged),
            "a\\nb\\r\\tc\\u{1b}[2J\\u{85}\\u{2028}\\u{202e}\\u{2066}\\u{200f}\\u{feff}\\u{0}z"
        );
        let all: String = ('\0'..=char::MAX).collect();
        let whole = shown_within(usize::MAX, &all);
        assert!(!whole.chars().any(is_escaped));
        assert_eq!(shown_within(usize::MAX, &whole), whole, "twice is once");
    }

    #[test]
    fn words_of_every_script_stay_as_they_are() {
        let text = "Grüße, 世界, مرحبا, नमस्ते, 👩\u{200d}🚀 \\n";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn a_text_is_cut_past_its_bound_and_between_characters() {
        let fits = "a".repeat(SHOWN_BYTES);
        assert_eq!(shown(&fits), fits);
        let past = shown(format!("{fits}a"));
        assert_eq!(past.len(), SHOWN_BYTES);
        assert!(past.ends_with(CUT), "{past}");
        for most in 0..40 {
            for text in [
                "ßßßßßßßßßßßßßßßßßßßß",
                "\n\n\n\n\n\n\n\n\n\n\u{1b}\u{1b}\u{1b}",
                "aß\n世",
            ] {
                let cut = shown_within(most, text);
                let whole = shown_within(usize::MAX, text);
                assert!(cut.len() <= most || cut == CUT, "{most}: {cut}");
                assert_eq!(whole.len() <= most, cut == whole, "{most}: {cut}");
            }
        }
    }

    #[test]
    fn what_is_not_shown_costs_nothing() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("more and ")?;
                }
            }
        }
        assert!(shown(Endless).ends_with(CUT));
    }
}

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use sim_proto::{Context, Version, annotate_in};
use vb_data::Direction;

use crate::describe::printable;
use crate::trace::{NoteKind, PacketRecord, Record, TRACE_BYTES, Trace, TraceEntry};

/// How many characters of decoded fields a packet's line may have.
pub const SUMMARY: usize = 96;

/// How many lines of an annotated dump a packet may have. A chunk has thousands of fields.
pub const DUMP_LINES: usize = 64;

/// How many bytes a line of a dump shows of its field.
pub const DUMP_BYTES: usize = 16;

/// How many characters a line of a dump shows of its field's value.
pub const DUMP_VALUE: usize = 120;

/// Writes down what a connection saw, a line for each packet:
///
/// ```text
///     time  dir state         packet                        id    bytes  fields
///    0.000   -> handshaking   set_protocol                  0x00     15  protocol=765 ...
///    0.050   == login -> configuration
/// ```
///
/// Times are seconds since the driver was made; `->` goes to the server and `<-` comes from it.
#[derive(Clone, Debug)]
pub struct Transcript {
    context: Context,
    colours: bool,
    dump: bool,
}

impl Transcript {
    /// Lines without colours and without dumps. The version says what packets mean.
    pub fn new(version: Version) -> Self {
        Transcript {
            context: Context::new(version),
            colours: false,
            dump: false,
        }
    }

    /// Knowing the world that the client is in, without which a chunk's sections cannot be told apart: see
    /// [`sim_proto::Client::context`].
    #[must_use]
    pub fn context(mut self, context: &Context) -> Self {
        self.context.clone_from(context);
        self
    }

    /// With ANSI colours, or without.
    #[must_use]
    pub fn colours(mut self, colours: bool) -> Self {
        self.colours = colours;
        self
    }

    /// With an annotated dump (`offset | bytes | field = value`) under each packet's line, or without.
    #[must_use]
    pub fn dump(mut self, dump: bool) -> Self {
        self.dump = dump;
        self
    }

    /// A whole trace; every line ends in a line feed.
    pub fn trace(&self, trace: &Trace) -> String {
        let mut text = String::new();
        for entry in trace.first() {
            self.write_entry(&mut text, entry);
        }
        if trace.omitted() > 0 {
            let _ = writeln!(
                text,
                "          ... {} entries forgotten ...",
                trace.omitted()
            );
        }
        for entry in trace.last() {
            self.write_entry(&mut text, entry);
        }
        text
    }

    /// One entry; every line ends in a line feed.
    pub fn entry(&self, entry: &TraceEntry) -> String {
        let mut text = String::new();
        self.write_entry(&mut text, entry);
        text
    }

    // Writing to a String cannot fail.
    fn write_entry(&self, out: &mut String, entry: &TraceEntry) {
        match &entry.record {
            Record::Packet(packet) => self.write_packet(out, entry.at, packet),
            Record::Note { kind, text } => {
                let style = self.style(note_style(*kind));
                let _ = writeln!(
                    out,
                    "{}  {style}== {}{style:#}",
                    seconds(entry.at),
                    printable(text, usize::MAX)
                );
            }
        }
    }

    fn write_packet(&self, out: &mut String, at: Duration, packet: &PacketRecord) {
        let (arrow, colour) = match packet.direction {
            Direction::Clientbound => ("<-", AnsiColor::Cyan),
            Direction::Serverbound => ("->", AnsiColor::Green),
        };
        let style = self.style(colour.on_default());
        let dimmed = self.style(Style::new().dimmed());
        let annotated = annotate_in(
            &self.context,
            packet.state,
            packet.direction,
            packet.id,
            &packet.data,
        );
        let summary = summary(
            annotated
                .fields
                .iter()
                .map(|field| (field.path.as_str(), field.value.as_str())),
        );
        let _ = writeln!(
            out,
            "{}  {style}{arrow} {:<13} {:<30}{style:#} {:#04x} {:>8}{}{dimmed}{summary}{dimmed:#}",
            seconds(at),
            packet.state,
            packet.name.unwrap_or("(unknown)"),
            packet.id,
            packet.length,
            if summary.is_empty() { "" } else { "  " },
        );
        if self.dump {
            self.write_dump(out, packet, &annotated);
        }
    }

    fn write_dump(
        &self,
        out: &mut String,
        packet: &PacketRecord,
        annotated: &sim_proto::Annotated,
    ) {
        let dimmed = self.style(Style::new().dimmed());
        for field in annotated.fields.iter().take(DUMP_LINES) {
            let end = field.offset.saturating_add(field.len);
            let bytes = packet
                .data
                .get(field.offset..end.min(packet.data.len()))
                .unwrap_or_default();
            let _ = writeln!(
                out,
                "          {dimmed}{:>6} | {:<width$} |{dimmed:#} {} = {}",
                field.offset,
                hex(bytes),
                if field.path.is_empty() {
                    "(value)"
                } else {
                    &field.path
                },
                printable(&field.value, DUMP_VALUE),
                width = DUMP_BYTES * 3 + 1,
            );
        }
        if annotated.fields.len() > DUMP_LINES {
            let _ = writeln!(
                out,
                "          {dimmed}... {} more fields{dimmed:#}",
                annotated.fields.len() - DUMP_LINES
            );
        }
        if packet.length > packet.data.len() {
            let _ = writeln!(
                out,
                "          {dimmed}... only the first {TRACE_BYTES} of {} bytes are kept{dimmed:#}",
                packet.length
            );
        } else if let Some(error) = &annotated.error {
            let wrong = self.style(AnsiColor::Red.on_default());
            let _ = writeln!(out, "          {wrong}{error}{wrong:#}");
        }
    }

    fn style(&self, style: Style) -> Style {
        if self.colours { style } else { Style::new() }
    }
}

fn note_style(kind: NoteKind) -> Style {
    match kind {
        NoteKind::State => AnsiColor::Blue.on_default(),
        NoteKind::InWorld => AnsiColor::Green.on_default().bold(),
        NoteKind::Chat => Style::new().bold(),
        NoteKind::Remark => AnsiColor::Yellow.on_default(),
        NoteKind::Fault => AnsiColor::Red.on_default().bold(),
        NoteKind::End | NoteKind::Local => AnsiColor::Magenta.on_default(),
    }
}

/// Right-aligned, so that the columns stay in place for almost three hours.
fn seconds(at: Duration) -> String {
    format!("{:>8}.{:03}", at.as_secs(), at.subsec_millis())
}

/// `a=1 b="x"`, cut after [`SUMMARY`] characters. A field without a path is shown by its value.
fn summary<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut summary = String::new();
    // A character more than fits tells that something is cut.
    for (path, value) in fields {
        if summary.chars().count() > SUMMARY {
            break;
        }
        if !summary.is_empty() {
            summary.push(' ');
        }
        if !path.is_empty() {
            summary.push_str(path);
            summary.push('=');
        }
        summary.extend(value.chars().take(SUMMARY + 1));
    }
    printable(&summary, SUMMARY)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(DUMP_BYTES * 3 + 1);
    for byte in bytes.iter().take(DUMP_BYTES) {
        let _ = write!(text, "{byte:02x} ");
    }
    if bytes.len() > DUMP_BYTES {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sim_proto::{Event, Sent};
    use vb_data::State;

    use super::*;

    fn chat(text: &str) -> Trace {
        let mut data = vec![u8::try_from(text.len()).unwrap()];
        data.extend(text.as_bytes());
        let mut trace = Trace::default();
        let event = Event::Sent(Sent {
            state: State::Play,
            id: 1,
            name: Some("chat"),
            data: Bytes::from(data),
        });
        trace.event(Duration::from_millis(12_345), &event);
        trace
    }

    #[test]
    fn a_packet_is_a_line() {
        let transcript = Transcript::new(Version::new(47));
        assert_eq!(
            transcript.trace(&chat("hi")),
            "      12.345  -> play          chat                           0x01        3  message=\"hi\"\n"
        );
    }

    #[test]
    fn a_dump_shows_offsets_bytes_and_values() {
        let text = Transcript::new(Version::new(47))
            .dump(true)
            .trace(&chat("hi"));
        let dump = text.lines().nth(1).unwrap();
        assert!(dump.contains("0 | 02 68 69 "), "{dump}");
        assert!(dump.ends_with("| message = \"hi\""), "{dump}");
    }

    #[test]
    fn colours_are_there_when_asked_for() {
        let transcript = Transcript::new(Version::new(47)).colours(true);
        assert!(transcript.trace(&chat("hi")).contains("\u{1b}[32m"));
    }

    #[test]
    fn a_packet_cannot_drive_the_terminal() {
        let text = Transcript::new(Version::new(47))
            .dump(true)
            .trace(&chat("\u{1b}[2J\n"));
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn what_is_forgotten_is_said() {
        let mut trace = chat("hi");
        for _ in 0..600 {
            trace.note(Duration::ZERO, NoteKind::Local, "x".to_owned());
        }
        let text = Transcript::new(Version::new(47)).trace(&trace);
        assert!(text.contains("... 89 entries forgotten ..."), "{text}");
        assert_eq!(text.lines().count(), 513);
    }

    #[test]
    fn summaries_have_a_bound() {
        let fits = "v".repeat(SUMMARY - 2);
        assert_eq!(
            summary([("a", fits.as_str())].into_iter()),
            format!("a={fits}")
        );
        let fields = [("a", fits.as_str()), ("b", "1")];
        assert_eq!(summary(fields.into_iter()), format!("a={fits}…"));
        let long = "v".repeat(100_000);
        assert_eq!(
            summary([("", long.as_str())].into_iter()),
            format!("{}…", "v".repeat(SUMMARY))
        );
        assert_eq!(summary([("", "1"), ("b", "2")].into_iter()), "1 b=2");
    }
}

//! Every value of a line, whoever wrote it: cut, and escaped so that a line stays one line.

use crate::config::limits::LOG_LINE_BYTES;
use crate::shown::Shown;
use std::fmt::{Debug, Write as _};
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// Most bytes of a line's message: as much as the contract lets a guest write.
pub const MESSAGE_BYTES: usize = LOG_LINE_BYTES;

/// Most bytes of every other value of a line: names, numbers and addresses.
pub const FIELD_BYTES: usize = 256;

pub(super) fn format() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    debug_fn(|out: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
        let most = match field.name() {
            "message" => MESSAGE_BYTES,
            name if out.has_ansi_escapes() => {
                write!(out, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?;
                FIELD_BYTES
            }
            name => {
                write!(out, "{name}=")?;
                FIELD_BYTES
            }
        };
        let mut shown = Shown::new(out, most);
        // What is cut ends early, and a value that cannot be shown is shown as far as it goes.
        let _ = write!(shown, "{value:?}");
        shown.finish()
    })
    .delimited(" ")
}

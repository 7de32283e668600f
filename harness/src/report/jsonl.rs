//! The event stream itself.

use std::io::{self, Write};

use super::Reporter;
use crate::event::Event;

pub struct Jsonl {
    out: Box<dyn Write>,
}

impl Jsonl {
    pub fn new(out: Box<dyn Write>) -> Self {
        Self { out }
    }
}

impl Reporter for Jsonl {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let line = serde_json::to_string(event).map_err(io::Error::other)?;
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }
}

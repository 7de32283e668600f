//! What the player reads of a component.

/// Collects what is shown. What is in events and separators is not.
#[derive(Default)]
pub(super) struct Plain {
    text: String,
    muted: usize,
}

impl Plain {
    /// Adds what is shown next.
    pub fn push(&mut self, text: &str) {
        if self.muted == 0 {
            self.text.push_str(text);
        }
    }

    /// From here on nothing is shown, until [`unmute`](Self::unmute).
    pub fn mute(&mut self) {
        self.muted += 1;
    }

    /// Ends a [`mute`](Self::mute).
    pub fn unmute(&mut self) {
        self.muted -= 1;
    }

    /// How much there is, for [`cut`](Self::cut).
    pub fn mark(&self) -> usize {
        self.text.len()
    }

    /// Takes back what came since the mark.
    pub fn cut(&mut self, mark: usize) {
        self.text.truncate(mark);
    }

    /// All of it.
    pub fn into_text(self) -> String {
        self.text
    }
}

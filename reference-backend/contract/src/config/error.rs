//! Errors of a configuration: where, what, and how to mend it.

use crate::nearest::nearest;
use std::fmt;
use std::ops::Range;

/// A configuration that cannot be used. Displays as `file:line:column: message`, the line at fault, and help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as it was given.
    pub file: String,
    /// From 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// From 1, in characters; 0 when the file as a whole is meant.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where that is known.
    pub help: Option<String>,
    /// The line at fault.
    pub excerpt: Option<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            write!(
                f,
                "{}:{}:{}: {}",
                self.file, self.line, self.column, self.message
            )?;
        }
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n  | {excerpt}\n  | {:>1$}", "^", self.column)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  = help: {help}")?;
        }
        Ok(())
    }
}

impl ConfigError {
    /// An error of the file as a whole.
    pub(crate) fn whole(file: &str, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            help,
            excerpt: None,
        }
    }

    pub(crate) fn from_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let (message, help) = explain(error.message());
        let Some(span) = error.span() else {
            return Self::whole(file, message, help);
        };
        let (line, column, excerpt) = locate(text, &span);
        Self {
            file: file.to_owned(),
            line,
            column,
            message,
            help,
            excerpt: Some(excerpt),
        }
    }
}

fn locate(text: &str, span: &Range<usize>) -> (usize, usize, String) {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let (before, after) = text.split_at(start);
    let line = before.matches('\n').count() + 1;
    let head = before.rsplit('\n').next().unwrap_or_default();
    let tail = after.split('\n').next().unwrap_or_default();
    // Tabs would move the caret away from what it points at.
    let excerpt = format!("{head}{}", tail.trim_end_matches('\r')).replace('\t', " ");
    (line, head.chars().count() + 1, excerpt)
}

/// serde words an unknown key as "unknown field `x`, expected one of `a`, `b`" (or "expected `a`", or "there are no
/// fields"); the names in it are turned into a suggestion.
fn explain(message: &str) -> (String, Option<String>) {
    let message = message.trim();
    let (noun, rest) = if let Some(rest) = message.strip_prefix("unknown field `") {
        ("key", rest)
    } else if let Some(rest) = message.strip_prefix("unknown variant `") {
        ("value", rest)
    } else {
        return (message.to_owned(), None);
    };
    let mut quoted = rest.split('`').step_by(2);
    let Some(found) = quoted.next() else {
        return (message.to_owned(), None);
    };
    let known: Vec<&str> = rest
        .split('`')
        .skip(2)
        .step_by(2)
        .filter(|name| !name.is_empty())
        .collect();
    let help = match nearest(found, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    };
    (format!("unknown {noun} `{found}`"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_counts_characters() {
        assert_eq!(locate("a\nß = 1", &(5..6)), (2, 3, "ß = 1".to_owned()));
    }
}

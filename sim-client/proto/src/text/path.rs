//! Where in a component something stands.

use core::fmt;

/// A place in a component: a list that grows with the recursion and is only written out for an error.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

/// Longest part of a key that is shown, in characters.
const SHOWN: usize = 64;

impl Path<'_> {
    /// The component itself.
    pub const fn root() -> Self {
        Path {
            parent: None,
            step: Step::Root,
            depth: 0,
        }
    }

    /// A field of the object that stands here.
    pub const fn key<'b>(&'b self, key: &'b str) -> Path<'b> {
        self.then(Step::Key(key))
    }

    /// An element of the list that stands here.
    pub const fn index(&self, index: usize) -> Path<'_> {
        self.then(Step::Index(index))
    }

    /// Steps from the root.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    const fn then<'b>(&'b self, step: Step<'b>) -> Path<'b> {
        Path {
            parent: Some(self),
            step,
            depth: self.depth + 1,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => f.write_str("component"),
            Step::Key(key) => write!(f, ".{key:.SHOWN$}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

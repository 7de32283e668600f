//! Cases: each checks one claim, in one file named after it.

use std::future::Future;
use std::pin::Pin;

use crate::clause::{Clause, Subject};
use crate::spec;
use crate::subject::host::HostLab;
use crate::subject::lab::GuestLab;
use crate::verdict::Outcome;

/// A future that stays on its thread: a case and its subject share one.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// On which protocols a case runs, among those of its clauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// On each that is selected.
    Each,
    /// On the newest that is selected: the claim has nothing to do with the protocol.
    Newest,
    /// On the oldest that is selected: the same, for a claim that takes many joins, which cost least there.
    Oldest,
}

/// What a case does.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// With the guest that is judged.
    Guest(GuestRun),
    /// With the host that is judged.
    Host(HostRun),
}

/// One claim about a subject, and how to find out.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The claim in kebab case; the file's name too.
    pub name: &'static str,
    /// The ids of the clauses it checks, the main one first.
    pub clauses: &'static [&'static str],
    /// What it does, in a sentence.
    pub about: &'static str,
    /// On which protocols.
    pub spread: Spread,
    /// How.
    pub run: Run,
}

/// What a guest's case does.
pub type GuestRun = for<'a> fn(&'a GuestLab) -> LocalFuture<'a, Outcome>;
/// What a host's case does.
pub type HostRun = for<'a> fn(&'a HostLab) -> LocalFuture<'a, Outcome>;

impl Case {
    /// A claim about guests.
    #[must_use]
    pub const fn guest(
        name: &'static str,
        clauses: &'static [&'static str],
        about: &'static str,
        run: GuestRun,
    ) -> Self {
        Self {
            name,
            clauses,
            about,
            spread: Spread::Each,
            run: Run::Guest(run),
        }
    }

    /// A claim about hosts.
    #[must_use]
    pub const fn host(
        name: &'static str,
        clauses: &'static [&'static str],
        about: &'static str,
        run: HostRun,
    ) -> Self {
        Self {
            name,
            clauses,
            about,
            spread: Spread::Each,
            run: Run::Host(run),
        }
    }

    /// On the newest protocol that is selected only.
    #[must_use]
    pub const fn on_the_newest(mut self) -> Self {
        self.spread = Spread::Newest;
        self
    }

    /// On the oldest protocol that is selected only.
    #[must_use]
    pub const fn on_the_oldest(mut self) -> Self {
        self.spread = Spread::Oldest;
        self
    }

    /// Whom it judges.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        match self.run {
            Run::Guest(_) => Subject::Guest,
            Run::Host(_) => Subject::Host,
        }
    }

    /// Whether one of its clauses holds for the protocol.
    #[must_use]
    pub fn applies_to(&self, protocol: i32) -> bool {
        self.clauses()
            .any(|clause| clause.protocols.contains(protocol))
    }

    /// Those of `selected` on which it runs.
    #[must_use]
    pub fn protocols(&self, selected: &[i32]) -> Vec<i32> {
        let applying = selected
            .iter()
            .copied()
            .filter(|&protocol| self.applies_to(protocol));
        match self.spread {
            Spread::Each => applying.collect(),
            Spread::Newest => applying.max().into_iter().collect(),
            Spread::Oldest => applying.min().into_iter().collect(),
        }
    }

    /// Its clauses, from the specification.
    pub fn clauses(&self) -> impl Iterator<Item = &'static Clause> {
        self.clauses
            .iter()
            .filter_map(|id| spec::registry().get(id))
    }
}

/// Every case there is, guests' first, in the order of their clauses.
#[must_use]
pub fn all() -> &'static [Case] {
    crate::cases::all()
}

/// The cases of one subject.
pub fn of(subject: Subject) -> impl Iterator<Item = &'static Case> {
    all().iter().filter(move |case| case.subject() == subject)
}

//! Cases: each checks one claim, in one file named after it.

use std::ops::Deref;

use crate::clause::{Clause, Subject};
use crate::lab::door::{LocalFuture, Need};
use crate::lab::guest::GuestLab;
use crate::lab::host::HostLab;
use crate::spec;
use crate::verdict::Outcome;

/// On which protocols a case runs, among those of its clauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// On each that is selected.
    Each,
    /// On the newest that is selected and served: the claim has nothing to do with the protocol.
    Newest,
    /// On the oldest that is selected and served: the same, for a claim that takes many joins, which cost least there.
    Oldest,
}

/// One claim about a subject.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The claim in kebab case; the file's name too.
    pub name: &'static str,
    /// The ids of the clauses it checks, the main one first.
    pub clauses: &'static [&'static str],
    /// What is done to find out, in a sentence.
    pub about: &'static str,
    /// Whom it is about.
    pub subject: Subject,
    /// On which protocols.
    pub spread: Spread,
    /// That without which nothing can be said.
    pub needs: &'static [Need],
    /// Whether it takes minutes: three and more of play, which are nothing where time is virtual.
    pub takes_minutes: bool,
}

/// A claim, and how to find out: `L` is what it works with, a [`GuestLab`] or a [`HostLab`]. Reads like its [`Claim`].
#[derive(Debug)]
pub struct Case<L: 'static> {
    /// What it claims.
    pub claim: Claim,
    /// How to find out.
    pub run: Run<L>,
}

/// One case on one protocol.
#[derive(Debug)]
pub struct Job<L: 'static> {
    /// The case.
    pub case: &'static Case<L>,
    /// The protocol.
    pub protocol: i32,
}

/// What a case does.
pub type Run<L> = for<'a> fn(&'a L) -> LocalFuture<'a, Outcome>;

/// What a case works with, which says whom it judges.
pub trait Lab: Sized + sealed::Sealed + 'static {
    /// Whom its cases judge.
    const SUBJECT: Subject;
}

impl Lab for GuestLab {
    const SUBJECT: Subject = Subject::Guest;
}

impl Lab for HostLab {
    const SUBJECT: Subject = Subject::Host;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::GuestLab {}
    impl Sealed for super::HostLab {}
}

impl<L: Lab> Case<L> {
    /// A claim on each protocol that needs nothing in particular.
    #[must_use]
    pub const fn new(
        name: &'static str,
        clauses: &'static [&'static str],
        about: &'static str,
        run: Run<L>,
    ) -> Self {
        Self {
            claim: Claim {
                name,
                clauses,
                about,
                subject: L::SUBJECT,
                spread: Spread::Each,
                needs: &[],
                takes_minutes: false,
            },
            run,
        }
    }

    /// On the newest protocol that is selected only.
    #[must_use]
    pub const fn on_the_newest(mut self) -> Self {
        self.claim.spread = Spread::Newest;
        self
    }

    /// On the oldest protocol that is selected only.
    #[must_use]
    pub const fn on_the_oldest(mut self) -> Self {
        self.claim.spread = Spread::Oldest;
        self
    }

    /// With minutes of play in it.
    #[must_use]
    pub const fn taking_minutes(mut self) -> Self {
        self.claim.takes_minutes = true;
        self
    }

    /// With that without which it can say nothing.
    #[must_use]
    pub const fn needing(mut self, needs: &'static [Need]) -> Self {
        self.claim.needs = needs;
        self
    }
}

// By hand, since a lab itself cannot be copied.
impl<L> Clone for Case<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Case<L> {}

impl<L> Deref for Case<L> {
    type Target = Claim;

    fn deref(&self) -> &Claim {
        &self.claim
    }
}

impl<L> Clone for Job<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Job<L> {}

impl Claim {
    /// Whether one of its clauses holds for the protocol.
    #[must_use]
    pub fn applies_to(&self, protocol: i32) -> bool {
        self.clauses()
            .any(|clause| clause.protocols.contains(protocol))
    }

    /// Those of `selected` on which it runs.
    #[must_use]
    pub fn protocols(&self, selected: &[i32]) -> Vec<i32> {
        self.protocols_served(selected, |_| true)
    }

    /// The same for a subject that serves some protocols only: a case that runs on one takes one that is served. Where
    /// none is, it runs where it would have run, and is told why nothing can be judged.
    pub fn protocols_served(
        &self,
        selected: &[i32],
        mut serves: impl FnMut(i32) -> bool,
    ) -> Vec<i32> {
        let applying = selected
            .iter()
            .copied()
            .filter(|&protocol| self.applies_to(protocol));
        let mut applying: Vec<i32> = applying.collect();
        match self.spread {
            Spread::Each => return applying,
            Spread::Oldest => applying.sort_unstable(),
            Spread::Newest => applying.sort_unstable_by(|a, b| b.cmp(a)),
        }
        let served = applying.iter().copied().find(|&protocol| serves(protocol));
        served
            .or_else(|| applying.first().copied())
            .into_iter()
            .collect()
    }

    /// Its clauses, from the specification.
    pub fn clauses(&self) -> impl Iterator<Item = &'static Clause> {
        self.clauses
            .iter()
            .filter_map(|id| spec::registry().get(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    fn claim(spread: Spread) -> Claim {
        let any = cases::of(Subject::Guest).find(|case| case.applies_to(4) && case.applies_to(777));
        Claim {
            spread,
            ..*any.unwrap()
        }
    }

    #[test]
    fn a_case_on_one_protocol_takes_one_that_is_served() {
        let selected = [4, 47, 340, 777];
        let served = |spread: Spread, served: &[i32]| {
            claim(spread).protocols_served(&selected, |protocol| served.contains(&protocol))
        };
        assert_eq!(served(Spread::Newest, &[47, 340]), [340]);
        assert_eq!(served(Spread::Oldest, &[47, 340]), [47]);
        assert_eq!(served(Spread::Newest, &selected), [777]);
        assert_eq!(served(Spread::Oldest, &selected), [4]);
        // Where nothing is served, a case still says so.
        assert_eq!(served(Spread::Newest, &[]), [777]);
        assert_eq!(served(Spread::Oldest, &[]), [4]);
        assert_eq!(served(Spread::Each, &[47]), selected);
        let unordered = claim(Spread::Newest).protocols(&[47, 777, 4]);
        assert_eq!(unordered, [777]);
    }

    #[test]
    fn only_who_needs_to_know_asks_what_is_served() {
        let mut asked = Vec::new();
        let mut ask = |protocol| {
            asked.push(protocol);
            protocol == 340
        };
        claim(Spread::Each).protocols_served(&[47, 340, 777], &mut ask);
        claim(Spread::Newest).protocols_served(&[47, 340, 777], &mut ask);
        assert_eq!(asked, [777, 340]);
    }
}

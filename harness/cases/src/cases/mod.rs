//! Every case: one claim a file, the file named after the claim.

mod guest;
mod host;

use std::sync::LazyLock;

use crate::case::{Case, Claim, Lab};
use crate::clause::Subject;
use crate::lab::guest::GuestLab;
use crate::lab::host::HostLab;

static HOST: LazyLock<Vec<Case<HostLab>>> = LazyLock::new(|| {
    [
        host::enforcement::ALL,
        host::dispatch::ALL,
        host::bridge::ALL,
        host::login::ALL,
    ]
    .concat()
});

static ALL: LazyLock<Vec<&Claim>> = LazyLock::new(|| {
    let guest = guest().iter().map(|case| &case.claim);
    guest.chain(host().iter().map(|case| &case.claim)).collect()
});

/// What cases there are to work with a lab.
pub trait Listed: Lab {
    /// All of them, in the order of their clauses.
    fn cases() -> &'static [Case<Self>];
}

impl Listed for GuestLab {
    fn cases() -> &'static [Case<Self>] {
        guest()
    }
}

impl Listed for HostLab {
    fn cases() -> &'static [Case<Self>] {
        host()
    }
}

/// The cases of guests, in the order of their clauses.
#[must_use]
pub fn guest() -> &'static [Case<GuestLab>] {
    guest::ALL
}

/// The cases of hosts, in the order of their clauses.
#[must_use]
pub fn host() -> &'static [Case<HostLab>] {
    &HOST
}

/// What is claimed: of guests, then of hosts.
#[must_use]
pub fn all() -> &'static [&'static Claim] {
    &ALL
}

/// What is claimed of one subject.
pub fn of(subject: Subject) -> impl Iterator<Item = &'static Claim> {
    let of_subject = move |claim: &&Claim| claim.subject == subject;
    all().iter().copied().filter(of_subject)
}

/// Declares the modules of cases that work with a lab and lists their `CASE`, in the order given.
macro_rules! cases {
    ($lab:ident: $($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// Every case of this folder.
        pub const ALL: &[crate::case::Case<$lab>] = &[$($module::CASE),*];

        /// Files and the cases in them.
        #[cfg(test)]
        pub const FILES: &[(&str, &str)] = &[$((stringify!($module), $module::CASE.claim.name)),*];
    };
}
use cases;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::spec;

    #[test]
    fn a_case_is_named_after_its_file() {
        let files = [
            guest::FILES,
            host::enforcement::FILES,
            host::dispatch::FILES,
            host::bridge::FILES,
            host::login::FILES,
        ];
        for (file, name) in files.into_iter().flatten() {
            assert_eq!(*file, name.replace('-', "_"));
        }
    }

    #[test]
    fn no_two_cases_have_one_name() {
        let names: BTreeSet<&str> = all().iter().map(|case| case.name).collect();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn every_clause_of_a_case_is_known_and_binds_its_subject() {
        for case in all() {
            assert!(!case.clauses.is_empty(), "{} checks nothing", case.name);
            for id in case.clauses {
                let clause = spec::registry()
                    .get(id)
                    .unwrap_or_else(|| panic!("{}: {id} is no clause", case.name));
                assert_eq!(clause.subject, case.subject, "{}: {id}", case.name);
            }
        }
    }

    #[test]
    fn no_case_is_left_without_a_protocol_for_ever() {
        for case in all() {
            let runs = vb_data::releases()
                .iter()
                .any(|release| case.applies_to(release.protocol));
            assert!(runs, "{}", case.name);
        }
    }
}

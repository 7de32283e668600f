//! Every case: one claim a file, the file named after the claim.

mod guest;
mod host;

use std::sync::LazyLock;

use crate::case::Case;
use crate::clause::Subject;

static ALL: LazyLock<Vec<Case>> = LazyLock::new(|| {
    [
        guest::ALL,
        host::enforcement::ALL,
        host::dispatch::ALL,
        host::bridge::ALL,
        host::login::ALL,
    ]
    .concat()
});

/// Guests' cases, then hosts', each in the order of their clauses.
#[must_use]
pub fn all() -> &'static [Case] {
    &ALL
}

/// The cases of one subject.
pub fn of(subject: Subject) -> impl Iterator<Item = &'static Case> {
    all().iter().filter(move |case| case.subject() == subject)
}

/// Declares the modules of cases and lists their `CASE`, in the order given.
macro_rules! cases {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// Every case of this folder.
        pub const ALL: &[crate::case::Case] = &[$($module::CASE),*];

        /// Files and the cases in them.
        #[cfg(test)]
        pub const FILES: &[(&str, &str)] = &[$((stringify!($module), $module::CASE.name)),*];
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
                assert_eq!(clause.subject, case.subject(), "{}: {id}", case.name);
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

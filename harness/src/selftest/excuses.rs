//! Faults that break more than the clause whose killer they are. Each excuse has its reason and expires: one that is
//! not needed any more fails the selftest.

use super::Trial;

/// This killer breaks those clauses too.
#[derive(Debug)]
pub struct Excuse {
    /// The killer.
    pub killer: &'static str,
    /// The clauses besides its own.
    pub clauses: &'static [&'static str],
    /// Why no narrower fault would do.
    pub why: &'static str,
}

const EXCUSES: &[Excuse] = &[
    Excuse {
        killer: "no-join-game",
        clauses: &["VB-JOIN-01"],
        why: "what is sent without JoinGame is sent before it",
    },
    Excuse {
        killer: "far-position",
        clauses: &["VB-JOIN-09", "VB-JOIN-11"],
        why: "no chunk can be under a player who is past the border",
    },
    Excuse {
        killer: "no-position",
        clauses: &["VB-JOIN-09"],
        why: "no client comes in world without a position",
    },
    Excuse {
        killer: "no-chunk",
        clauses: &["VB-JOIN-11"],
        why: "where there is no chunk there is none under the player",
    },
    Excuse {
        killer: "wrong-column",
        clauses: &["VB-JOIN-11"],
        why: "the columns that come are not the player's",
    },
    Excuse {
        killer: "chunk-two-away",
        clauses: &["VB-JOIN-09"],
        why: "from 758 on the player's own chunk is what opens the terrain screen",
    },
    Excuse {
        killer: "kicks-on-confirm",
        clauses: &["VB-JOIN-09", "VB-KA-04", "VB-KA-05", "VB-KA-08"],
        why: "every client answers its first position, so every session ends there",
    },
    Excuse {
        killer: "kicks-on-answer",
        clauses: &["VB-JOIN-09", "VB-KA-05", "VB-KA-08"],
        why: "a late answer and an unasked one are answers, and the first comes while the client joins",
    },
    Excuse {
        killer: "impatient-at-join",
        clauses: &["VB-JOIN-12"],
        why: "it ends every session soon after the join, whatever the client does",
    },
    Excuse {
        killer: "never-drops",
        clauses: &["VB-KA-11"],
        why: "who never drops does not drop soon either",
    },
    Excuse {
        killer: "unwraps-session",
        clauses: &[
            "VB-JOIN-13",
            "VB-KA-08",
            "VB-RAW-01",
            "VB-RAW-05",
            "VB-END-02",
        ],
        why: "it traps on every unasked answer and after every end, with all who are there",
    },
    Excuse {
        killer: "quadratic-list",
        clauses: &["VB-RAW-01", "VB-END-01", "VB-END-02"],
        why: "its list is of all players' packets, so that many sessions are a flood too, and fill memory",
    },
    Excuse {
        killer: "task-goes-on",
        clauses: &["VB-END-01"],
        why: "a task that goes on keeps its session's handle",
    },
    Excuse {
        killer: "pre-connect-before-login",
        clauses: &["VB-LOG-04"],
        why: "a slow listener then falls into the login, where a client cannot be kept alive",
    },
    Excuse {
        killer: "starts-twice",
        clauses: &["VB-DSP-01", "VB-DSP-07", "VB-BRG-12"],
        why: "the second start is an event out of order, has no end, and has the guest ask for answers twice",
    },
    Excuse {
        killer: "drops-early-packets",
        clauses: &["VB-LOG-05"],
        why: "what follows the announcement at once is early, and is compressed",
    },
    Excuse {
        killer: "denied-allows",
        clauses: &["VB-BRG-03"],
        why: "a text that is never sent is not encoded",
    },
    Excuse {
        killer: "global-lock",
        clauses: &["VB-DSP-16"],
        why: "a callback that never returns holds the lock that the others' ends wait for",
    },
    Excuse {
        killer: "trap-takes-all",
        clauses: &["VB-DSP-16"],
        why: "players who share an instance share its one on-disable",
    },
    Excuse {
        killer: "no-variants",
        clauses: &["VB-ENF-10", "VB-DSP-09", "VB-DSP-10", "VB-LOG-04"],
        why: "no client of 770 gets past the configuration phase",
    },
    Excuse {
        killer: "compression-late",
        clauses: &[
            "VB-ENF-02",
            "VB-ENF-03",
            "VB-ENF-04",
            "VB-ENF-10",
            "VB-DSP-04",
            "VB-DSP-07",
            "VB-DSP-09",
            "VB-DSP-10",
            "VB-DSP-11",
            "VB-DSP-13",
            "VB-DSP-16",
            "VB-BRG-12",
            "VB-LOG-03",
            "VB-LOG-04",
        ],
        why: "no client can read its login success, so nothing after it comes right",
    },
];

/// The excuse for a killer's breaking a clause: its place in the list, and the clause's in the excuse.
pub fn find(killer: &str, clause: &str) -> Option<(usize, usize)> {
    EXCUSES.iter().enumerate().find_map(|(index, excuse)| {
        let place = excuse.clauses.iter().position(|known| *known == clause);
        place
            .filter(|_| excuse.killer == killer)
            .map(|place| (index, place))
    })
}

/// An excuse in words.
pub fn text((index, place): (usize, usize)) -> String {
    let excuse = EXCUSES.get(index);
    let clause = excuse.and_then(|excuse| excuse.clauses.get(place));
    match (excuse, clause) {
        (Some(excuse), Some(clause)) => {
            format!("{} breaks {clause} too: {}", excuse.killer, excuse.why)
        }
        _ => String::new(),
    }
}

/// The excuses that none of the trials of the whole matrix needed.
pub fn unneeded(trials: &[Trial]) -> Vec<String> {
    let needed = |excuse| trials.iter().any(|trial| trial.excused.contains(&excuse));
    let mut unneeded = Vec::new();
    for (index, excuse) in EXCUSES.iter().enumerate() {
        for (place, clause) in excuse.clauses.iter().enumerate() {
            if !needed((index, place)) {
                unneeded.push(format!(
                    "{} no longer breaks {clause} ({})",
                    excuse.killer, excuse.why
                ));
            }
        }
    }
    unneeded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn excuses_name_killers_and_clauses_that_there_are() {
        for excuse in EXCUSES {
            let breaks = |clause: &&crate::clause::Clause| {
                clause
                    .killers
                    .iter()
                    .any(|killer| killer.name == excuse.killer)
            };
            let own = spec::registry().iter().find(breaks);
            let own = own.unwrap_or_else(|| panic!("{} kills nothing", excuse.killer));
            for clause in excuse.clauses {
                assert!(spec::registry().get(clause).is_some(), "{clause}");
                assert_ne!(*clause, own.id, "{} is to break it", excuse.killer);
            }
        }
    }

    #[test]
    fn an_excuse_that_nobody_needs_is_told() {
        assert_eq!(find("no-join-game", "VB-JOIN-04"), None);
        assert_eq!(find("no-chunk", "VB-JOIN-01"), None);
        let needed = find("no-join-game", "VB-JOIN-01").unwrap();
        let total: usize = EXCUSES.iter().map(|excuse| excuse.clauses.len()).sum();
        assert_eq!(unneeded(&[]).len(), total);
        let trial = Trial {
            excused: vec![needed],
            ..Trial::default()
        };
        assert_eq!(unneeded(&[trial]).len(), total - 1);
    }
}

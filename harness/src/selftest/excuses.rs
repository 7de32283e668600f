//! Faults that break more than the clause whose killer they are, or keep cases from saying anything. Each excuse has its
//! reason and expires: one that is not needed any more fails the selftest.

use super::Trial;

/// Each of these killers breaks those clauses too, or silences those cases.
#[derive(Debug)]
struct Excuse {
    killers: &'static [&'static str],
    /// The clauses besides its own, or the cases.
    of: &'static [&'static str],
    /// Why no narrower fault would do.
    why: &'static str,
}

/// Stands for whichever cases it is, where a killer leaves hardly anything to be judged.
const MOST_CASES: &str = "most cases";

/// An excuse: in which list, where in it, and which of the killers and names there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    silence: bool,
    excuse: usize,
    killer: usize,
    name: usize,
}

/// Killers that break more clauses than their own.
const BLAME: &[Excuse] = &[
    Excuse {
        killers: &["no-join-game"],
        of: &["VB-JOIN-01"],
        why: "what is sent without JoinGame is sent before it",
    },
    Excuse {
        killers: &["far-position"],
        of: &["VB-JOIN-09", "VB-JOIN-11"],
        why: "no chunk can be under a player who is past the border",
    },
    Excuse {
        killers: &["no-position"],
        of: &["VB-JOIN-09"],
        why: "no client comes in world without a position",
    },
    Excuse {
        killers: &["no-chunk"],
        of: &["VB-JOIN-11"],
        why: "where there is no chunk there is none under the player",
    },
    Excuse {
        killers: &["wrong-column"],
        of: &["VB-JOIN-11"],
        why: "the columns that come are not the player's",
    },
    Excuse {
        killers: &["chunk-two-away"],
        of: &["VB-JOIN-09"],
        why: "from 758 on the player's own chunk is what opens the terrain screen",
    },
    Excuse {
        killers: &["kicks-on-confirm"],
        of: &["VB-JOIN-09", "VB-KA-04", "VB-KA-05", "VB-KA-08"],
        why: "every client answers its first position, so every session ends there",
    },
    Excuse {
        killers: &["kicks-on-answer"],
        of: &["VB-JOIN-09", "VB-KA-05", "VB-KA-08"],
        why: "a late answer and an unasked one are answers, and the first comes while the client joins",
    },
    Excuse {
        killers: &["impatient-at-join"],
        of: &["VB-JOIN-12"],
        why: "it ends every session soon after the join, whatever the client does",
    },
    Excuse {
        killers: &["never-drops"],
        of: &["VB-KA-11"],
        why: "who never drops does not drop soon either",
    },
    Excuse {
        killers: &["unwraps-session"],
        of: &[
            "VB-JOIN-13",
            "VB-KA-08",
            "VB-RAW-01",
            "VB-RAW-05",
            "VB-END-02",
        ],
        why: "it traps on every unasked answer and after every end, with all who are there",
    },
    Excuse {
        killers: &["quadratic-list"],
        of: &["VB-RAW-01", "VB-RAW-03", "VB-END-02"],
        why: "its list is of all players' packets, so that many sessions are a flood too",
    },
    Excuse {
        killers: &["wrong-disconnect-id"],
        of: &["VB-RAW-08"],
        why: "under the id of another protocol it is a packet that nobody can read",
    },
    Excuse {
        killers: &["task-goes-on"],
        of: &["VB-END-01"],
        why: "a task that goes on keeps its session's handle",
    },
    Excuse {
        killers: &["pre-connect-before-login"],
        of: &["VB-LOG-04"],
        why: "a slow listener then falls into the login, where a client cannot be kept alive",
    },
    Excuse {
        killers: &["starts-twice"],
        of: &["VB-DSP-07"],
        why: "the second start has no end",
    },
    Excuse {
        killers: &["reuses-slots"],
        of: &["VB-DSP-08"],
        why: "a handle that was kept reaches the next session, which is a call that follows the end",
    },
    Excuse {
        killers: &["gate-opens"],
        of: &["VB-DSP-17"],
        why: "whoever is asked behind a plugin that is down is asked out of its turn",
    },
    Excuse {
        killers: &["json-text-always"],
        of: &["VB-BRG-13"],
        why: "text in the form of other versions fits none of those that want NBT",
    },
    Excuse {
        killers: &["raw-json"],
        of: &["VB-BRG-13"],
        why: "what no client reads is passed on with the rest",
    },
    Excuse {
        killers: &["drops-early-packets"],
        of: &["VB-LOG-05"],
        why: "what follows the announcement at once is early, and is compressed",
    },
    Excuse {
        killers: &["denied-allows"],
        of: &["VB-BRG-03", "VB-BRG-13"],
        why: "a text that is never sent is not encoded",
    },
    Excuse {
        killers: &["global-lock"],
        of: &["VB-DSP-16"],
        why: "a callback that never returns holds the lock that the others' ends wait for",
    },
    Excuse {
        killers: &["trap-takes-all"],
        of: &["VB-DSP-16"],
        why: "players who share an instance share its one on-disable",
    },
    Excuse {
        killers: &["no-variants"],
        of: &["VB-LOG-04"],
        why: "no client of 770 gets past the configuration phase",
    },
    Excuse {
        killers: &["empty-tags"],
        of: &["VB-LOG-03", "VB-LOG-04"],
        why: "no client of 776 gets past the configuration phase, since its registries name tags",
    },
    Excuse {
        killers: &["compression-late"],
        of: &["VB-LOG-03"],
        why: "no client can read its login success, so nothing after it comes right",
    },
    Excuse {
        killers: &["no-end-on-reset"],
        of: &["VB-LOG-09"],
        why: "a session that has no end is still there when the same player's next one starts",
    },
];

/// Killers that keep cases from saying anything.
const SILENCE: &[Excuse] = &[
    Excuse {
        killers: &[
            "chunk-first",
            "no-join-game",
            "neighbour-layout",
            "trailing-byte",
            "no-damage-type",
            "bare-infiniburn",
            "unnamed-dimension",
            "no-biome-registry",
            "dimension-past-end",
            "section-short",
            "biome-9999",
            "wrong-height",
            "wrong-id-type",
            "id-0x7f",
        ],
        of: &[MOST_CASES],
        why: "every client chokes on a packet while it joins",
    },
    Excuse {
        killers: &[
            "late-join-game",
            "far-position",
            "no-position",
            "no-chunk",
            "no-spawn-position",
            "no-event-13",
            "wrong-column",
            "chunk-two-away",
        ],
        of: &[MOST_CASES],
        why: "every client waits in vain for its world",
    },
    Excuse {
        killers: &["kicks-on-confirm", "kicks-on-answer"],
        of: &[MOST_CASES],
        why: "what it ends sessions for is what every client does while it joins",
    },
    Excuse {
        killers: &["spins-in-on-enable", "spins-in-event", "unregistered-zero"],
        of: &[MOST_CASES],
        why: "no session starts",
    },
    Excuse {
        killers: &["no-variants", "empty-tags", "compression-late"],
        of: &[MOST_CASES],
        why: "no client gets through its login",
    },
    Excuse {
        killers: &["joined-flag"],
        of: &[
            "any-profile-joins",
            "callbacks-stay-within-their-fuel",
            "cut-packets-cause-no-trap",
            "flood-stops-no-keep-alive",
            "leaving-causes-no-trap",
            "memory-returns-after-sessions",
            "no-call-after-the-end",
            "own-disconnect-decodes",
            "serverbound-packets-cause-no-trap",
            "silent-client-changes-nothing-for-others",
            "wrong-answer-ends-the-session",
        ],
        why: "only the first client of an instance has a world, and these need a second",
    },
    Excuse {
        killers: &["no-keep-alive"],
        of: &[
            "flood-stops-no-keep-alive",
            "keep-alive-every-15-seconds",
            "keep-alive-id-has-its-type",
            "late-answer-keeps-the-session",
            "right-answer-keeps-the-session",
            "silent-client-changes-nothing-for-others",
            "silent-client-is-dropped",
            "silent-client-is-dropped-soon",
            "unasked-zero-keeps-the-session",
            "wrong-answer-ends-the-session",
        ],
        why: "what does not come cannot be answered, and a client that hears nothing leaves",
    },
    Excuse {
        killers: &["stops-after-third"],
        of: &[
            "flood-stops-no-keep-alive",
            "keep-alive-every-15-seconds",
            "late-answer-keeps-the-session",
            "right-answer-keeps-the-session",
            "silent-client-changes-nothing-for-others",
            "unasked-zero-keeps-the-session",
        ],
        why: "a client that hears nothing leaves within the minutes that these take",
    },
    Excuse {
        killers: &["unwraps-session"],
        of: &[
            "any-profile-joins",
            "callbacks-stay-within-their-fuel",
            "cut-packets-cause-no-trap",
            "no-call-after-the-end",
            "own-disconnect-decodes",
            "own-text-is-accepted",
            "silent-client-changes-nothing-for-others",
            "wrong-answer-ends-the-session",
        ],
        why: "it traps on every unasked answer and after every end, with all who are there",
    },
    Excuse {
        killers: &["json-disconnect", "wrong-disconnect-id", "bare-url"],
        of: &["silent-client-is-dropped", "silent-client-is-dropped-soon"],
        why: "the client cannot read the packet that it is dropped with",
    },
    Excuse {
        killers: &["traps-on-interact"],
        of: &[
            "callbacks-stay-within-their-fuel",
            "cut-packets-cause-no-trap",
        ],
        why: "these ask first whether the guest survives the packet as it should be",
    },
    Excuse {
        killers: &["quadratic-list"],
        of: &["memory-returns-after-sessions"],
        why: "the packets of many sessions are a flood to it, so that it traps before memory tells anything",
    },
    Excuse {
        killers: &["misreads-abilities", "quadratic-list"],
        of: &["cut-packets-cause-no-trap"],
        why: "it asks first whether the guest survives the packet as it should be",
    },
    Excuse {
        killers: &["indexes-by-id"],
        of: &[
            "callbacks-stay-within-their-fuel",
            "largest-packets-cause-no-trap",
            "memory-returns-after-sessions",
        ],
        why: "unknown ids are among what these send, or come before it",
    },
    Excuse {
        killers: &["traps-in-on-disable"],
        of: &["calls-return-within-the-budget"],
        why: "how long a call takes that traps says nothing",
    },
    Excuse {
        killers: &["starts-twice"],
        of: &[
            "a-batch-goes-whole-or-not-at-all",
            "a-trap-ends-every-session",
            "bad-components-are-errors",
            "clientbound-packets-arrive-as-sent",
            "ended-sessions-answer-so",
            "invalid-packets-are-errors",
            "other-plugins-notice-nothing",
            "tasks-run-once-and-in-time",
            "text-fits-the-version",
            "text-is-encoded-for-the-protocol",
        ],
        why: "the probe asks twice then, and takes one of the answers for a wrong one",
    },
];

/// The excuse for a killer's breaking a clause.
pub fn of_blame(killer: &str, clause: &str) -> Option<Place> {
    find(false, killer, |name| name == clause)
}

/// The excuse for a killer's keeping a case from saying anything.
pub fn of_silence(killer: &str, case: &str) -> Option<Place> {
    find(true, killer, |name| name == case || name == MOST_CASES)
}

/// An excuse in words.
pub fn text(place: Place) -> String {
    let Some((killer, name, why)) = look_up(place) else {
        return String::new();
    };
    if place.silence {
        format!("{killer} silences {name}: {why}")
    } else {
        format!("{killer} breaks {name} too: {why}")
    }
}

/// The excuses, in words, that none of the trials of the whole matrix needed.
pub fn unneeded(trials: &[Trial]) -> Vec<String> {
    let needed = |place: &Place| trials.iter().any(|trial| trial.excused.contains(place));
    all().filter(|place| !needed(place)).map(text).collect()
}

fn list(silence: bool) -> &'static [Excuse] {
    if silence { SILENCE } else { BLAME }
}

/// The killer, the clause or case, and the reason.
fn look_up(place: Place) -> Option<(&'static str, &'static str, &'static str)> {
    let excuse = list(place.silence).get(place.excuse)?;
    let killer = excuse.killers.get(place.killer)?;
    Some((killer, excuse.of.get(place.name)?, excuse.why))
}

fn all() -> impl Iterator<Item = Place> {
    [false, true].into_iter().flat_map(|silence| {
        let list = list(silence).iter().enumerate();
        list.flat_map(move |(excuse, Excuse { killers, of, .. })| {
            (0..killers.len()).flat_map(move |killer| {
                (0..of.len()).map(move |name| Place {
                    silence,
                    excuse,
                    killer,
                    name,
                })
            })
        })
    })
}

fn find(silence: bool, wanted: &str, is: impl Fn(&str) -> bool) -> Option<Place> {
    let meant = |place: &Place| {
        look_up(*place).is_some_and(|(killer, name, _)| killer == wanted && is(name))
    };
    all().find(|place| place.silence == silence && meant(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cases, spec};

    fn pairs(excuse: &Excuse) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (killers, of) = (excuse.killers.iter(), excuse.of);
        killers.flat_map(move |killer| of.iter().map(move |name| (*killer, *name)))
    }

    #[test]
    fn excuses_name_killers_clauses_and_cases_that_there_are() {
        let breaks = |killer: &str| {
            spec::registry()
                .iter()
                .find(|clause| clause.killers.iter().any(|known| known.name == killer))
                .unwrap_or_else(|| panic!("{killer} kills nothing"))
        };
        for excuse in BLAME {
            for (killer, clause) in pairs(excuse) {
                assert!(spec::registry().get(clause).is_some(), "{clause}");
                assert_ne!(clause, breaks(killer).id, "{killer}");
            }
        }
        for excuse in SILENCE {
            for (killer, name) in pairs(excuse) {
                let judged = breaks(killer).subject;
                let known = cases::of(judged).any(|case| case.name == name);
                assert!(known || name == MOST_CASES, "{name}");
            }
        }
    }

    #[test]
    fn an_excuse_that_nobody_needs_is_told() {
        assert_eq!(of_blame("no-join-game", "VB-JOIN-04"), None);
        assert_eq!(of_blame("no-chunk", "VB-JOIN-01"), None);
        assert_eq!(
            of_silence("no-chunk", "metadata-is-stable")
                .map(text)
                .as_deref(),
            Some("no-chunk silences most cases: every client waits in vain for its world")
        );
        assert_eq!(of_silence("traps-on-interact", "metadata-is-stable"), None);
        let needed = of_blame("no-join-game", "VB-JOIN-01").unwrap();
        assert_eq!(unneeded(&[]).len(), all().count());
        let trial = Trial {
            excused: [needed].into(),
            ..Trial::default()
        };
        let left = unneeded(&[trial]);
        assert_eq!(left.len(), all().count() - 1);
        assert!(!left.contains(&text(needed)), "{left:?}");
    }
}

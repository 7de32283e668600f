//! What a case found out, with everything a reader needs to believe it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clause::Level;
use crate::sent::Sent;

/// How one case came out on one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// The subject does what the clauses say.
    Pass,
    /// It breaks a MUST.
    Fail,
    /// It does not follow a SHOULD.
    Warn,
    /// Not asked of this subject; the reason says why.
    Skip,
    /// Something that the case needs first did not work, so that nothing can be said.
    Untestable,
    /// The harness itself failed.
    HarnessError,
    /// It fails, as it was expected to.
    Xfail,
    /// It was expected to fail and passes.
    Xpass,
    /// It failed, and passed when it was tried once more alone: only where time is real.
    Flaky,
}

impl VerdictKind {
    /// All of them, in the order in which summaries list them.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::Fail,
        Self::Flaky,
        Self::Warn,
        Self::Untestable,
        Self::HarnessError,
        Self::Xfail,
        Self::Xpass,
        Self::Skip,
    ];

    /// The word that the event stream uses too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Untestable => "untestable",
            Self::HarnessError => "harness-error",
            Self::Xfail => "xfail",
            Self::Xpass => "xpass",
            Self::Flaky => "flaky",
        }
    }

    /// Whether a run with such a verdict is not as expected.
    #[must_use]
    pub const fn is_red(self) -> bool {
        matches!(
            self,
            Self::Fail | Self::Untestable | Self::HarnessError | Self::Xpass | Self::Flaky
        )
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A verdict with its grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it came out.
    pub kind: VerdictKind,
    /// Why, for a verdict without a failure: the reason of a skip, the prerequisite that did not work, the
    /// harness's own fault, the expectation that an xpass disappoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The clause that is broken, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Box<Failure>>,
    /// What was seen, for every verdict that somebody will want to look into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
}

impl Verdict {
    /// Nothing to say.
    #[must_use]
    pub const fn pass() -> Self {
        Self {
            kind: VerdictKind::Pass,
            reason: None,
            failure: None,
            evidence: None,
        }
    }

    /// A verdict that is explained by a sentence.
    #[must_use]
    pub fn because(kind: VerdictKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: Some(reason.into()),
            failure: None,
            evidence: None,
        }
    }

    /// The same finding, given that it was expected to fail.
    #[must_use]
    pub fn expected_to_fail(mut self) -> Self {
        match self.kind {
            VerdictKind::Fail | VerdictKind::Warn | VerdictKind::Untestable => {
                self.kind = VerdictKind::Xfail
            }
            VerdictKind::Pass => {
                self = Self::because(
                    VerdictKind::Xpass,
                    "it was expected to fail (--xfail), and passes",
                )
            }
            _ => {}
        }
        self
    }

    /// The same finding, given that the case has passed when it was tried once more.
    #[must_use]
    pub fn passed_alone(mut self) -> Self {
        self.kind = VerdictKind::Flaky;
        let before = self.reason.map_or_else(String::new, |reason| {
            format!("; before that it did not: {reason}")
        });
        self.reason = Some(format!(
            "it passed when it was tried once more, alone{before}"
        ));
        self
    }

    /// Whether a case that came out so deserves a second try where time is real.
    #[must_use]
    pub const fn may_be_chance(&self) -> bool {
        matches!(
            self.kind,
            VerdictKind::Fail | VerdictKind::Warn | VerdictKind::Untestable
        )
    }
}

/// A clause that is broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its id, such as `VB-KA-03`.
    pub clause: String,
    /// How binding it is.
    pub level: Level,
    /// Its normative sentence.
    pub sentence: String,
    /// The outcomes that would have been right.
    pub expected: Vec<String>,
    /// What came instead.
    pub got: String,
    /// When, in microseconds of virtual time since the case began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<u64>,
    /// The packet in question, annotated: one line per field, `offset | bytes | field = value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dump: Vec<String>,
}

/// What was seen while a case ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The last packets between client and subject, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TraceLine>,
    /// How many packets before those are left out.
    #[serde(default)]
    pub trace_left_out: u64,
    /// The last lines of the guest's log and of what the host saw of it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
    /// How many lines before those are left out.
    #[serde(default)]
    pub log_left_out: u64,
    /// The command that repeats exactly this case on exactly this protocol.
    #[serde(default)]
    pub repeat: String,
}

/// One packet, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// Microseconds of virtual time since the case began.
    pub at_us: u64,
    /// The same of the last of the packets that this line stands for.
    pub last_us: u64,
    /// How many more of the same name it stands for, among which at most two others came in turns.
    #[serde(default)]
    pub repeats: u64,
    /// `clientbound` or `serverbound`; `note` for what is no packet.
    pub direction: String,
    /// The protocol state, such as `play`.
    pub state: String,
    /// The packet's id.
    pub id: i32,
    /// Its name in minecraft-data, or the text of a note.
    pub name: String,
    /// Length of the payload in bytes, without the id.
    pub len: usize,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Microseconds of virtual time since the case began.
    pub at_us: u64,
    /// `trace` to `error` for the guest's own lines; `trap`, `denied`, `state` for what the host says of it.
    pub level: String,
    /// The plugin's name.
    pub plugin: String,
    /// The line.
    pub text: String,
}

/// Why a case stopped before its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// A clause is broken.
    Broken(Box<Finding>),
    /// This subject is not asked this, and why.
    Skip(String),
    /// A prerequisite did not work, and which.
    Untestable(String, Vec<TraceLine>),
}

/// What a case hands back.
pub type Outcome = Result<(), Stop>;

/// A broken clause, as the case saw it; the runner adds the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finding {
    /// The clause's id.
    pub clause: &'static str,
    /// The outcomes that would have been right.
    pub expected: Vec<String>,
    /// What came instead.
    pub got: String,
    /// When, in virtual time since the case began.
    pub at: Option<Duration>,
    /// The annotated packet.
    pub dump: Vec<String>,
    /// The packets of the client concerned.
    pub trace: Vec<TraceLine>,
    /// How many packets the client's own bounded trace has dropped.
    pub trace_left_out: u64,
}

impl Finding {
    /// A finding about `clause`: this was expected, that came.
    #[must_use]
    pub fn new(clause: &'static str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            clause,
            expected: vec![expected.into()],
            got: got.into(),
            ..Self::default()
        }
    }

    /// Another outcome that would have been right.
    #[must_use]
    pub fn or_expected(mut self, expected: impl Into<String>) -> Self {
        self.expected.push(expected.into());
        self
    }

    /// When it was seen, since the case began.
    #[must_use]
    pub const fn at(mut self, at: Duration) -> Self {
        self.at = Some(at);
        self
    }

    /// The annotated packet in question.
    #[must_use]
    pub fn dump(mut self, dump: Vec<String>) -> Self {
        self.dump = dump;
        self
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Broken(Box::new(finding))
    }
}

/// How one job came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took in virtual time.
    pub virtual_time: Duration,
    /// What the guest sent; none for a host, and where the harness failed.
    pub sent: Option<Sent>,
}

/// Microseconds, as the event stream counts them.
#[must_use]
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_word_and_its_colour() {
        let said: Vec<_> = VerdictKind::ALL
            .iter()
            .map(|kind| (kind.to_string(), kind.is_red()))
            .collect();
        let red = [
            ("pass", false),
            ("fail", true),
            ("flaky", true),
            ("warn", false),
            ("untestable", true),
            ("harness-error", true),
            ("xfail", false),
            ("xpass", true),
            ("skip", false),
        ];
        assert_eq!(said, red.map(|(word, red)| (word.to_owned(), red)));
        assert_eq!(format!("{:6}|", VerdictKind::Pass), "pass  |");
    }

    #[test]
    fn what_is_expected_to_fail_is_none_and_what_passes_then_is_one() {
        for (kind, then) in [
            (VerdictKind::Pass, VerdictKind::Xpass),
            (VerdictKind::Fail, VerdictKind::Xfail),
            (VerdictKind::Warn, VerdictKind::Xfail),
            (VerdictKind::Untestable, VerdictKind::Xfail),
            (VerdictKind::Skip, VerdictKind::Skip),
            (VerdictKind::HarnessError, VerdictKind::HarnessError),
        ] {
            let before = match kind {
                VerdictKind::Pass => Verdict::pass(),
                _ => Verdict::because(kind, "so"),
            };
            let after = before.clone().expected_to_fail();
            assert_eq!(after.kind, then, "{kind}");
            if kind == VerdictKind::Pass {
                let reason = after.reason.unwrap();
                assert!(reason.contains("expected to fail"), "{reason}");
            } else {
                assert_eq!(after.reason, before.reason, "{kind}");
            }
        }
    }

    #[test]
    fn a_finding_keeps_what_it_is_told() {
        let finding = Finding::new("VB-KA-03", "this", "that")
            .or_expected("those")
            .at(Duration::from_secs(3))
            .dump(vec!["0 | 00".to_owned()]);
        assert_eq!(finding.expected, ["this", "those"]);
        assert_eq!((finding.clause, finding.got.as_str()), ("VB-KA-03", "that"));
        assert_eq!(finding.at, Some(Duration::from_secs(3)));
        assert_eq!(finding.dump, ["0 | 00"]);
        assert_eq!(Stop::from(finding.clone()), Stop::Broken(Box::new(finding)));
    }
}

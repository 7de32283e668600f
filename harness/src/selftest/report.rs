use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{Alarm, Outside, Trial, excuses};
use crate::exit::Exit;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();

/// The longest quotation of a case in a line.
const WORDS: usize = 100;

/// The whole matrix.
#[derive(Debug, Default)]
pub struct Report {
    /// Every killer of a clause that has a case, in the order of the specification.
    pub trials: Vec<Trial>,
    /// Alarms about what is not broken.
    pub unbroken: Vec<Alarm>,
    /// Clauses that should have a case and have none.
    pub uncovered: Vec<String>,
    /// Excuses that nobody needed.
    pub unneeded: Vec<String>,
    /// How many clauses should have a case.
    pub clauses: usize,
    /// How long it took by the clock on the wall.
    pub seconds: f64,
}

/// The last line of JSON.
#[derive(Serialize)]
struct Sum<'a> {
    event: &'static str,
    clauses: usize,
    uncovered: &'a [String],
    killers: usize,
    caught: usize,
    false_alarms: usize,
    excused: Vec<String>,
    unneeded_excuses: &'a [String],
    seconds: f64,
    exit: u8,
}

#[derive(Serialize)]
struct Line<'a, T> {
    event: &'static str,
    #[serde(flatten)]
    of: &'a T,
}

impl Report {
    /// How many killers were caught.
    #[must_use]
    pub fn caught(&self) -> usize {
        self.trials
            .iter()
            .filter(|trial| trial.caught.is_some())
            .count()
    }

    /// Every false alarm.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        let of_killers = self.trials.iter().flat_map(|trial| &trial.alarms);
        self.unbroken.iter().chain(of_killers)
    }

    /// What killers break besides their own clauses, and may.
    pub fn excused(&self) -> impl Iterator<Item = excuses::Place> {
        self.trials.iter().flat_map(|trial| &trial.excused).copied()
    }

    /// How the process should end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let good = self.uncovered.is_empty()
            && self.unneeded.is_empty()
            && self.caught() == self.trials.len()
            && self.alarms().next().is_none();
        if !good {
            Exit::Nonconforming
        } else if self.clauses == 0 {
            Exit::NothingSelected
        } else {
            Exit::AsExpected
        }
    }
}

/// One killer, for people.
///
/// # Errors
/// When it cannot be written.
pub fn write_trial(out: &mut dyn Write, trial: &Trial) -> io::Result<()> {
    write!(
        out,
        "{BOLD}{:<11}{BOLD:#} {:<28} ",
        trial.clause, trial.killer
    )?;
    match (&trial.caught, &trial.missed) {
        (Some(caught), _) => writeln!(
            out,
            "{GREEN}caught{GREEN:#} by {} on {}: {}",
            caught.case,
            caught.protocol,
            quote(&caught.got)
        ),
        (None, missed) => writeln!(
            out,
            "{RED}missed{RED:#}: {}",
            quote(missed.as_deref().unwrap_or_default())
        ),
    }
}

/// What came out of broken hosts behind an adapter, for people.
///
/// # Errors
/// When it cannot be written.
pub fn write_outside(out: &mut dyn Write, outside: &Outside) -> io::Result<()> {
    for alarm in outside.trials.iter().flat_map(|trial| &trial.alarms) {
        write_alarm(out, alarm)?;
    }
    for (killer, why) in &outside.hidden {
        writeln!(out, "hidden from outside: {killer}: {why}")?;
    }
    for killer in &outside.found {
        writeln!(
            out,
            "{RED}caught after all{RED:#}: {killer} is said to be hidden from outside"
        )?;
    }
    for (killer, why) in &outside.untold {
        writeln!(out, "not told from outside: {killer}: {why}")?;
    }
    writeln!(
        out,
        "\n{} of {} broken hosts caught through the adapter by their own clause, {} false alarms; {} are hidden from outside, {} cannot be told from there, in {:.1} s",
        outside.caught(),
        outside.trials.len(),
        outside.alarms(),
        outside.hidden.len(),
        outside.untold.len(),
        outside.seconds
    )
}

/// What comes after the killers, for people.
///
/// # Errors
/// When it cannot be written.
pub fn write_text(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for clause in &report.uncovered {
        writeln!(out, "{BOLD}{clause:<11}{BOLD:#} {RED}has no case{RED:#}")?;
    }
    for alarm in report.alarms() {
        write_alarm(out, alarm)?;
    }
    for excuse in report.excused() {
        writeln!(out, "excused: {}", excuses::text(excuse))?;
    }
    for excuse in &report.unneeded {
        writeln!(out, "{RED}an excuse has expired{RED:#}: {excuse}")?;
    }
    writeln!(
        out,
        "\n{BOLD}{} of {} killers caught, {} of {} clauses have cases, {} false alarms{BOLD:#} ({} excused), in {:.1} s",
        report.caught(),
        report.trials.len(),
        report.clauses - report.uncovered.len(),
        report.clauses,
        report.alarms().count(),
        report.excused().count(),
        report.seconds
    )
}

fn write_alarm(out: &mut dyn Write, alarm: &Alarm) -> io::Result<()> {
    let breaks = alarm
        .breaks
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), Clone::clone);
    let blamed = alarm.blamed.as_deref().unwrap_or("nobody");
    writeln!(
        out,
        "{RED}false alarm{RED:#}: {} breaks {breaks}, but {} on {} blames {blamed}: {}",
        alarm.killer,
        alarm.case,
        alarm.protocol,
        quote(&alarm.got)
    )
}

/// Everything as lines of JSON.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for trial in &report.trials {
        line(out, "killer", trial)?;
    }
    for alarm in report.alarms() {
        line(out, "false-alarm", alarm)?;
    }
    let sum = Sum {
        event: "selftest-finished",
        clauses: report.clauses,
        uncovered: &report.uncovered,
        killers: report.trials.len(),
        caught: report.caught(),
        false_alarms: report.alarms().count(),
        excused: report.excused().map(excuses::text).collect(),
        unneeded_excuses: &report.unneeded,
        seconds: report.seconds,
        exit: report.exit().code(),
    };
    serde_json::to_writer(&mut *out, &sum)?;
    writeln!(out)
}

fn line(out: &mut dyn Write, event: &'static str, of: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { event, of })?;
    writeln!(out)
}

/// The first line of it, not too much of it.
fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(WORDS) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::selftest::Caught;

    fn trial(caught: bool) -> Trial {
        Trial {
            clause: "VB-KA-03".to_owned(),
            killer: "every-25s".to_owned(),
            caught: caught.then(|| Caught {
                case: "a-case".to_owned(),
                protocol: 47,
                expected: "this".to_owned(),
                got: "that".to_owned(),
            }),
            missed: (!caught).then(|| "not caught".to_owned()),
            alarms: Vec::new(),
            excused: BTreeSet::new(),
            others: 1,
            untestable: 0,
        }
    }

    fn report(trials: Vec<Trial>) -> Report {
        Report {
            trials,
            clauses: 1,
            ..Report::default()
        }
    }

    fn alarm() -> Alarm {
        Alarm {
            killer: "lobby".to_owned(),
            breaks: None,
            blamed: Some("VB-KA-03".to_owned()),
            case: "a-case".to_owned(),
            protocol: 47,
            got: "that".to_owned(),
        }
    }

    #[test]
    fn each_thing_that_is_wrong_is_enough() {
        assert_eq!(report(vec![trial(true)]).exit(), Exit::AsExpected);
        assert_eq!(
            report(vec![trial(true), trial(false)]).exit(),
            Exit::Nonconforming
        );
        let mut with = report(vec![trial(true)]);
        with.unbroken.push(alarm());
        assert_eq!(with.exit(), Exit::Nonconforming);
        let mut with = report(vec![trial(true)]);
        with.trials[0].alarms.push(alarm());
        assert_eq!(with.exit(), Exit::Nonconforming);
        let mut with = report(vec![trial(true)]);
        with.uncovered.push("VB-KA-04".to_owned());
        assert_eq!(with.exit(), Exit::Nonconforming);
        let mut with = report(vec![trial(true)]);
        with.unneeded.push("x".to_owned());
        assert_eq!(with.exit(), Exit::Nonconforming);
        assert_eq!(Report::default().exit(), Exit::NothingSelected);
    }

    #[test]
    fn a_line_says_who_caught_what_where_and_how() {
        let mut out = Vec::new();
        write_trial(&mut out, &trial(true)).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in ["VB-KA-03", "every-25s", "by a-case on 47: that"] {
            assert!(text.contains(part), "{text}");
        }
    }

    /// One killer caught with an excuse, one missed, and one of everything else that is wrong.
    fn all_wrong() -> Report {
        let mut excused = trial(true);
        excused.excused = excuses::of_blame("no-join-game", "VB-JOIN-01")
            .into_iter()
            .collect();
        let mut wrong = report(vec![excused, trial(false)]);
        wrong.trials[1].alarms.push(Alarm {
            killer: "every-25s".to_owned(),
            breaks: Some("VB-KA-03".to_owned()),
            blamed: None,
            ..alarm()
        });
        wrong.unbroken.push(alarm());
        wrong.uncovered.push("VB-KA-04".to_owned());
        wrong.unneeded.push("an old one".to_owned());
        wrong.clauses = 3;
        wrong
    }

    #[test]
    fn people_are_told_of_everything_that_is_wrong() {
        let mut out = Vec::new();
        write_text(&mut out, &all_wrong()).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        for line in [
            "VB-KA-04    has no case",
            "false alarm: lobby breaks nothing, but a-case on 47 blames VB-KA-03: that",
            "false alarm: every-25s breaks VB-KA-03, but a-case on 47 blames nobody: that",
            "an excuse has expired: an old one",
            "1 of 2 killers caught, 2 of 3 clauses have cases, 2 false alarms (1 excused), in 0.0 s",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        let excuse = text.lines().find(|line| line.starts_with("excused: "));
        assert!(excuse.unwrap().contains("no-join-game"), "{text}");
    }

    #[test]
    fn programs_are_told_the_same() {
        let mut out = Vec::new();
        write_json(&mut out, &all_wrong()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str()).collect();
        let [killer, alarm, last] = ["killer", "false-alarm", "selftest-finished"].map(Some);
        assert_eq!(events, [killer, killer, alarm, alarm, last]);
        assert_eq!(lines[0]["caught"]["got"], "that");
        assert_eq!(lines[1]["missed"], "not caught");
        assert_eq!(lines[2]["blamed"], "VB-KA-03");
        let sum = &lines[4];
        for (key, value) in [
            ("clauses", 3),
            ("killers", 2),
            ("caught", 1),
            ("false_alarms", 2),
            ("exit", i32::from(Exit::Nonconforming.code())),
        ] {
            assert_eq!(sum[key], value, "{key}");
        }
        assert_eq!(sum["uncovered"][0], "VB-KA-04");
        assert_eq!(sum["unneeded_excuses"][0], "an old one");
        assert_eq!(sum["excused"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn a_quotation_is_one_short_line() {
        assert_eq!(quote("a\nb"), "a");
        assert_eq!(quote(&"ä".repeat(WORDS)).chars().count(), WORDS);
        assert_eq!(quote(&"ä".repeat(WORDS + 1)).chars().count(), WORDS + 1);
        assert!(quote(&"ä".repeat(WORDS + 1)).ends_with('…'));
    }
}

//! For people: a line for each case, and under it what is wrong, in full and once.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;

use super::Reporter;
use super::failure::{colour, numbers, seconds, verdict_lines};
use super::groups::{Groups, without_numbers};
use crate::event::{CaseFinished, Event, RunFinished, RunStarted, SubjectRefused};
use crate::verdict::VerdictKind;

const BOLD: Style = Style::new().bold();

pub struct Terminal {
    out: Box<dyn Write>,
    /// Whether cases that pass everywhere are left out.
    brief: bool,
    groups: Groups,
    /// The case whose verdicts are being collected.
    case: Option<Tally>,
    /// Why something could not be tested, and which cases that held up.
    untestable: BTreeMap<String, Vec<CaseFinished>>,
    skipped: BTreeMap<String, Vec<String>>,
}

impl Terminal {
    pub fn new(out: Box<dyn Write>) -> Self {
        Self {
            out,
            brief: false,
            groups: Groups::default(),
            case: None,
            untestable: BTreeMap::new(),
            skipped: BTreeMap::new(),
        }
    }

    /// The same without a line for what passes everywhere.
    pub fn brief(out: Box<dyn Write>) -> Self {
        Self {
            brief: true,
            ..Self::new(out)
        }
    }

    fn started(&mut self, run: &RunStarted) -> io::Result<()> {
        writeln!(
            self.out,
            "{BOLD}vbspec {}{BOLD:#} judges {} {BOLD}{}{BOLD:#}: {} cases on {} {} ({} runs), seed {}",
            run.vbspec,
            run.subject,
            run.name,
            run.cases.len(),
            run.protocols.len(),
            if run.protocols.len() == 1 {
                "protocol"
            } else {
                "protocols"
            },
            run.planned,
            run.seed
        )
    }

    fn refused(&mut self, refused: &SubjectRefused) -> io::Result<()> {
        let style = colour(VerdictKind::Fail);
        writeln!(
            self.out,
            "{style}{} does not start{style:#}: {}",
            refused.name, refused.message
        )
    }

    fn finished(&mut self, finished: &CaseFinished) -> io::Result<()> {
        if self
            .case
            .as_ref()
            .is_none_or(|tally| tally.case != finished.case)
        {
            self.flush_case()?;
            self.case = Some(Tally::new(finished));
        }
        if let Some(tally) = &mut self.case {
            tally.add(finished);
        }
        match finished.verdict.kind {
            VerdictKind::Pass | VerdictKind::Xfail => {}
            VerdictKind::Skip => {
                let reason = finished.verdict.reason.clone().unwrap_or_default();
                let cases = self.skipped.entry(reason).or_default();
                if cases.last() != Some(&finished.case) {
                    cases.push(finished.case.clone());
                }
            }
            VerdictKind::Untestable => {
                let reason = finished.verdict.reason.clone().unwrap_or_default();
                self.untestable
                    .entry(without_numbers(&reason))
                    .or_default()
                    .push(finished.clone());
            }
            VerdictKind::Fail
            | VerdictKind::Warn
            | VerdictKind::HarnessError
            | VerdictKind::Xpass
            | VerdictKind::Flaky => {
                self.groups.add(finished);
            }
        }
        Ok(())
    }

    fn flush_case(&mut self) -> io::Result<()> {
        let told = |tally: &Tally| !(self.brief && tally.passes());
        if let Some(tally) = self.case.take().filter(told) {
            writeln!(self.out, "{}", tally.line())?;
        }
        for group in self.groups.take() {
            writeln!(
                self.out,
                "\n{}",
                verdict_lines(&group.first, &group.others).trim_end()
            )?;
        }
        self.out.flush()
    }

    /// A prerequisite that fails holds up many cases: it is told once, with the first of them in full.
    fn flush_untestable(&mut self) -> io::Result<()> {
        for (_, held_up) in std::mem::take(&mut self.untestable) {
            let Some((first, rest)) = held_up.split_first() else {
                continue;
            };
            writeln!(self.out, "\n{}", verdict_lines(first, &[]).trim_end())?;
            if rest.is_empty() {
                continue;
            }
            let mut by_case: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
            for finished in rest {
                by_case
                    .entry(&finished.case)
                    .or_default()
                    .push(finished.protocol);
            }
            writeln!(self.out, "  {BOLD}holds up{BOLD:#}")?;
            for (case, protocols) in by_case {
                writeln!(self.out, "    {case} on {}", numbers(&protocols))?;
            }
        }
        for (reason, cases) in std::mem::take(&mut self.skipped) {
            let style = colour(VerdictKind::Skip);
            writeln!(
                self.out,
                "\n{style}skip{style:#} {}: {reason}",
                cases.join(", ")
            )?;
        }
        Ok(())
    }

    fn summary(&mut self, run: &RunFinished) -> io::Result<()> {
        self.flush_case()?;
        self.flush_untestable()?;
        let counts: Vec<String> = VerdictKind::ALL
            .into_iter()
            .filter_map(|kind| {
                let style = colour(kind);
                run.counts
                    .get(&kind)
                    .map(|count| format!("{style}{count} {kind}{style:#}"))
            })
            .collect();
        if !run.nowhere.is_empty() {
            let style = colour(VerdictKind::Skip);
            writeln!(
                self.out,
                "\n{style}judged nowhere{style:#} {}",
                run.nowhere.join(", ")
            )?;
        }
        if !counts.is_empty() {
            writeln!(
                self.out,
                "\n{} in {}",
                counts.join(", "),
                seconds(run.wall_us)
            )?;
        }
        self.out.flush()
    }
}

/// How one case came out on each protocol.
struct Tally {
    case: String,
    clauses: Vec<String>,
    protocols: BTreeMap<VerdictKind, Vec<i32>>,
}

impl Tally {
    fn new(finished: &CaseFinished) -> Self {
        Self {
            case: finished.case.clone(),
            clauses: finished.clauses.clone(),
            protocols: BTreeMap::new(),
        }
    }

    fn add(&mut self, finished: &CaseFinished) {
        self.protocols
            .entry(finished.verdict.kind)
            .or_default()
            .push(finished.protocol);
    }

    fn passes(&self) -> bool {
        let kinds = self.protocols.keys();
        kinds.into_iter().all(|kind| *kind == VerdictKind::Pass)
    }

    /// `pass  match-the-claim (VB-KA-03) on 13 protocols`; where verdicts differ, the protocols of each but the passes.
    fn line(&self) -> String {
        let all: usize = self.protocols.values().map(Vec::len).sum();
        let parts: Vec<String> = self
            .protocols
            .iter()
            .map(|(kind, protocols)| {
                let style = colour(*kind);
                let on = if protocols.len() == 1
                    || (*kind != VerdictKind::Pass && protocols.len() < all)
                {
                    numbers(protocols)
                } else {
                    format!("{} protocols", protocols.len())
                };
                format!("{style}{kind}{style:#} on {on}")
            })
            .collect();
        format!(
            "{BOLD}{}{BOLD:#} ({}): {}",
            self.case,
            self.clauses.join(", "),
            parts.join(", ")
        )
    }
}

impl Reporter for Terminal {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted(run) => self.started(run),
            Event::SubjectRefused(refused) => self.refused(refused),
            Event::CaseFinished(finished) => self.finished(finished),
            Event::RunFinished(run) => self.summary(run),
        }
    }
}

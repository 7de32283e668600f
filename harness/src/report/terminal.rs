//! For people: what is wrong, in full and once; what is right, as a number.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;

use super::Reporter;
use super::failure::{colour, numbers, seconds, verdict_lines};
use super::groups::Groups;
use crate::event::{CaseFinished, Event, RunFinished, RunStarted, SubjectRefused};
use crate::verdict::VerdictKind;

const BOLD: Style = Style::new().bold();

pub struct Terminal {
    out: Box<dyn Write>,
    groups: Groups,
    /// The case whose verdicts are being collected.
    case: String,
    /// Why something could not be tested, and which cases that held up.
    untestable: BTreeMap<String, Vec<CaseFinished>>,
    skipped: BTreeMap<String, Vec<String>>,
}

impl Terminal {
    pub fn new(out: Box<dyn Write>) -> Self {
        Self {
            out,
            groups: Groups::default(),
            case: String::new(),
            untestable: BTreeMap::new(),
            skipped: BTreeMap::new(),
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
        if finished.case != self.case {
            self.flush_case()?;
            self.case.clone_from(&finished.case);
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
                    .entry(reason)
                    .or_default()
                    .push(finished.clone());
            }
            VerdictKind::Fail
            | VerdictKind::Warn
            | VerdictKind::HarnessError
            | VerdictKind::Xpass => {
                self.groups.add(finished);
            }
        }
        Ok(())
    }

    fn flush_case(&mut self) -> io::Result<()> {
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

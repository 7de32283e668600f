//! A verdict in full, as lines of plain text with colours for those who can show them.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::event::CaseFinished;
use crate::verdict::{Evidence, Failure, LogLine, TraceLine, VerdictKind};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The colour of a kind of verdict.
pub const fn colour(kind: VerdictKind) -> Style {
    let colour = match kind {
        VerdictKind::Pass => AnsiColor::Green,
        VerdictKind::Warn | VerdictKind::Xfail => AnsiColor::Yellow,
        VerdictKind::Skip => AnsiColor::Cyan,
        VerdictKind::Fail
        | VerdictKind::Untestable
        | VerdictKind::HarnessError
        | VerdictKind::Xpass
        | VerdictKind::Flaky => AnsiColor::Red,
    };
    colour.on_default().bold()
}

/// The verdict in full, without colours: for reports in files and for a test's message.
#[must_use]
pub fn failure_text(finished: &CaseFinished) -> String {
    verdict_text(finished)
}

pub fn verdict_text(finished: &CaseFinished) -> String {
    let coloured = verdict_lines(finished, &[]);
    anstream::adapter::strip_str(&coloured).to_string()
}

/// The verdict in full. `others` are the protocols on which the same was found.
pub fn verdict_lines(finished: &CaseFinished, others: &[i32]) -> String {
    let mut out = String::new();
    let verdict = &finished.verdict;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{style}{kind}{style:#} {BOLD}{case}{BOLD:#} on protocol {protocol} (Minecraft {minecraft})",
        style = colour(verdict.kind),
        kind = verdict.kind,
        case = finished.case,
        protocol = finished.protocol,
        minecraft = finished.minecraft,
    );
    if !others.is_empty() {
        let _ = writeln!(out, "  {BOLD}the same on{BOLD:#} {}", numbers(others));
    }
    if let Some(failure) = &verdict.failure {
        failure_lines(&mut out, failure);
    }
    if let Some(reason) = &verdict.reason {
        let _ = writeln!(out, "  {BOLD}because{BOLD:#}  {reason}");
    }
    if let Some(evidence) = &verdict.evidence {
        evidence_lines(&mut out, evidence);
    }
    out
}

/// `47, 340 and 498`.
pub fn numbers(list: &[i32]) -> String {
    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn failure_lines(out: &mut String, failure: &Failure) {
    let _ = writeln!(
        out,
        "  {BOLD}{}{BOLD:#} ({}) {}",
        failure.clause, failure.level, failure.sentence
    );
    for (index, expected) in failure.expected.iter().enumerate() {
        let lead = if index == 0 { "expected" } else { "      or" };
        let _ = writeln!(out, "  {BOLD}{lead}{BOLD:#} {expected}");
    }
    let at = failure
        .at_us
        .map(|at| format!("at {}: ", seconds(at)))
        .unwrap_or_default();
    let _ = writeln!(out, "  {BOLD}instead{BOLD:#}  {at}{}", failure.got);
    for line in &failure.dump {
        let _ = writeln!(out, "    {line}");
    }
}

fn evidence_lines(out: &mut String, evidence: &Evidence) {
    if !evidence.trace.is_empty() {
        let _ = writeln!(
            out,
            "  {BOLD}packets{BOLD:#}{}",
            left_out(evidence.trace_left_out, "packets")
        );
        for line in &evidence.trace {
            let _ = writeln!(out, "    {}", trace_line(line));
        }
    }
    if !evidence.log.is_empty() {
        let _ = writeln!(
            out,
            "  {BOLD}guest's log{BOLD:#}{}",
            left_out(evidence.log_left_out, "lines")
        );
        for LogLine {
            at_us,
            level,
            plugin,
            text,
        } in &evidence.log
        {
            let _ = writeln!(
                out,
                "    {DIM}{:>12}{DIM:#} {level:<6} {plugin}: {text}",
                seconds(*at_us)
            );
        }
    }
    if !evidence.repeat.is_empty() {
        let _ = writeln!(out, "  {BOLD}repeat{BOLD:#}   {}", evidence.repeat);
    }
}

fn left_out(count: u64, what: &str) -> String {
    if count == 0 {
        String::new()
    } else {
        format!(" {DIM}(the {count} {what} before are left out){DIM:#}")
    }
}

/// Packets by name, one a line, without colours.
#[must_use]
pub fn trace_text(lines: &[TraceLine]) -> String {
    let lines: Vec<String> = lines.iter().map(trace_line).collect();
    anstream::adapter::strip_str(&lines.join("\n")).to_string()
}

fn trace_line(line: &TraceLine) -> String {
    let arrow = match line.direction.as_str() {
        "clientbound" => "<-",
        "serverbound" => "->",
        _ => return format!("{DIM}{:>12}{DIM:#} --  {}", seconds(line.at_us), line.name),
    };
    let more = match line.repeats {
        0 => String::new(),
        more => format!(
            " {DIM}and {more} more until {}{DIM:#}",
            seconds(line.last_us)
        ),
    };
    format!(
        "{DIM}{:>12}{DIM:#} {arrow}  {:<13} 0x{:02x} {} ({} B){more}",
        seconds(line.at_us),
        line.state,
        line.id,
        line.name,
        line.len
    )
}

/// Microseconds as seconds: `12.345678 s`.
pub fn seconds(micros: u64) -> String {
    format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
}

//! `vbspec explain`.

use std::io::Write;

use anstyle::Style;

use super::CommandError;
use crate::case::Claim;
use crate::cases;
use crate::clause::Clause;
use crate::exit::Exit;
use crate::spec;
use crate::suggest;

const BOLD: Style = Style::new().bold();

#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A clause (VB-KA-03, ka-03) or a case
    id: String,
}

pub fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let upper = args.id.to_uppercase();
    let full = if upper.starts_with("VB-") {
        upper
    } else {
        format!("VB-{upper}")
    };
    if let Some(clause) = spec::registry().get(&full) {
        explain_clause(clause, out)?;
        return Ok(Exit::AsExpected);
    }
    if let Some(case) = cases::all()
        .iter()
        .find(|case| case.name == args.id.to_lowercase())
    {
        explain_case(case, out)?;
        return Ok(Exit::AsExpected);
    }
    let ids = spec::registry().iter().map(|clause| clause.id.as_str());
    let names = cases::all().iter().map(|case| case.name);
    let hint = suggest::did_you_mean(&args.id, ids.chain(names));
    Err(CommandError::Unexplained {
        given: args.id.clone(),
        hint,
    })
}

fn explain_clause(clause: &Clause, out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(
        out,
        "{BOLD}{}{BOLD:#}  a {} {}, on protocols {}",
        clause.id, clause.subject, clause.level, clause.protocols
    )?;
    writeln!(out, "\n{}", clause.sentence)?;
    writeln!(out, "\n{BOLD}Why{BOLD:#}     {}", clause.why)?;
    writeln!(out, "{BOLD}Source{BOLD:#}  {}", clause.source)?;
    writeln!(out, "\n{BOLD}What its cases must catch{BOLD:#}")?;
    for killer in &clause.killers {
        writeln!(out, "  {}  {}", killer.name, killer.about)?;
    }
    writeln!(out, "\n{BOLD}Cases{BOLD:#}")?;
    let mut none = true;
    for case in cases::all()
        .iter()
        .filter(|case| case.clauses.contains(&clause.id.as_str()))
    {
        none = false;
        writeln!(out, "  {}  {}", case.name, case.about)?;
    }
    if none {
        writeln!(out, "  none yet")?;
    }
    Ok(())
}

fn explain_case(case: &Claim, out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(
        out,
        "{BOLD}{}{BOLD:#}  judges a {}",
        case.name, case.subject
    )?;
    writeln!(out, "\n{}", case.about)?;
    for clause in case.clauses() {
        writeln!(
            out,
            "\n{BOLD}{}{BOLD:#} ({}) {}",
            clause.id, clause.level, clause.sentence
        )?;
    }
    Ok(())
}

//! `vbspec list`.

use std::io::Write;

use anstyle::{AnsiColor, Style};

use super::{CommandError, layouts};
use crate::cases;
use crate::clause::Clause;
use crate::exit::Exit;
use crate::protocols;
use crate::spec;

const BOLD: Style = Style::new().bold();

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The clauses, and the cases of each
    #[arg(long)]
    clauses: bool,
    /// The cases, and the clauses of each
    #[arg(long)]
    cases: bool,
    /// The protocols, and the Minecraft versions and clauses of each
    #[arg(long)]
    protocols: bool,
    /// How sure the layout of each clientbound packet is, and the share that is proved on each protocol
    #[arg(long)]
    layouts: bool,
    /// With --layouts: the packets of these protocols alone, such as 47,340-404
    #[arg(long, value_name = "PROTOCOLS", requires = "layouts")]
    protocol: Vec<String>,
}

pub fn run(args: &ListArgs, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let all = !(args.clauses || args.cases || args.protocols || args.layouts);
    if args.clauses || all {
        clauses(out)?;
    }
    if args.cases || all {
        cases(out)?;
    }
    if args.protocols || all {
        list_protocols(out)?;
    }
    if args.layouts {
        let selected = match args.protocol.is_empty() {
            true => vb_data::supported().to_vec(),
            false => protocols::select(&args.protocol)?,
        };
        layouts::list(&selected, out)?;
    }
    Ok(Exit::AsExpected)
}

fn clauses(out: &mut dyn Write) -> Result<(), CommandError> {
    let (mut total, mut without) = (0_usize, 0_usize);
    for clause in spec::registry().iter() {
        let names: Vec<&str> = cases::all()
            .iter()
            .filter(|case| case.clauses.contains(&clause.id.as_str()))
            .map(|case| case.name)
            .collect();
        total += 1;
        let cases = if names.is_empty() {
            without += 1;
            let yellow = AnsiColor::Yellow.on_default();
            format!("{yellow}no case yet{yellow:#}")
        } else {
            names.join(", ")
        };
        writeln!(
            out,
            "{BOLD}{}{BOLD:#} {} {} [{}] {cases}",
            clause.id, clause.subject, clause.level, clause.protocols
        )?;
        writeln!(out, "    {}", clause.sentence)?;
    }
    writeln!(out, "{total} clauses, {without} of them without a case yet")?;
    Ok(())
}

fn cases(out: &mut dyn Write) -> Result<(), CommandError> {
    for case in cases::all() {
        let on = case.protocols(vb_data::supported()).len();
        writeln!(
            out,
            "{BOLD}{}{BOLD:#} {} [{}] on {on} protocols",
            case.name,
            case.subject,
            case.clauses.join(", ")
        )?;
        writeln!(out, "    {}", case.about)?;
    }
    writeln!(out, "{} cases", cases::all().len())?;
    Ok(())
}

fn list_protocols(out: &mut dyn Write) -> Result<(), CommandError> {
    let (everywhere, ranged): (Vec<&Clause>, Vec<&Clause>) =
        spec::registry().iter().partition(|clause| {
            vb_data::releases()
                .iter()
                .all(|release| clause.protocols.contains(release.protocol))
        });
    for release in vb_data::releases() {
        let supported = vb_data::supported().contains(&release.protocol);
        let mark = if supported { "" } else { " (no packet tables)" };
        writeln!(
            out,
            "{BOLD}{:>4}{BOLD:#} {}{mark}",
            release.protocol,
            release.versions.join(", ")
        )?;
        let own = ranged
            .iter()
            .filter(|clause| clause.protocols.contains(release.protocol));
        writeln!(out, "     clauses of some protocols: {}", ids(own))?;
    }
    writeln!(out, "clauses of every protocol: {}", ids(&everywhere))?;
    let (newest, count) = (
        vb_data::supported().last().copied().unwrap_or(0),
        vb_data::supported().len(),
    );
    writeln!(
        out,
        "{count} protocols can be selected; the newest is {newest} ({})",
        protocols::minecraft(newest)
    )?;
    Ok(())
}

fn ids<'a>(clauses: impl IntoIterator<Item = &'a &'a Clause>) -> String {
    let ids: Vec<&str> = clauses
        .into_iter()
        .map(|clause| clause.id.as_str())
        .collect();
    ids.join(", ")
}

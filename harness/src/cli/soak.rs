//! `vbspec soak`.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::str::FromStr;

use anstyle::AnsiColor;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CommandError;
use crate::exit::Exit;
use crate::runner;
use crate::shell;
use crate::soak::event::{Small, SoakEvent};
use crate::soak::run::{self, Finished, Sum};
use crate::soak::world::World;
use crate::soak::{Stage, shrink::Shrunk};
#[cfg(feature = "selftest")]
use reference_backend::Fault;

#[derive(Debug, clap::Args)]
pub struct SoakArgs {
    /// The seeds to play: FROM..TO, TO not included
    #[arg(long, value_name = "FROM..TO", default_value = "0..1000")]
    pub seeds: Seeds,
    /// Play these parts of the world only, by their numbers as a failure names them, or `none` of them
    #[arg(long, value_name = "PART,...")]
    pub keep: Option<Keep>,
    /// How many worlds are played at once [default: one a core]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// What standard output gets
    #[arg(long, value_enum, default_value = "terminal")]
    pub format: SoakFormat,
    /// Play on a host that is broken in this way, as a killer of `wit/SPEC.md` says
    #[cfg(feature = "selftest")]
    #[arg(long, value_name = "KILLER", value_parser = super::host::fault)]
    pub fault: Option<Fault>,
}

/// What standard output gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SoakFormat {
    /// Failures and a sum, for a person.
    Terminal,
    /// A line of JSON for each seed, one before them and one after.
    Jsonl,
}

/// A range of seeds that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

/// A text that is no range of seeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedsError {
    /// Not two numbers with two dots between them.
    #[error("seeds are written FROM..TO, such as 0..10000, TO not included")]
    Form,
    /// One of the numbers is none, or too large.
    #[error("`{0}` is no number from 0 to {max}", max = u64::MAX)]
    Number(String),
    /// There is nothing in it.
    #[error("no seed lies in {from}..{to}: TO is not included, so that the seed {from} alone is {from}..{next}", next = from.saturating_add(1))]
    Empty {
        /// The first.
        from: u64,
        /// The end.
        to: u64,
    },
}

impl FromStr for Seeds {
    type Err = SeedsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").ok_or(SeedsError::Form)?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.then(|| text.parse().ok()).flatten();
            number.ok_or_else(|| SeedsError::Number(text.to_owned()))
        };
        let (from, to) = (number(from)?, number(to)?);
        if from >= to {
            return Err(SeedsError::Empty { from, to });
        }
        Ok(Self(from..to))
    }
}

/// Parts of a world, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep(BTreeSet<usize>);

/// The word for no part at all.
const NONE: &str = "none";

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NONE {
            return Ok(Self(BTreeSet::new()));
        }
        let part = |text: &str| {
            let number = text.trim().parse();
            number.map_err(|_| format!("`{text}` is no number of a part; write 0,3,5 or `{NONE}`"))
        };
        text.split(',')
            .map(part)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A selection of parts that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeepError {
    /// Parts belong to one world.
    #[error("`--keep` names parts of one world: give it one seed, such as `--seeds {seed}..{next}`", next = seed.saturating_add(1))]
    ManySeeds {
        /// The first that was given.
        seed: u64,
    },
    /// The world has no such part.
    #[error("`--keep {part}`: the world of seed {seed} has the parts 0 to {last}", last = parts.saturating_sub(1))]
    NoSuchPart {
        /// As it was given.
        part: usize,
        /// The seed.
        seed: u64,
        /// How many parts its world has.
        parts: usize,
    },
}

impl SoakArgs {
    fn keep(&self) -> Result<Option<BTreeSet<usize>>, KeepError> {
        let Some(Keep(keep)) = &self.keep else {
            return Ok(None);
        };
        let seed = self.seeds.0.start;
        if self.seeds.0.end - seed > 1 {
            return Err(KeepError::ManySeeds { seed });
        }
        let parts = World::of(seed).parts();
        match keep.iter().find(|part| **part >= parts) {
            Some(&part) => Err(KeepError::NoSuchPart { part, seed, parts }),
            None => Ok(Some(keep.clone())),
        }
    }

    #[cfg(feature = "selftest")]
    fn fault(&self) -> Option<Fault> {
        self.fault
    }

    #[cfg(not(feature = "selftest"))]
    fn fault(&self) -> Option<reference_backend::Fault> {
        None
    }

    /// A failure made small, with the command that repeats it.
    fn small(&self, seed: u64, shrunk: &Shrunk) -> Small {
        let parts: Vec<usize> = shrunk.parts.iter().copied().collect();
        let list: Vec<String> = parts.iter().map(ToString::to_string).collect();
        let seeds = format!("{seed}..{}", seed.saturating_add(1));
        let mut words = vec![
            "vbspec".to_owned(),
            "soak".to_owned(),
            "--seeds".to_owned(),
            seeds,
        ];
        let keep = if list.is_empty() {
            NONE.to_owned()
        } else {
            list.join(",")
        };
        words.extend(["--keep".to_owned(), keep]);
        let name = self.fault().and_then(|fault| {
            let known = reference_backend::Fault::all().find(|(_, known)| *known == fault);
            known.map(|(name, _)| name.to_owned())
        });
        words.extend(
            name.into_iter()
                .flat_map(|name| ["--fault".to_owned(), name]),
        );
        Small {
            world: World::of(seed).keeping(&shrunk.parts).to_string(),
            what: shrunk.violation.what.clone(),
            repeat: shell::join(words.iter().map(String::as_str)),
            parts,
        }
    }
}

pub fn run(args: &SoakArgs) -> Result<Exit, CommandError> {
    let keep = args.keep()?;
    let stage = Stage::set(args.fault())?;
    let Seeds(seeds) = args.seeds.clone();
    let threads = args.jobs.unwrap_or_else(runner::default_threads);
    let bar = bar(args.format, seeds.end - seeds.start);
    let mut out = super::stdout();
    let mut written = Ok(());
    if args.format == SoakFormat::Jsonl {
        json(&mut out, &SoakEvent::started(seeds.start, seeds.end))?;
    }
    let sum = run::run(&stage, seeds, keep.as_ref(), threads, |finished| {
        bar.inc(1);
        if written.is_ok() {
            written = bar.suspend(|| tell(args, &mut out, finished));
        }
    });
    written?;
    bar.finish_and_clear();
    let exit = if sum.broken > 0 {
        Exit::Nonconforming
    } else {
        Exit::AsExpected
    };
    match args.format {
        SoakFormat::Jsonl => json(&mut out, &SoakEvent::sum(&sum, exit.code()))?,
        SoakFormat::Terminal => tell_sum(&mut out, &sum)?,
    }
    Ok(exit)
}

/// Drawn on a terminal only, and only where nothing else is printed.
fn bar(format: SoakFormat, worlds: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(worlds), ProgressDrawTarget::stderr());
    if format == SoakFormat::Jsonl || !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos} of {len} worlds, {per_sec}, {eta} left");
    // A template that does not parse leaves the bar as it is by itself.
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn json(out: &mut impl Write, event: &SoakEvent) -> io::Result<()> {
    let line = serde_json::to_string(event).map_err(io::Error::other)?;
    writeln!(out, "{line}")
}

fn tell(args: &SoakArgs, out: &mut impl Write, finished: &Finished) -> io::Result<()> {
    let small = finished
        .shrunk
        .as_ref()
        .map(|shrunk| args.small(finished.seed, shrunk));
    if args.format == SoakFormat::Jsonl {
        return json(out, &SoakEvent::finished(finished, small));
    }
    let (Some(small), Some(shrunk)) = (small, &finished.shrunk) else {
        return Ok(());
    };
    let red = AnsiColor::Red.on_default().bold();
    let violation = &shrunk.violation;
    let (clause, promise) = (violation.clause, violation.promise);
    writeln!(
        out,
        "{red}seed {} breaks {clause}{red:#} ({promise})",
        finished.seed
    )?;
    for found in &finished.played.violations {
        writeln!(
            out,
            "  {} ({}): {}",
            found.clause, found.promise, found.what
        )?;
    }
    let parts = World::of(finished.seed).parts();
    writeln!(
        out,
        "  made small: {} of {parts} parts, after {} tries",
        small.parts.len(),
        shrunk.tries
    )?;
    for line in small.world.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "  in it: {}", small.what)?;
    writeln!(out, "  repeat: {}\n", small.repeat)
}

fn tell_sum(out: &mut impl Write, sum: &Sum) -> io::Result<()> {
    let seconds = sum.wall.as_secs_f64();
    writeln!(
        out,
        "{} worlds with {} connections, {} sessions and {} packets over {} s of virtual time in {seconds:.1} s: {:.0} \
         sessions a second",
        sum.worlds,
        sum.connections,
        sum.sessions,
        sum.packets,
        sum.virtual_time.as_secs(),
        sum.rate(),
    )?;
    match sum.broken {
        0 => writeln!(out, "nothing is broken"),
        1 => writeln!(out, "1 world is broken"),
        broken => writeln!(
            out,
            "{broken} worlds are broken; the soak ends at {}",
            run::FAILURES
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_what_is_none_is_refused() {
        assert_eq!("0..1".parse(), Ok(Seeds(0..1)));
        assert_eq!("7..18446744073709551615".parse(), Ok(Seeds(7..u64::MAX)));
        assert_eq!("7".parse::<Seeds>(), Err(SeedsError::Form));
        assert_eq!(
            "5..5".parse::<Seeds>(),
            Err(SeedsError::Empty { from: 5, to: 5 })
        );
        for (text, wrong) in [
            ("a..3", "a"),
            ("..3", ""),
            ("1..=3", "=3"),
            ("-1..3", "-1"),
            ("0..18446744073709551616", "18446744073709551616"),
        ] {
            assert_eq!(
                text.parse::<Seeds>(),
                Err(SeedsError::Number(wrong.to_owned())),
                "{text}"
            );
        }
    }
}

use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use sim_client::{Behaviour, Target, parse_protocol};
use sim_proto::legacy::LegacyForm;
use vb_data::Release;

/// How many clients one process may run: each needs a socket and some 200 KiB, and all of them share one core.
const MAX_CLIENTS: u16 = 10_000;

/// The longest time that can be asked for, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// A headless Minecraft: Java Edition client that notices what a real one would choke on.
#[derive(Debug, Parser)]
#[command(name = "sim-client", version, after_help = EXIT_CODES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    in the world, and stayed there for --for; or the status was answered
  1    a fault, stuck, disconnected, or the connection lost
  2    the command line is wrong, or the address cannot be found
  3    could not connect
  130  interrupted
  141  nobody reads the output, and there was nothing to do but to print";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Joins a server and says how it went.
    Join(JoinArgs),
    /// Asks a server for its status, as the server list does.
    Status(StatusArgs),
    /// Lists the ways in which a client can misbehave.
    Behaviours,
    /// Lists the protocols that can be spoken, with the versions of the game that speak them.
    Protocols,
}

#[derive(Debug, clap::Args)]
pub(super) struct JoinArgs {
    /// Where to; the port is 25565 if it is left out.
    #[arg(value_name = "HOST:PORT")]
    pub(super) target: Target,
    /// Protocol number (765) or version of the game (1.20.4).
    #[arg(long, short, value_parser = parse_protocol)]
    pub(super) protocol: &'static Release,
    /// Name to log in with; with --count, what the names begin with.
    #[arg(long, default_value = "sim")]
    pub(super) name: String,
    /// How long to stay in the world, in seconds.
    #[arg(long = "for", value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(super) stay: Duration,
    /// What to say on arrival; a command if it begins with `/`.
    #[arg(long, value_name = "TEXT")]
    pub(super) chat: Option<String>,
    /// Misbehaves in this way, such as `close@login-start` or `flood=500`; may be given several times. `sim-client
    /// behaviours` lists them.
    #[arg(long, value_name = "NAME[=NUMBER][@STEP]")]
    pub(super) behave: Vec<Behaviour>,
    /// Prints every event as a line of JSON, and nothing else.
    #[arg(long, conflicts_with_all = ["verbose", "count"])]
    pub(super) jsonl: bool,
    /// How many clients join at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CLIENTS)))]
    pub(super) count: u16,
    /// How long connecting may take, and then coming into the world, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "40", value_parser = seconds)]
    pub(super) timeout: Duration,
    /// -v shows every packet, -vv with its fields. With --count, that of the clients that failed, or of all.
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Where to; the port is 25565 if it is left out.
    #[arg(value_name = "HOST:PORT")]
    pub(super) target: Target,
    /// Protocol number or version of the game to ask with; the highest if it is left out.
    #[arg(long, short, value_parser = parse_protocol)]
    pub(super) protocol: Option<&'static Release>,
    /// Asks as clients before 1.7 did, up to this version; those of 1.6 and later ones that fall back if none is named.
    #[arg(long, value_name = "VERSION", num_args = 0..=1, default_missing_value = "1.6", conflicts_with_all = ["protocol", "verbose"])]
    pub(super) legacy: Option<Legacy>,
    /// How long connecting may take, and then the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(super) timeout: Duration,
    /// -v shows every packet, -vv with its fields.
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// The last versions of the game that asked for the status in each way before 1.7.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Legacy {
    /// FE
    #[value(name = "1.3")]
    Until1_3,
    /// FE 01
    #[value(name = "1.5")]
    Until1_5,
    /// FE 01 FA, and where the client connects to
    #[value(name = "1.6")]
    Until1_6,
}

impl From<Legacy> for LegacyForm {
    fn from(legacy: Legacy) -> Self {
        match legacy {
            Legacy::Until1_3 => LegacyForm::Until1_3,
            Legacy::Until1_5 => LegacyForm::Until1_5,
            Legacy::Until1_6 => LegacyForm::Until1_6,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("a number of seconds from 0 to {MAX_SECONDS}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn seconds_have_bounds() {
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("86400"), Ok(Duration::from_secs(86_400)));
        for wrong in ["86401", "-1", "NaN", "inf", "", "1s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}

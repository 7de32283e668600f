use sim_client::{Driver, End, Outcome, Plan, Transcript, describe, exit, join_many};
use sim_proto::{ClientConfig, Version};

use super::args::JoinArgs;
use super::output::{BAD, GOOD, Output};
use super::{CliError, Interrupt};

/// Many clients at once; how each fared is printed when all are done.
pub(super) async fn run(args: JoinArgs, output: &mut Output) -> Result<u8, CliError> {
    let names = sim_client::names(&args.name, usize::from(args.count))?;
    super::check_behaviours(&args)?;
    let clients = args.count;
    super::files::room_for(clients).map_err(|limit| CliError::Files { clients, limit })?;
    output.line(format_args!(
        "joining {} with {} clients and protocol {}",
        args.target,
        args.count,
        sim_client::describe_release(args.protocol)
    ))?;
    let configs = names
        .into_iter()
        .map(|name| ClientConfig::new(args.protocol.protocol, name));
    let plan = Plan {
        limit: args.timeout,
        stay: args.stay,
        chat: args.chat.clone(),
    };
    let (target, timeout) = (&args.target, args.timeout);
    let behave = &args.behave;
    let connect = async |config| {
        let driver = Driver::connect_target(target, config, timeout).await?;
        Ok(driver.behaving(behave.iter().copied()))
    };
    let mut interrupt = Interrupt::new();
    let outcomes = tokio::select! {
        biased;
        () = interrupt.wait() => return Err(CliError::Interrupted),
        outcomes = join_many(configs, &plan, connect) => outcomes,
    };
    let transcript = Transcript::new(Version::new(args.protocol.protocol))
        .colours(true)
        .dump(args.verbose >= 2);
    for outcome in &outcomes {
        report(outcome, output)?;
        if args.verbose >= 2 || (args.verbose == 1 && !outcome.succeeded()) {
            output.lines(&transcript.trace(&outcome.trace))?;
        }
    }
    sum_up(outcomes, output)
}

fn report(outcome: &Outcome, output: &mut Output) -> Result<(), CliError> {
    let style = if outcome.succeeded() { GOOD } else { BAD };
    output.line(format_args!(
        "{:<16}  {style}{}{style:#}",
        outcome.name,
        describe::end(&outcome.end)
    ))?;
    Ok(())
}

/// When they were in the world, counted from when all of them set out.
fn times(outcomes: &[Outcome]) -> String {
    let mut times: Vec<_> = outcomes.iter().filter_map(Outcome::in_world).collect();
    times.sort_unstable();
    match (times.get(times.len() / 2), times.last()) {
        (Some(half), Some(last)) => format!(
            "; half of them within {:.3} s, all within {:.3} s",
            half.as_secs_f64(),
            last.as_secs_f64()
        ),
        _ => String::new(),
    }
}

/// If none could connect, that is the result; a server that takes only some has failed.
fn sum_up(outcomes: Vec<Outcome>, output: &mut Output) -> Result<u8, CliError> {
    let succeeded = outcomes
        .iter()
        .filter(|outcome| outcome.succeeded())
        .count();
    let style = if succeeded == outcomes.len() {
        GOOD
    } else {
        BAD
    };
    output.line(format_args!(
        "{style}{succeeded} of {} in the world{style:#}{}",
        outcomes.len(),
        times(&outcomes)
    ))?;
    if succeeded == outcomes.len() {
        return Ok(exit::OK);
    }
    let mut first = None;
    for outcome in outcomes {
        match outcome.end {
            End::NotConnected(error) => {
                first.get_or_insert(error);
            }
            _ => return Ok(exit::FAILED),
        }
    }
    match first {
        Some(error) => Err(error.into()),
        None => Ok(exit::FAILED),
    }
}

use sim_client::{Driver, Status, Transcript, describe, exit, status, supported_releases};
use sim_proto::{ClientConfig, Intent};

use super::args::StatusArgs;
use super::output::{BAD, Follower, GOOD, Output};
use super::{CliError, Interrupt};

/// What the server list would show.
pub(super) async fn run(args: StatusArgs, output: &mut Output) -> Result<u8, CliError> {
    let protocol = args
        .protocol
        .or_else(|| supported_releases().last())
        .map_or(0, |release| release.protocol);
    let mut config = ClientConfig::new(protocol, "sim");
    config.intent = Intent::Status;
    let mut interrupt = Interrupt::new();
    let mut driver = tokio::select! {
        biased;
        () = interrupt.wait() => return Err(CliError::Interrupted),
        driver = Driver::connect_target(&args.target, config, args.timeout) => driver?,
    };
    let result = tokio::select! {
        biased;
        () = interrupt.wait() => return Err(CliError::Interrupted),
        result = status(&mut driver, args.timeout) => result,
    };
    driver.close().await;
    if args.verbose > 0 {
        Follower::new(Transcript::new(driver.version()), args.verbose).follow(&driver, output)?;
    }
    match result {
        Ok(status) => {
            show(&status, output)?;
            Ok(exit::OK)
        }
        Err(error) => {
            output.line(format_args!("{BAD}failed:{BAD:#} {error}"))?;
            Ok(exit::FAILED)
        }
    }
}

fn show(status: &Status, output: &mut Output) -> Result<(), CliError> {
    const MISSING: &str = "(missing)";
    let number = |number: Option<i64>| {
        number.map_or_else(|| MISSING.to_owned(), |number| number.to_string())
    };
    let version = status.version().map_or_else(
        || MISSING.to_owned(),
        |name| describe::printable(name, describe::SHOWN_TEXT),
    );
    let description = status
        .description()
        .map_or_else(|| MISSING.to_owned(), |text| describe::text(&text));
    let ping = match status.ping {
        Some(ping) => format!("{:.3} ms", ping.as_secs_f64() * 1000.0),
        None => "not answered".to_owned(),
    };
    output.line(format_args!("version      {version}"))?;
    output.line(format_args!("protocol     {}", number(status.protocol())))?;
    output.line(format_args!(
        "players      {} of {}",
        number(status.online()),
        number(status.max())
    ))?;
    output.line(format_args!("description  {GOOD}{description}{GOOD:#}"))?;
    output.line(format_args!("ping         {ping}"))?;
    Ok(())
}

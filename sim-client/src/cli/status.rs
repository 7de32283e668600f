use sim_client::{
    ConnectError, Driver, Status, Transcript, describe, exit, legacy_status, status,
    supported_releases,
};
use sim_proto::legacy::LegacyForm;
use sim_proto::{ClientConfig, Intent};

use super::args::StatusArgs;
use super::output::{BAD, Follower, GOOD, Output};
use super::{CliError, Interrupt};

/// What the server list would show.
pub(super) async fn run(args: StatusArgs, output: &mut Output) -> Result<u8, CliError> {
    if let Some(form) = args.legacy {
        return ask_legacy(&args, form.into(), output).await;
    }
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

/// What the server list of a client before 1.7 would show.
async fn ask_legacy(
    args: &StatusArgs,
    form: LegacyForm,
    output: &mut Output,
) -> Result<u8, CliError> {
    let target = &args.target;
    let mut interrupt = Interrupt::new();
    let asked = async {
        let stream = target.connect(args.timeout).await?;
        let place = (target.host.as_str(), target.port);
        Ok::<_, ConnectError>(legacy_status(stream, form, place, args.timeout).await)
    };
    let result = tokio::select! {
        biased;
        () = interrupt.wait() => return Err(CliError::Interrupted),
        result = asked => result?,
    };
    let status = match result {
        Ok(status) => status,
        Err(error) => {
            output.line(format_args!("{BAD}failed:{BAD:#} {error}"))?;
            return Ok(exit::FAILED);
        }
    };
    let text = |text: &str| describe::printable(text, describe::SHOWN_TEXT);
    if let Some((protocol, version)) = &status.version {
        output.line(format_args!("version      {}", text(version)))?;
        output.line(format_args!("protocol     {}", text(protocol)))?;
    }
    output.line(format_args!(
        "players      {} of {}",
        status.online, status.max
    ))?;
    let description = text(&status.description);
    output.line(format_args!("description  {GOOD}{description}{GOOD:#}"))?;
    Ok(exit::OK)
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

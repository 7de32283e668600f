use std::time::Duration;

use sim_client::{Driver, Transcript, describe, exit, jsonl};
use sim_proto::{ClientConfig, Event, Verdict};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::args::JoinArgs;
use super::output::{BAD, Follower, GOOD, Output};
use super::{CliError, Interrupt};

/// One client, whose doings are printed as they happen.
pub(super) async fn run(args: JoinArgs, output: &mut Output) -> Result<u8, CliError> {
    let name = sim_client::names(&args.name, 1)?.concat();
    super::check_behaviours(&args)?;
    if !args.jsonl {
        output.line(format_args!(
            "joining {} as {name} with protocol {}",
            args.target,
            sim_client::describe_release(args.protocol)
        ))?;
    }
    let config = ClientConfig::new(args.protocol.protocol, name);
    let mut interrupt = Interrupt::new();
    let driver = tokio::select! {
        biased;
        () = interrupt.wait() => return Err(CliError::Interrupted),
        driver = Driver::connect_target(&args.target, config, args.timeout) => driver?,
    };
    let driver = driver.behaving(args.behave.iter().copied());
    let transcript = Transcript::new(driver.version());
    let mut session = Session {
        follower: (!args.jsonl).then(|| Follower::new(transcript, args.verbose)),
        driver,
        interrupt,
        output,
    };
    let played = session.play(&args).await;
    session.driver.close().await;
    session.follow()?;
    session.conclude(played?)
}

/// How it went, before the client left.
enum Played {
    Stayed,
    Failed(String),
}

struct Session<'a> {
    driver: Driver<TcpStream>,
    /// None where events become lines of JSON instead.
    follower: Option<Follower>,
    interrupt: Interrupt,
    output: &'a mut Output,
}

impl Session<'_> {
    async fn play(&mut self, args: &JoinArgs) -> Result<Played, CliError> {
        let in_world = |event: &Event| matches!(event, Event::InWorld(_));
        if !self.until(in_world, args.timeout).await? {
            return Ok(self.failed("not in the world"));
        }
        if let Some(text) = &args.chat
            && let Err(error) = self.driver.chat(text)
        {
            return Ok(Played::Failed(format!("cannot say `{text}`: {error}")));
        }
        self.until(|_| false, args.stay).await?;
        if self.driver.closed().is_some() || self.driver.verdict() != Verdict::InWorld {
            return Ok(self.failed("did not stay in the world"));
        }
        Ok(Played::Stayed)
    }

    /// Whether the event came, within `limit` and before the end.
    async fn until(
        &mut self,
        wanted: impl Fn(&Event) -> bool,
        limit: Duration,
    ) -> Result<bool, CliError> {
        let deadline = Instant::now() + limit;
        loop {
            let event = tokio::select! {
                biased;
                () = self.interrupt.wait() => return Err(CliError::Interrupted),
                event = self.driver.next_event() => event,
                () = tokio::time::sleep_until(deadline) => return Ok(false),
            };
            self.follow()?;
            self.write_line(event.as_ref())?;
            match event {
                Some(event) if wanted(&event) => return Ok(true),
                // A server that talks without a pause would keep the deadline from being looked at.
                Some(_) if Instant::now() <= deadline => {}
                Some(_) | None => return Ok(false),
            }
        }
    }

    fn follow(&mut self) -> Result<(), CliError> {
        match &mut self.follower {
            Some(follower) => Ok(follower.follow(&self.driver, self.output)?),
            None => Ok(()),
        }
    }

    fn write_line(&mut self, event: Option<&Event>) -> Result<(), CliError> {
        let line = event.and_then(|event| jsonl::event(self.driver.now(), event));
        match line.filter(|_| self.follower.is_none()) {
            Some(line) => Ok(self.output.line(format_args!("{line}"))?),
            None => Ok(()),
        }
    }

    /// The last of the lines of JSON.
    fn sum_up(&mut self, played: &Played) -> Result<u8, CliError> {
        let (failure, code) = match played {
            Played::Stayed => (None, exit::OK),
            Played::Failed(text) => (Some(text.as_str()), exit::FAILED),
        };
        let trace = self.driver.trace();
        let line = jsonl::end(self.driver.now(), failure, trace.received(), trace.sent());
        self.output.line(format_args!("{line}"))?;
        Ok(code)
    }

    fn failed(&self, what: &str) -> Played {
        let verdict = describe::verdict(&self.driver.verdict());
        let after = self.driver.now().as_secs_f64();
        Played::Failed(format!("{what} after {after:.1} s: {verdict}"))
    }

    fn conclude(&mut self, played: Played) -> Result<u8, CliError> {
        if self.follower.is_none() {
            return self.sum_up(&played);
        }
        match played {
            Played::Stayed => {
                let trace = self.driver.trace();
                self.output.line(format_args!(
                    "{GOOD}in the world{GOOD:#} and out again: {:.1} s, {} packets received, {} sent",
                    self.driver.now().as_secs_f64(),
                    trace.received(),
                    trace.sent(),
                ))?;
                Ok(exit::OK)
            }
            Played::Failed(text) => {
                self.output
                    .line(format_args!("{BAD}failed:{BAD:#} {text}"))?;
                Ok(exit::FAILED)
            }
        }
    }
}

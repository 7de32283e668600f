//! The reference host as a program.

#![forbid(unsafe_code)]

mod check;

use clap::{Args, Parser, Subcommand};
use reference_backend::adapter::{Adapter, AdapterError};
use reference_backend::log::{self, Log};
use reference_backend::{
    ConfigError, CpuMeter, EngineError, FileError, FileRoom, GuestComponent, GuestEngine, Host,
    HostConfig, LoadError, PluginConfig, SIGNAL_IGNORED, Signals, StartError, backlog_limit,
    listen, read_file,
};
use std::io::{BufReader, ErrorKind, IsTerminal, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

/// It went as it should: stopped by a signal, or checked and found good.
const EXIT_OK: u8 = 0;
/// The command line, the configuration, a plugin that does not fit it, or a line for the adapter that is no command.
const EXIT_CONFIG: u8 = 2;
/// It could not start or go on: an address in use, a machine that cannot run guests.
const EXIT_FAILED: u8 = 3;

/// A host that is asked to stop has gone by then, whatever it writes to.
const STOP: Duration = Duration::from_secs(10);
/// Of that, what the end of the process itself has.
const LAST: Duration = Duration::from_millis(150);

/// The reference host of the virtual backend: takes Minecraft: Java Edition clients and lets plugins play server.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 2 usage, configuration or a line that is no command, 3 it could not start or go on."
)]
struct Cli {
    /// More of the log; twice for everything. RUST_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Listens until Ctrl-C, SIGTERM or SIGQUIT, which tell every player and stop.
    Serve(ConfigFile),
    /// Reads the configuration, loads and links every plugin and runs nothing of them; says what is wrong, what the limits
    /// come to and which of them will bite.
    Check(ConfigFile),
    /// Starts and stops hosts for whoever judges them from outside: reads commands from standard input and writes answers
    /// and events to standard output, each a line of JSON, as harness/adapter/PROTOCOL.md says.
    Adapter(AdapterArgs),
}

#[derive(Args)]
struct AdapterArgs {
    /// Break every host in this way, as a killer of wit/SPEC.md says.
    #[cfg(feature = "faults")]
    #[arg(long, value_name = "KILLER", value_parser = fault_parser(), hide_possible_values = true)]
    fault: Option<reference_backend::Fault>,
}

/// Takes the names of all faults, and suggests one that is near.
#[cfg(feature = "faults")]
fn fault_parser() -> impl clap::builder::TypedValueParser<Value = reference_backend::Fault> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    use reference_backend::Fault;
    PossibleValuesParser::new(Fault::all().map(|(name, _)| name))
        .try_map(|name| Fault::named(&name).ok_or("no host is broken in this way"))
}

#[derive(Args)]
struct ConfigFile {
    /// The configuration, TOML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{}: cannot be read: {source}\n  = help: plugins_dir must hold {name}.wasm for [plugins.{name}]", path.display())]
    Plugin {
        name: String,
        path: PathBuf,
        source: FileError,
    },
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(
        "cannot listen on {bind}: {source}\n  = help: {}", bind_help(.source.kind())
    )]
    Bind {
        bind: String,
        source: std::io::Error,
    },
    #[error("cannot take connections any more: {0}")]
    Accept(std::io::Error),
    #[error("no runtime: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
}

/// How to mend a `bind` that has the right form and is not to be had.
fn bind_help(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => "choose another `bind`, or stop what uses the port",
        ErrorKind::PermissionDenied => {
            "choose a port from 1024 on, or give the host's user the right to this one"
        }
        ErrorKind::AddrNotAvailable => {
            "choose an address that this machine has, or 0.0.0.0 for all of them"
        }
        _ => {
            "choose another `bind`: an address of this machine and a port, such as \"0.0.0.0:25565\""
        }
    }
}

impl Fault {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Plugin { .. }
            | Self::Load(_)
            | Self::Start(_)
            | Self::Adapter(AdapterError::Input(_)) => EXIT_CONFIG,
            Self::Bind { .. }
            | Self::Accept(_)
            | Self::Runtime(_)
            | Self::Engine(_)
            | Self::Adapter(_) => EXIT_FAILED,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = start_log(&cli);
    let mut stopping = None;
    let runs = AssertUnwindSafe(|| match &cli.command {
        Command::Serve(file) => serve(&file.config, &mut stopping),
        Command::Check(file) => check(&file.config),
        Command::Adapter(args) => adapter(args, &log),
    });
    let done = catch_unwind(runs).unwrap_or_else(|panic| {
        // The log has its words.
        log.flush(log::FLUSH);
        resume_unwind(panic)
    });
    let code = match done {
        Ok(()) => EXIT_OK,
        Err(fault) => {
            log.say(format_args!("Error: {fault}"));
            fault.exit_code()
        }
    };
    // Whatever of it cannot be written by then changes nothing about how this ends.
    let left = stopping.map_or(STOP, |since: Instant| STOP.saturating_sub(since.elapsed()));
    log.flush(log::FLUSH.min(left.saturating_sub(LAST)));
    ExitCode::from(code)
}

fn start_log(cli: &Cli) -> Log {
    let default = match cli.verbose {
        // What hosts have to say stands in its events.
        0 if matches!(cli.command, Command::Adapter(_)) => "warn",
        0 => "info",
        1 => "info,reference_backend=debug,guest=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = Log::to_stderr();
    log.take_events(filter, std::io::stderr().is_terminal());
    log
}

/// `stopping` is when it began to stop.
fn serve(path: &Path, stopping: &mut Option<Instant>) -> Result<(), Fault> {
    let config = HostConfig::load(path)?;
    let runtime = runtime()?;
    let served = runtime.block_on(serve_until_stopped(config, stopping));
    // What the host has given up is not waited for a second time.
    runtime.shutdown_background();
    served
}

fn runtime() -> Result<Runtime, Fault> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build().map_err(Fault::Runtime)
}

async fn serve_until_stopped(
    config: HostConfig,
    stopping: &mut Option<Instant>,
) -> Result<(), Fault> {
    let mut signals = Signals::mind().map_err(Fault::Runtime)?;
    let ignored = |name| tracing::info!("{name}: {SIGNAL_IGNORED}");
    let started = tokio::select! {
        biased;
        started = start(config) => started?,
        stop = signals.stop_requested(ignored) => {
            *stopping = Some(Instant::now());
            tracing::info!("stopping before it has started: {}", stop.map_err(Fault::Runtime)?);
            return Ok(());
        }
    };
    let (host, listener) = started;
    let served = tokio::select! {
        biased;
        served = host.serve(listener) => served.map_err(Fault::Accept),
        stop = signals.stop_requested(ignored) => {
            stop.map_err(Fault::Runtime).map(|name| tracing::info!("{name}"))
        }
    };
    *stopping = Some(Instant::now());
    tracing::info!("stopping");
    host.shutdown("The server is stopping.").await;
    served
}

/// Compiles and enables the plugins, and listens.
async fn start(config: HostConfig) -> Result<(Host, TcpListener), Fault> {
    let compiling = tokio::task::spawn_blocking(move || load(&config).map(|all| (config, all)));
    let (mut config, plugins) = match compiling.await {
        Ok(loaded) => loaded?,
        // It cannot be cancelled; what it was panics here as it did there.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let bind = config.bind.clone();
    let listener = listen(&bind, config.limits.backlog())
        .await
        .map_err(|source| Fault::Bind {
            bind: bind.clone(),
            source,
        })?;
    fit(&mut config, &plugins);
    let host = build(config, plugins).start().await?;
    tracing::info!(
        "listening on {}",
        listener.local_addr().map_or(bind, |at| at.to_string())
    );
    Ok((host, listener))
}

/// Takes from the system what the configuration needs, or says what it does not give.
fn fit(config: &mut HostConfig, plugins: &Plugins) {
    if let Some(short) = short_backlog(config) {
        tracing::warn!("{short}");
    }
    let with_folders = plugins
        .iter()
        .filter(|(_, component, _)| config.data_dir.is_some() && component.wants_folder());
    let data_files = with_folders.map(|(_, _, plugin)| plugin.limits.data_open);
    let room = FileRoom::make(config.max_connections, data_files.sum());
    if room.is_short() {
        tracing::warn!("{room}");
        config.max_connections = room.connections;
    }
}

/// What is to be done where the system lets fewer connections wait than the configuration says.
fn short_backlog(config: &HostConfig) -> Option<String> {
    let backlog = config.limits.backlog();
    let allowed = backlog_limit().filter(|allowed| *allowed < backlog)?;
    Some(format!(
        "only {allowed} connections can wait for the host instead of the {backlog} of `backlog`: raise \
         net.core.somaxconn (`sysctl net.core.somaxconn={backlog}`), or lower `backlog` under [limits]"
    ))
}

/// Hosts for whoever commands them on standard input.
fn adapter(args: &AdapterArgs, log: &Log) -> Result<(), Fault> {
    let adapter = Adapter::new()?;
    #[cfg(feature = "faults")]
    let adapter = match args.fault {
        Some(fault) => adapter.broken(fault),
        None => adapter,
    };
    let _ = args;
    if std::io::stdin().is_terminal() {
        log.say("This is for programs: it waits for commands, each a line of JSON, as harness/adapter/PROTOCOL.md says.");
    }
    let runtime = runtime()?;
    let input = BufReader::new(std::io::stdin());
    let done = runtime.block_on(adapter.run(input, std::io::stdout()));
    // A component that is still being compiled is not waited for.
    runtime.shutdown_background();
    Ok(done?)
}

/// Says of each plugin whether it is good, and of all together what the limits come to. Every plugin that is not good is
/// told, not only the first.
fn check(path: &Path) -> Result<(), Fault> {
    let config = HostConfig::load(path)?;
    let engine = GuestEngine::with_limits(CpuMeter::Epoch, &config.limits)?;
    let mut faults = Vec::new();
    let mut plugins = Vec::new();
    for (name, plugin) in &config.plugins {
        match load_one(&engine, &config, name, plugin) {
            Ok(component) => {
                say(format_args!(
                    "{}",
                    check::component(name, &component, plugin)
                ));
                plugins.push((name.clone(), component, plugin.clone()));
            }
            Err(fault) => faults.push(fault),
        }
    }
    let known: Vec<check::Plugin<'_>> = plugins
        .iter()
        .map(|(name, component, config)| check::Plugin {
            name,
            config,
            folder: component.wants_folder(),
        })
        .collect();
    let room = FileRoom::make(config.max_connections, check::data_files(&config, &known));
    for line in check::sums(
        &config,
        &known,
        &room,
        short_backlog(&config),
        check::memory(),
    ) {
        say(format_args!("{line}"));
    }
    // One at a time: what keeps one from starting says nothing of the others.
    for plugin in plugins {
        let one = build(config.clone(), vec![plugin]);
        faults.extend(one.check().err().map(Fault::Start));
    }
    let Some(last) = faults.pop() else {
        say(format_args!("{}: good", path.display()));
        return Ok(());
    };
    for fault in faults {
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "Error: {fault}");
    }
    Err(last)
}

/// A line on standard output. Who does not read it changes nothing about what was found.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

type Plugins = Vec<(String, GuestComponent, PluginConfig)>;

fn load(config: &HostConfig) -> Result<Plugins, Fault> {
    let engine = GuestEngine::with_limits(CpuMeter::Epoch, &config.limits)?;
    let mut plugins = Vec::new();
    for (name, plugin) in &config.plugins {
        let component = load_one(&engine, config, name, plugin)?;
        plugins.push((name.clone(), component, plugin.clone()));
    }
    Ok(plugins)
}

fn load_one(
    engine: &GuestEngine,
    config: &HostConfig,
    name: &str,
    plugin: &PluginConfig,
) -> Result<GuestComponent, Fault> {
    let path = config.plugins_dir.join(format!("{name}.wasm"));
    let bytes = read_file(&path, plugin.limits.component_bytes).map_err(|source| match source {
        FileError::TooBig { size, limit } => Fault::Load(LoadError::TooBig {
            name: name.to_owned(),
            size,
            limit,
        }),
        source => Fault::Plugin {
            name: name.to_owned(),
            path,
            source,
        },
    })?;
    Ok(engine.load_within(name, &bytes, &plugin.limits)?)
}

fn build(config: HostConfig, plugins: Plugins) -> reference_backend::HostBuilder {
    plugins.into_iter().fold(
        Host::builder(config),
        |builder, (name, component, plugin)| builder.guest(name, component, plugin),
    )
}

//! `vbspec serve`.

use std::io::Write;
use std::sync::Arc;

use reference_backend::config::{BindError, check_bind};
use reference_backend::log::{FLUSH, Log, MESSAGE_BYTES};
use reference_backend::{
    CpuMeter, FileRoom, GuestEngine, Host, HostConfig, HostEvent, HostLimits, LogLevel, Observer,
    SIGNAL_IGNORED, Signals, listen, shown_within,
};

use super::CommandError;
use super::guest::SubjectArgs;
use crate::exit::Exit;
use crate::subject::Refusal;
use crate::subject::guest::read_component;

#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The component: a .wasm file
    file: String,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:25565", value_name = "ADDRESS:PORT", value_parser = address)]
    bind: String,
    #[command(flatten)]
    subject: SubjectArgs,
}

fn address(text: &str) -> Result<String, BindError> {
    check_bind(text).map(|()| text.to_owned())
}

/// What the players of a host that stops are told.
const GOODBYE: &str = "The server is stopping.";

pub fn run(args: &ServeArgs) -> Result<Exit, CommandError> {
    let options = args.subject.options(&args.file)?;
    let name = options.plugin_name();
    let bytes = read_component(&args.file, &name)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Refusal::Runtime)?;
    let log = Log::to_stderr();
    let ignored = |name| log.note(format_args!("{name}: {SIGNAL_IGNORED}"));
    let served = runtime.block_on(async {
        let engine = GuestEngine::new(CpuMeter::Epoch).map_err(Refusal::from)?;
        let component = engine.load(&name, &bytes).map_err(Refusal::from)?;
        if !component.has_handler() {
            return Err(Refusal::NoHandler(name).into());
        }
        // Removed when the command ends.
        let data = component.wants_folder().then(tempfile::tempdir);
        let data = data.transpose().map_err(Refusal::Folder)?;
        let mut config = HostConfig {
            data_dir: data.as_ref().map(|folder| folder.path().to_owned()),
            ..HostConfig::default()
        };
        let plugin = options.plugin_config();
        let data_files = if data.is_some() {
            plugin.limits.data_open
        } else {
            0
        };
        let room = FileRoom::make(config.max_connections, data_files);
        if room.is_short() {
            tracing::warn!("{room}");
            config.max_connections = room.connections;
        }
        let host = Host::builder(config)
            .guest(name.clone(), component, plugin)
            .observer(Arc::new(Console(log.clone())))
            .start()
            .await
            .map_err(Refusal::from)?;
        let failed = |error| CommandError::Listen {
            address: args.bind.clone(),
            error,
        };
        let backlog = HostLimits::default().backlog();
        let listener = listen(&args.bind, backlog).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // Until here there is nobody to tell: a signal ends the process as it does any other.
        let mut signals = Signals::mind()?;
        writeln!(
            super::stdout(),
            "{name} plays server on {address}; Ctrl-C ends it"
        )?;
        tokio::select! {
            biased;
            stopped = signals.stop_requested(ignored) => {
                stopped?;
            }
            served = host.serve(listener) => served.map_err(failed)?,
        }
        host.shutdown(GOODBYE).await;
        Ok(Exit::AsExpected)
    });
    // What the host has given up, and whoever does not read, is not waited for.
    runtime.shutdown_background();
    log.flush(FLUSH);
    served
}

/// Shows an operator what a guest says and what becomes of it.
struct Console(Log);

impl Observer for Console {
    fn on_event(&self, event: HostEvent) {
        let line = match event {
            HostEvent::GuestLog {
                plugin,
                level,
                message,
            } if level >= LogLevel::Info => format!("{plugin}: {message}"),
            HostEvent::Trap {
                plugin,
                callback,
                kind,
                ..
            } => format!("{plugin}: {kind} in {callback}"),
            HostEvent::Denied { player, reason, .. } => {
                format!("player {player} is denied: {reason}")
            }
            HostEvent::SessionStarted {
                player,
                plugin,
                protocol_version,
                ..
            } => {
                format!("player {player} is on {plugin} with protocol {protocol_version}")
            }
            HostEvent::SessionEnded { player, cause, .. } => {
                format!("player {player} is gone: {cause:?}")
            }
            _ => return,
        };
        self.0.note(shown_within(MESSAGE_BYTES, line));
    }
}

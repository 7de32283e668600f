//! What a host tells, as events.

use super::message::Event;
use super::output::Output;
use crate::api::{self, PlayerId};
use crate::api::{HostEvent, LogLevel, Observer, PluginState};
use crate::host::lock;
use crate::shown::shown;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Sees what happens in one host, and writes it.
pub(super) struct Watch {
    host: u64,
    output: Output,
    players: Mutex<BTreeMap<PlayerId, Player>>,
}

/// A connection that has said its name.
struct Player {
    name: String,
    logged_in: bool,
}

impl Watch {
    pub fn new(host: u64, output: Output) -> Self {
        Self {
            host,
            output,
            players: Mutex::default(),
        }
    }

    /// The connections that have logged in under this name, the newest first.
    pub fn newest_of(&self, name: &str) -> Vec<PlayerId> {
        let players = lock(&self.players);
        let of_name = players
            .iter()
            .filter(|(_, player)| player.logged_in && player.name == name);
        of_name.rev().map(|(id, _)| *id).collect()
    }

    fn get_to_know(&self, id: PlayerId, event: &api::Event) {
        let (name, logged_in) = match event {
            api::Event::PreLogin(event) => (&event.name, false),
            api::Event::PostLogin(event) => (&event.profile.name, true),
            _ => return,
        };
        let name = name.clone();
        lock(&self.players).insert(id, Player { name, logged_in });
    }

    fn write(&self, event: &HostEvent) {
        let host = self.host;
        match event {
            HostEvent::GuestLog {
                plugin,
                level,
                message,
            } => self.output.event(&Event::Log {
                host,
                plugin,
                level: level_name(*level),
                text: message,
            }),
            HostEvent::GuestLogDropped { plugin, lines } => self.output.event(&Event::Dropped {
                host,
                plugin,
                lines: *lines,
            }),
            HostEvent::Denied { player, reason, .. } => {
                let players = lock(&self.players);
                self.output.event(&Event::Denied {
                    host,
                    player: players.get(player).map(|player| player.name.as_str()),
                    reason: shown(reason),
                });
            }
            HostEvent::Trap {
                plugin,
                callback,
                kind,
                ..
            } => self.output.event(&Event::Failed {
                host,
                plugin,
                callback: callback.name(),
                text: shown(kind),
            }),
            event => {
                if let Some(text) = words(event) {
                    self.output.event(&Event::Note { host, text });
                }
            }
        }
    }
}

impl Observer for Watch {
    fn on_event(&self, event: HostEvent) {
        self.write(&event);
        match &event {
            HostEvent::EventFired { player, event } => self.get_to_know(*player, event),
            HostEvent::Closed { player, .. } => drop(lock(&self.players).remove(player)),
            _ => {}
        }
    }
}

fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

/// What the host's own log says of it, the level apart. None for what it says nothing of.
fn words(event: &HostEvent) -> Option<String> {
    Some(match event {
        HostEvent::Plugin {
            plugin,
            incarnation,
            state,
        } => match state {
            PluginState::Enabling => return None,
            PluginState::Enabled { .. } => format!("plugin {plugin}: enabled ({incarnation})"),
            PluginState::Off { reason } => format!("plugin {plugin}: stays off: {}", shown(reason)),
            PluginState::Restarting { after } => {
                let after = after.as_millis();
                format!("plugin {plugin}: starts again in {after} ms")
            }
            PluginState::Quarantined => format!("plugin {plugin}: in quarantine"),
            PluginState::Disabled => format!("plugin {plugin}: disabled"),
        },
        HostEvent::Note {
            plugin,
            player,
            text,
            ..
        } => format!("plugin {plugin}{}: {text}", of(*player)),
        HostEvent::StopWaits {
            plugin,
            callback,
            connections,
        } => format!("plugin {plugin}: {connections} connections wait for its {callback}"),
        HostEvent::RegistrationRefused { plugin, error } => {
            format!("plugin {plugin}: registration refused: {}", shown(error))
        }
        HostEvent::Connected { player, peer } => format!("player {player}: connected from {peer}"),
        HostEvent::SessionStarted {
            player,
            plugin,
            handler,
            protocol_version,
        } => format!(
            "player {player}: session with handler {handler} of {plugin}, protocol {protocol_version}"
        ),
        HostEvent::SessionEnded { player, cause, .. } => {
            format!("player {player}: session ended: {}", shown(cause))
        }
        HostEvent::Closed { player, cause } => {
            format!("player {player}: closed: {}", shown(cause))
        }
        _ => return None,
    })
}

fn of(player: Option<PlayerId>) -> String {
    player.map_or_else(String::new, |player| format!(", player {player}"))
}

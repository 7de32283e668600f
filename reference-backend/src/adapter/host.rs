//! One host, from its start to its stop.

use super::components::Components;
use super::config;
use super::message::{Event, Reply, Start};
use super::output::Output;
use super::watch::Watch;
use crate::descriptors::FileRoom;
use crate::host::Host;
use crate::listen::listen;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What players are told who are there when the adapter ends.
const ENDS: &str = "The server is stopping.";

/// A command for a host.
pub(super) struct Order {
    id: u64,
    wants: Wants,
}

enum Wants {
    Stop {
        reason: String,
    },
    Kick {
        player: String,
        reason: String,
    },
    Reconfigure {
        plugin: String,
        table: BTreeMap<String, String>,
    },
}

impl Order {
    pub fn stop(id: u64, reason: String) -> Self {
        let wants = Wants::Stop { reason };
        Self { id, wants }
    }

    pub fn kick(id: u64, player: String, reason: String) -> Self {
        let wants = Wants::Kick { player, reason };
        Self { id, wants }
    }

    pub fn reconfigure(id: u64, plugin: String, table: BTreeMap<String, String>) -> Self {
        let wants = Wants::Reconfigure { plugin, table };
        Self { id, wants }
    }
}

/// What one host is run with.
pub(super) struct Task {
    /// Of the command that starts it.
    pub id: u64,
    pub start: Start,
    /// They end with the adapter.
    pub orders: mpsc::Receiver<Order>,
    /// Whether the adapter ends: a start is given up then.
    pub ending: watch::Receiver<bool>,
    pub components: Arc<Components>,
    pub output: Output,
}

/// A host is gone, or has never come.
pub(super) struct Ended {
    pub number: u64,
    /// What is still to be answered.
    pub answers: Vec<(u64, Reply)>,
}

/// What is said of a number under which there is no host.
pub(super) fn unknown(number: u64) -> String {
    format!("there is no host {number}")
}

/// Starts a host, has it obey, stops it.
pub(super) async fn run(mut task: Task) -> Ended {
    let number = task.start.host;
    let begun = tokio::select! {
        biased;
        _ = task.ending.wait_for(|ending| *ending) => Err("the adapter ends".to_owned()),
        begun = begin(&task.start, &task.components, &task.output) => begun,
    };
    let last = match begun {
        Ok(running) => {
            let address = running.address.to_string();
            task.output.answer(task.id, &Reply::Started { address });
            let stopped_by = running.obey(&mut task.orders, &task.output).await;
            stopped_by.map(|id| (id, Reply::done()))
        }
        Err(why) => Some((task.id, Reply::refused(why))),
    };
    let mut answers = Vec::from_iter(last);
    task.orders.close();
    while let Some(order) = task.orders.recv().await {
        answers.push((order.id, Reply::refused(unknown(number))));
    }
    Ended { number, answers }
}

/// A host that takes connections.
struct Running {
    host: Host,
    address: SocketAddr,
    watch: Arc<Watch>,
    serving: JoinHandle<()>,
}

/// The error is for whoever wanted the host, in the words that an operator reads.
async fn begin(
    start: &Start,
    components: &Arc<Components>,
    output: &Output,
) -> Result<Running, String> {
    let number = start.host;
    let engine = components.engine();
    let mut config = config::read(start, engine.faults)?;
    let mut guests = Vec::new();
    let mut data_files = 0;
    for plugin in &start.plugins {
        let table = config.plugins.get(&plugin.name).cloned();
        let table = table.unwrap_or_default();
        let component = components.get(&plugin.name, &plugin.component).await?;
        if config.data_dir.is_some() && component.wants_folder() {
            data_files += table.limits.data_open;
        }
        guests.push((plugin.name.clone(), component, table));
    }
    let room = FileRoom::make(config.max_connections, data_files);
    if room.is_short() {
        let text = room.to_string();
        output.event(&Event::Note { host: number, text });
        config.max_connections = room.connections;
    }
    let listening = |error: io::Error| format!("cannot listen on {}: {error}", config::BIND);
    let listener = listen(config::BIND, config.limits.backlog())
        .await
        .map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let watch = Arc::new(Watch::new(number, output.clone()));
    // One component may be there under several names.
    let mut builder = Host::builder(config)
        .observer(Arc::clone(&watch) as _)
        .faults(engine.faults)
        .same_ids();
    for (name, component, table) in guests {
        builder = builder.guest(name, component, table);
    }
    let host = builder.start().await.map_err(|error| error.to_string())?;
    let serving = tokio::spawn(serve(host.clone(), listener, number, output.clone()));
    Ok(Running {
        host,
        address,
        watch,
        serving,
    })
}

async fn serve(host: Host, listener: TcpListener, number: u64, output: Output) {
    if let Err(error) = host.serve(listener).await {
        let text = format!("cannot take connections any more: {error}");
        output.event(&Event::Note { host: number, text });
    }
}

impl Running {
    /// Until it is stopped; answers by which command, if by one.
    async fn obey(self, orders: &mut mpsc::Receiver<Order>, output: &Output) -> Option<u64> {
        let (by, reason) = loop {
            let Some(Order { id, wants }) = orders.recv().await else {
                break (None, ENDS.to_owned());
            };
            let done = match wants {
                Wants::Stop { reason } => break (Some(id), reason),
                Wants::Kick { player, reason } => self.kick(&player, &reason),
                Wants::Reconfigure { plugin, table } => self.reconfigure(&plugin, table),
            };
            let reply = done.map_or_else(Reply::refused, |()| Reply::done());
            output.answer(id, &reply);
        };
        self.host.shutdown(&reason).await;
        // It has ended by itself, unless the host is broken.
        self.serving.abort();
        let _ = self.serving.await;
        by
    }

    /// The newest connection of the name that does not end already.
    fn kick(&self, name: &str, reason: &str) -> Result<(), String> {
        let mut connections = self.watch.newest_of(name).into_iter();
        if connections.any(|player| self.host.kick(player, reason)) {
            Ok(())
        } else {
            Err(format!("no player \"{name}\" is here"))
        }
    }

    fn reconfigure(&self, plugin: &str, table: BTreeMap<String, String>) -> Result<(), String> {
        match self.host.set_plugin_table(plugin, table) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("there is no plugin \"{plugin}\"")),
            Err(error) => Err(error.to_string()),
        }
    }
}

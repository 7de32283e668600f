//! Commands on their way to hosts, and what is offered.

use super::HOSTS;
use super::components::Components;
use super::config::LIMITS;
use super::host::{self, Ended, Order, Task};
use super::message::{Command, Hello, Offer, PROTOCOL, Reply, Request, Start};
use super::output::Output;
use crate::bridge::{CONTRACT_PACKAGE, CONTRACT_VERSION, GuestEngine};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// What this host can do.
const FEATURES: &[&str] = &[
    "two-plugins",
    "restart",
    "per-session",
    "compression",
    "files",
    "limbo",
    "duplicate",
    "kick",
    "reconfigure",
    "failures",
];

/// Commands for one host that wait for its start or its stop.
const ORDERS: usize = 64;

/// What becomes of the adapter after a command.
pub(super) enum Next {
    GoOn,
    /// The command with this id is answered once all hosts have stopped.
    Shutdown(u64),
}

/// Gives each command to whom it is for.
pub(super) struct Desk {
    components: Arc<Components>,
    output: Output,
    greeted: bool,
    /// Hosts that run, start or stop.
    hosts: BTreeMap<u64, mpsc::Sender<Order>>,
    /// Every number that was ever given.
    numbers: BTreeSet<u64>,
    tasks: JoinSet<Ended>,
    ending: watch::Sender<bool>,
}

impl Desk {
    pub fn new(engine: GuestEngine, output: Output) -> Self {
        Self {
            components: Arc::new(Components::new(engine)),
            output,
            greeted: false,
            hosts: BTreeMap::new(),
            numbers: BTreeSet::new(),
            tasks: JoinSet::new(),
            ending: watch::Sender::new(false),
        }
    }

    /// Never waits.
    pub fn obey(&mut self, Command { id, request }: Command) -> Next {
        let refused = match request {
            Request::Other => Err("no such command".to_owned()),
            Request::Hello(hello) => self.hello(id, &hello),
            _ if !self.greeted => Err("`hello` comes first".to_owned()),
            Request::Shutdown => return Next::Shutdown(id),
            Request::Start(start) => self.start(id, start),
            Request::Stop(stop) => self.pass_on(stop.host, Order::stop(id, stop.reason)),
            Request::Kick(kick) => {
                self.pass_on(kick.host, Order::kick(id, kick.player, kick.reason))
            }
            Request::Reconfigure(new) => {
                self.pass_on(new.host, Order::reconfigure(id, new.plugin, new.config))
            }
        };
        if let Err(why) = refused {
            self.output.answer(id, &Reply::refused(why));
        }
        Next::GoOn
    }

    fn hello(&mut self, id: u64, hello: &Hello) -> Result<(), String> {
        if self.greeted {
            return Err("`hello` comes once".to_owned());
        }
        let Hello { protocol } = hello;
        if *protocol != PROTOCOL {
            return Err(format!(
                "this adapter speaks version {PROTOCOL} of the protocol, not {protocol}"
            ));
        }
        self.greeted = true;
        let offer = Offer {
            protocol: PROTOCOL,
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            contract: format!("{CONTRACT_PACKAGE}@{CONTRACT_VERSION}"),
            protocols: vb_data::supported(),
            hosts: HOSTS,
            features: FEATURES,
            limits: &LIMITS,
        };
        self.output.answer(id, &Reply::Offer(Box::new(offer)));
        Ok(())
    }

    fn start(&mut self, id: u64, start: Start) -> Result<(), String> {
        let number = start.host;
        if self.numbers.contains(&number) {
            return Err(format!(
                "the number {number} was given to a host before; each is given once"
            ));
        }
        if self.hosts.len() >= HOSTS {
            return Err(format!("{HOSTS} hosts are there, which is the most"));
        }
        self.numbers.insert(number);
        let (sends, orders) = mpsc::channel(ORDERS);
        self.hosts.insert(number, sends);
        self.tasks.spawn(host::run(Task {
            id,
            start,
            orders,
            ending: self.ending.subscribe(),
            components: Arc::clone(&self.components),
            output: self.output.clone(),
        }));
        Ok(())
    }

    fn pass_on(&self, number: u64, order: Order) -> Result<(), String> {
        let Some(host) = self.hosts.get(&number) else {
            return Err(host::unknown(number));
        };
        host.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                format!("{ORDERS} commands wait for the host {number} already")
            }
            mpsc::error::TrySendError::Closed(_) => host::unknown(number),
        })
    }

    /// Returns when a host has ended, and its place is free; with no hosts, never. Loses nothing when it is dropped.
    pub async fn host_ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => self.settle(&ended),
            // What the host panicked of, the adapter does.
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => std::future::pending().await,
        }
    }

    fn settle(&mut self, ended: &Ended) {
        self.hosts.remove(&ended.number);
        // Only now: who has read it may start the next.
        for (id, reply) in &ended.answers {
            self.output.answer(*id, reply);
        }
    }

    /// Stops all hosts, and takes nothing more for them.
    pub async fn stop_all(&mut self) {
        self.ending.send_replace(true);
        // Each host's orders end with its sender.
        self.hosts.clear();
        while !self.tasks.is_empty() {
            self.host_ended().await;
        }
    }
}

//! Native plugins for judging hosts: they do what a case says and remember what they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reference_backend::{
    BoxFuture, Event, EventKind, EventOutcome, GameProfile, HandlerId, ListenerId, NativePlugin,
    PlayerId, RawPacket, Registrar, ServerPreConnectResult, VirtualBackendHandler,
    VirtualBackendSession,
};

use super::clock::Origin;

/// What a native handler was told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An event.
    Event(Event),
    /// A session has started.
    Start {
        /// The connection.
        player: PlayerId,
        /// Who it is.
        profile: GameProfile,
        /// The client's protocol.
        protocol: i32,
    },
    /// The start callback has returned.
    Started(PlayerId),
    /// A packet came.
    Packet(PlayerId, RawPacket),
    /// The session has ended.
    End(PlayerId),
}

/// What several handlers were told, with the times: shared by all that a case sets up.
#[derive(Debug)]
pub struct Notebook {
    origin: Origin,
    lines: Mutex<Vec<(Duration, String, Told)>>,
}

impl Notebook {
    /// An empty one that counts time from `origin`.
    #[must_use]
    pub fn new(origin: Origin) -> Arc<Self> {
        Arc::new(Self {
            origin,
            lines: Mutex::new(Vec::new()),
        })
    }

    /// Everything that the plugin of this name was told.
    #[must_use]
    pub fn of(&self, plugin: &str) -> Vec<(Duration, Told)> {
        self.lock()
            .iter()
            .filter(|(_, name, _)| name == plugin)
            .map(|(at, _, told)| (*at, told.clone()))
            .collect()
    }

    /// Everything that anybody was told of one connection.
    #[must_use]
    pub fn sessions(&self) -> Vec<(Duration, Told)> {
        let session = |told: &Told| !matches!(told, Told::Event(_));
        self.lock()
            .iter()
            .filter(|(_, _, told)| session(told))
            .map(|(at, _, told)| (*at, told.clone()))
            .collect()
    }

    /// The packets that the plugin of this name was handed, in order.
    #[must_use]
    pub fn packets(&self, plugin: &str) -> Vec<RawPacket> {
        let packet = |(_, told)| {
            if let Told::Packet(_, packet) = told {
                Some(packet)
            } else {
                None
            }
        };
        self.of(plugin).into_iter().filter_map(packet).collect()
    }

    fn add(&self, plugin: &str, told: Told) {
        self.lock()
            .push((self.origin.elapsed(), plugin.to_owned(), told));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Duration, String, Told)>> {
        // What a panic interrupted is a push, after which the list is whole.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a handler does at a start.
pub type OnStart =
    Arc<dyn for<'a> Fn(&'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> + Send + Sync>;
/// What a handler does with a packet.
pub type OnPacket = Arc<dyn Fn(&dyn VirtualBackendSession, &RawPacket) + Send + Sync>;

/// A native plugin that plays server, or says that it does.
#[derive(Clone)]
pub struct Recording {
    name: String,
    notebook: Arc<Notebook>,
    /// The handlers that it registers.
    registers: Vec<HandlerId>,
    /// What it answers to `server-pre-connect`.
    answers: EventOutcome,
    priority: i16,
    /// Whether it subscribes at all.
    listens: bool,
    /// How long it thinks about an event.
    thinks: Duration,
    /// The one player whom it answers for, if not all.
    only_for: Option<String>,
    on_start: OnStart,
    on_packet: OnPacket,
}

impl Recording {
    /// A plugin with one handler, 1, which its listener answers with.
    #[must_use]
    pub fn new(name: &str, notebook: &Arc<Notebook>) -> Self {
        Self {
            name: name.to_owned(),
            notebook: Arc::clone(notebook),
            registers: vec![HandlerId(1)],
            answers: answer(HandlerId(1)),
            priority: 0,
            listens: true,
            thinks: Duration::ZERO,
            only_for: None,
            on_start: Arc::new(|_| Box::pin(std::future::ready(()))),
            on_packet: Arc::new(|_, _| {}),
        }
    }

    /// Registers these handlers instead.
    #[must_use]
    pub fn registering(mut self, ids: &[u32]) -> Self {
        self.registers = ids.iter().copied().map(HandlerId).collect();
        self
    }

    /// Answers `server-pre-connect` with this handler.
    #[must_use]
    pub fn answering(mut self, id: u32) -> Self {
        self.answers = answer(HandlerId(id));
        self
    }

    /// Answers `server-pre-connect` with this.
    #[must_use]
    pub fn with_outcome(mut self, outcome: EventOutcome) -> Self {
        self.answers = outcome;
        self
    }

    /// Hears of no event.
    #[must_use]
    pub fn not_listening(mut self) -> Self {
        self.listens = false;
        self
    }

    /// Has no opinion on anybody but the player of this name.
    #[must_use]
    pub fn only_for(mut self, name: &str) -> Self {
        self.only_for = Some(name.to_owned());
        self
    }

    /// Is asked earlier the higher this is.
    #[must_use]
    pub fn with_priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }

    /// Takes this long to answer an event.
    #[must_use]
    pub fn thinking_for(mut self, time: Duration) -> Self {
        self.thinks = time;
        self
    }

    /// Does this at a start.
    #[must_use]
    pub fn on_start(
        mut self,
        run: impl for<'a> Fn(&'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> + Send + Sync + 'static,
    ) -> Self {
        self.on_start = Arc::new(run);
        self
    }

    /// Does this with a packet.
    #[must_use]
    pub fn on_packet(
        mut self,
        run: impl Fn(&dyn VirtualBackendSession, &RawPacket) + Send + Sync + 'static,
    ) -> Self {
        self.on_packet = Arc::new(run);
        self
    }
}

fn answer(id: HandlerId) -> EventOutcome {
    EventOutcome::ServerPreConnect(ServerPreConnectResult::VirtualBackend(id))
}

impl NativePlugin for Recording {
    fn on_enable<'a>(&'a self, registrar: &'a mut Registrar) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            const EVENTS: [EventKind; 5] = [
                EventKind::PreLogin,
                EventKind::PostLogin,
                EventKind::ChooseInitialServer,
                EventKind::ServerPreConnect,
                EventKind::PlayerDisconnect,
            ];
            for kind in EVENTS.into_iter().filter(|_| self.listens) {
                registrar
                    .subscribe(kind, self.priority)
                    .map_err(|error| error.to_string())?;
            }
            for id in &self.registers {
                let handler = Handler {
                    name: format!("{}-{id}", self.name),
                    plugin: self.clone(),
                };
                registrar
                    .register_virtual_backend_handler(*id, Arc::new(handler))
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        })
    }

    fn handle_event<'a>(
        &'a self,
        _listener: ListenerId,
        event: &'a Event,
    ) -> BoxFuture<'a, EventOutcome> {
        self.notebook.add(&self.name, Told::Event(event.clone()));
        let outcome = match event {
            Event::ServerPreConnect(event)
                if self
                    .only_for
                    .as_ref()
                    .is_none_or(|name| *name == event.profile.name) =>
            {
                self.answers.clone()
            }
            _ => EventOutcome::NoOpinion,
        };
        Box::pin(async move {
            if !self.thinks.is_zero() {
                tokio::time::sleep(self.thinks).await;
            }
            outcome
        })
    }
}

struct Handler {
    name: String,
    plugin: Recording,
}

impl VirtualBackendHandler for Handler {
    fn name(&self) -> &str {
        &self.name
    }

    fn on_session_start<'a>(&'a self, session: &'a dyn VirtualBackendSession) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let player = session.player_id();
            let (profile, protocol) = (session.profile().clone(), session.protocol_version());
            let Recording {
                name,
                notebook,
                on_start,
                ..
            } = &self.plugin;
            notebook.add(
                name,
                Told::Start {
                    player,
                    profile,
                    protocol,
                },
            );
            on_start(session).await;
            notebook.add(name, Told::Started(player));
        })
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        self.plugin.notebook.add(
            &self.plugin.name,
            Told::Packet(session.player_id(), packet.clone()),
        );
        (self.plugin.on_packet)(session, packet);
        Box::pin(std::future::ready(()))
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        self.plugin
            .notebook
            .add(&self.plugin.name, Told::End(player));
        Box::pin(std::future::ready(()))
    }
}

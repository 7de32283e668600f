//! Native plugins for judging hosts: they do what a case says and remember what they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vb_contract::{
    BoxFuture, Callback, Event, EventKind, EventOutcome, GameProfile, HandlerId, ListenerId,
    NativePlugin, PlayerId, RawPacket, Registrar, ServerPreConnectResult, VirtualBackendHandler,
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
    /// The packet's callback has returned.
    Handled(PlayerId),
    /// The session has ended.
    End(PlayerId),
    /// The end callback has returned.
    Ended(PlayerId),
    /// The host has dropped a callback that had not returned.
    GivenUp(PlayerId, Callback),
    /// The plugin is switched off.
    Disabled,
}

impl Told {
    /// The connection that it is about.
    #[must_use]
    pub fn player(&self) -> Option<PlayerId> {
        match self {
            Self::Event(_) | Self::Disabled => None,
            Self::Start { player, .. }
            | Self::Started(player)
            | Self::Packet(player, _)
            | Self::Handled(player)
            | Self::End(player)
            | Self::Ended(player)
            | Self::GivenUp(player, _) => Some(*player),
        }
    }

    /// What it is, in a word or two.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Event(event) => event.kind().to_string(),
            Self::Start { .. } => "start".to_owned(),
            Self::Started(_) => "start returned".to_owned(),
            Self::Packet(_, packet) => format!("packet 0x{:02x}", packet.packet_id),
            Self::Handled(_) => "packet returned".to_owned(),
            Self::End(_) => "end".to_owned(),
            Self::Ended(_) => "end returned".to_owned(),
            Self::GivenUp(_, callback) => format!("{callback} given up"),
            Self::Disabled => "disable".to_owned(),
        }
    }
}

/// What was told, in words, for a failure.
#[must_use]
pub fn words<'a>(told: impl IntoIterator<Item = &'a Told>) -> String {
    const MOST: usize = 24;
    let mut words: Vec<String> = told.into_iter().map(Told::word).collect();
    if words.is_empty() {
        return "nothing".to_owned();
    }
    if words.len() > MOST {
        let more = words.len() - MOST;
        words.truncate(MOST);
        words.push(format!("and {more} more"));
    }
    words.join(", ")
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

    /// Everything that anybody was told, and who.
    #[must_use]
    pub fn lines(&self) -> Vec<(Duration, String, Told)> {
        self.lock().clone()
    }

    /// Everything that handlers were told of one connection.
    #[must_use]
    pub fn about(&self, player: PlayerId) -> Vec<(Duration, Told)> {
        self.lock()
            .iter()
            .filter(|(_, _, told)| told.player() == Some(player))
            .map(|(at, _, told)| (*at, told.clone()))
            .collect()
    }

    /// How many packets handlers have been handed of one connection.
    #[must_use]
    pub fn handed(&self, of: PlayerId) -> usize {
        let packet = |told: &Told| matches!(told, Told::Packet(player, _) if *player == of);
        self.count_until(|_| false, packet)
    }

    /// How much of what is wanted was told before the first of what `stop` accepts.
    #[must_use]
    pub fn count_until(
        &self,
        stop: impl Fn(&Told) -> bool,
        wanted: impl Fn(&Told) -> bool,
    ) -> usize {
        self.lock()
            .iter()
            .take_while(|(_, _, told)| !stop(told))
            .filter(|(_, _, told)| wanted(told))
            .count()
    }

    /// Everything that anybody was told of one connection.
    #[must_use]
    pub fn sessions(&self) -> Vec<(Duration, Told)> {
        let session = |told: &Told| told.player().is_some();
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
pub type OnPacket = Arc<
    dyn for<'a> Fn(&'a dyn VirtualBackendSession, &'a RawPacket) -> BoxFuture<'a, ()> + Send + Sync,
>;
/// What a handler does at an end.
pub type OnEnd = Arc<dyn Fn(PlayerId) -> BoxFuture<'static, ()> + Send + Sync>;
/// What a listener answers to an event; nothing, to answer as it does otherwise.
pub type OnEvent = Arc<dyn Fn(&Event) -> Option<BoxFuture<'static, EventOutcome>> + Send + Sync>;

fn nothing() -> BoxFuture<'static, ()> {
    Box::pin(std::future::ready(()))
}

/// Handles of sessions that a handler keeps, oldest first, past the sessions' ends.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Arc<dyn VirtualBackendSession>>>>);

impl Kept {
    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<dyn VirtualBackendSession>> {
        self.lock().last().cloned()
    }

    fn put(&self, session: Arc<dyn VirtualBackendSession>) {
        self.lock().push(session);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<dyn VirtualBackendSession>>> {
        // What a panic interrupted is a push, after which the list is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A native plugin that plays server, or says that it does.
#[derive(Clone)]
pub struct Recording {
    name: String,
    notebook: Arc<Notebook>,
    /// The handlers that it registers.
    registers: Vec<HandlerId>,
    /// What it answers to `server-pre-connect`.
    answers: EventOutcome,
    /// Of its listeners: for each it subscribes to every event once.
    priorities: Vec<i16>,
    /// Whether it subscribes at all.
    listens: bool,
    /// How long it thinks about an event.
    thinks: Duration,
    /// The one player whom it answers for, if not all.
    only_for: Option<String>,
    kept: Option<Kept>,
    on_event: OnEvent,
    on_start: OnStart,
    on_packet: OnPacket,
    on_end: OnEnd,
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
            priorities: vec![0],
            listens: true,
            thinks: Duration::ZERO,
            only_for: None,
            kept: None,
            on_event: Arc::new(|_| None),
            on_start: Arc::new(|_| nothing()),
            on_packet: Arc::new(|_, _| nothing()),
            on_end: Arc::new(|_| nothing()),
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
    pub fn with_priority(self, priority: i16) -> Self {
        self.with_priorities(&[priority])
    }

    /// Subscribes to every event once for each of these priorities.
    #[must_use]
    pub fn with_priorities(mut self, priorities: &[i16]) -> Self {
        self.priorities = priorities.to_vec();
        self
    }

    /// Takes this long to answer an event.
    #[must_use]
    pub fn thinking_for(mut self, time: Duration) -> Self {
        self.thinks = time;
        self
    }

    /// Keeps a handle of each session.
    #[must_use]
    pub fn keeping(mut self, kept: &Kept) -> Self {
        self.kept = Some(kept.clone());
        self
    }

    /// Answers events so, where this has an answer.
    #[must_use]
    pub fn on_event(
        mut self,
        answer: impl Fn(&Event) -> Option<BoxFuture<'static, EventOutcome>> + Send + Sync + 'static,
    ) -> Self {
        self.on_event = Arc::new(answer);
        self
    }

    /// Answers one kind of event with this.
    #[must_use]
    pub fn answering_to(self, kind: EventKind, outcome: EventOutcome) -> Self {
        self.on_event(move |event| {
            let outcome = outcome.clone();
            (event.kind() == kind).then(|| Box::pin(std::future::ready(outcome)) as BoxFuture<_>)
        })
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

    /// Does this with a packet, at once.
    #[must_use]
    pub fn on_packet(
        self,
        run: impl Fn(&dyn VirtualBackendSession, &RawPacket) + Send + Sync + 'static,
    ) -> Self {
        self.handling(move |session, packet| {
            run(session, packet);
            nothing()
        })
    }

    /// Does this with a packet, which may take time.
    #[must_use]
    pub fn handling(
        mut self,
        run: impl for<'a> Fn(&'a dyn VirtualBackendSession, &'a RawPacket) -> BoxFuture<'a, ()>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.on_packet = Arc::new(run);
        self
    }

    /// Does this at an end.
    #[must_use]
    pub fn on_end(
        mut self,
        run: impl Fn(PlayerId) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.on_end = Arc::new(run);
        self
    }

    /// Runs a callback and tells whether it returned or was dropped.
    async fn bracket(
        &self,
        player: PlayerId,
        callback: Callback,
        work: BoxFuture<'_, ()>,
        returned: Told,
    ) {
        let mut guard = Bracket {
            plugin: self,
            player,
            callback,
            returned: None,
        };
        work.await;
        guard.returned = Some(returned);
    }
}

/// A callback that is under way.
struct Bracket<'a> {
    plugin: &'a Recording,
    player: PlayerId,
    callback: Callback,
    returned: Option<Told>,
}

impl Drop for Bracket<'_> {
    fn drop(&mut self) {
        let given_up = Told::GivenUp(self.player, self.callback);
        let told = self.returned.take().unwrap_or(given_up);
        self.plugin.notebook.add(&self.plugin.name, told);
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
            for priority in self.priorities.iter().filter(|_| self.listens) {
                for kind in EVENTS {
                    registrar
                        .subscribe(kind, *priority)
                        .map_err(|error| error.to_string())?;
                }
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
        if let Some(answer) = (self.on_event)(event) {
            return answer;
        }
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

    fn on_disable(&self) -> BoxFuture<'_, ()> {
        self.notebook.add(&self.name, Told::Disabled);
        nothing()
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
            let start = Told::Start {
                player,
                profile: session.profile().clone(),
                protocol: session.protocol_version(),
            };
            let plugin = &self.plugin;
            plugin.notebook.add(&plugin.name, start);
            if let Some(kept) = &plugin.kept {
                kept.put(session.handle());
            }
            let work = (plugin.on_start)(session);
            plugin
                .bracket(player, Callback::SessionStart, work, Told::Started(player))
                .await;
        })
    }

    fn on_packet_received<'a>(
        &'a self,
        session: &'a dyn VirtualBackendSession,
        packet: &'a RawPacket,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let player = session.player_id();
            let plugin = &self.plugin;
            let told = Told::Packet(player, packet.clone());
            plugin.notebook.add(&plugin.name, told);
            let work = (plugin.on_packet)(session, packet);
            plugin
                .bracket(
                    player,
                    Callback::PacketReceived,
                    work,
                    Told::Handled(player),
                )
                .await;
        })
    }

    fn on_session_end(&self, player: PlayerId) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let plugin = &self.plugin;
            plugin.notebook.add(&plugin.name, Told::End(player));
            let work = (plugin.on_end)(player);
            plugin
                .bracket(player, Callback::SessionEnd, work, Told::Ended(player))
                .await;
        })
    }
}

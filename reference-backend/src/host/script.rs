//! What the host does with one connection, from the first event to the last.

use super::HostInner;
use super::broken;
use super::dispatch::{Decision, PluginRecord, Seat, dispatch, fire};
use super::link::{Incoming, Link};
use super::native::caught;
use super::players::{AlreadyIn, Place};
use super::session::{FAILED, HostSession, SessionShared, to_component};
use super::turns;
use crate::api::{
    BoxFuture, Callback, ChooseInitialServer, ChooseInitialServerResult, DenyReason, EndCause,
    Event, EventOutcome, GameProfile, HandlerEntry, HandlerId, HostEvent, LogLevel,
    PlayerDisconnect, PostLogin, PreLogin, PreLoginResult, ProfileProperty, RawPacket,
    ServerPreConnect, ServerPreConnectResult, Text, Uuid, VirtualBackendHandler,
};
use crate::config::{Duplicate, Limits};
use crate::fault::{Fault, Faults};
use crate::limbo;
use backend_proto::TextComponent;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Packets handed to a handler in a row before other tasks get a turn.
const BURST: usize = 16;

/// The name under which the host's own handler appears.
pub(super) const LIMBO: &str = "limbo";

/// Who plays server for a connection.
pub(super) struct Backend {
    plugin: String,
    id: HandlerId,
    pub handler: Arc<dyn VirtualBackendHandler>,
    limits: Limits,
    /// Held until the session has ended; none where nothing limits them.
    _seat: Option<Seat>,
}

pub(super) struct Script {
    pub host: Arc<HostInner>,
    pub link: Arc<Link>,
}

impl Script {
    /// Until the connection is over. Answers why.
    pub async fn run(self) -> EndCause {
        let cause = match self.login().await {
            Ok((profile, protocol, _place)) => {
                let cause = match self.play(profile, protocol).await {
                    Ok(never) => match never {},
                    Err(cause) => cause,
                };
                let event = Event::PlayerDisconnect(PlayerDisconnect {
                    player_id: self.link.player,
                });
                dispatch(&self.host.services, self.host.plugins(), &self.link, &event).await;
                cause
            }
            Err(cause) => cause,
        };
        self.link.close();
        cause
    }

    async fn login(&self) -> Result<(GameProfile, i32, Option<Place>), EndCause> {
        let Incoming::LoginStart {
            name,
            claimed_uuid,
            protocol,
        } = self.link.next().await?
        else {
            return Err(self.out_of_order());
        };
        if let Some(refusal) = self.link.refusal {
            let text = TextComponent::cut(refusal.text());
            let cause = EndCause::NoPlace;
            self.link.disconnect(&text, cause.clone());
            return Err(cause);
        }
        self.host.heard(self.link.player);
        let protocol = self.host.services.told_protocol.unwrap_or(protocol);
        let event = Event::PreLogin(PreLogin {
            name: name.clone(),
            claimed_uuid: claimed_uuid.map(|uuid| Uuid(uuid.0.to_be_bytes())),
            protocol_version: protocol,
            remote_address: self.link.peer.clone(),
        });
        let decision = self.fire(&event).await?;
        match &decision.outcome {
            Ok(EventOutcome::PreLogin(PreLoginResult::Denied(text))) => {
                return Err(self.deny(&decision, DenyReason::ByPlugin, Some(text)));
            }
            Ok(_) => {}
            Err(reason) => return Err(self.deny(&decision, reason.clone(), None)),
        }
        let services = &self.host.services;
        let mut profile = (services.profiles)(&name);
        let place = self.enter(&profile).await?;
        broken::ask_early(self, &profile, protocol).await?;
        let now = self.link.now();
        if let Err(error) = self
            .link
            .with(|wire| wire.conn.login(&to_wire(&profile), now))
        {
            return Err(self.failed(&error));
        }
        self.host.asked(self.link.player);
        self.link.wake_pump();
        let Incoming::LoggedIn = self.link.next().await? else {
            return Err(self.out_of_order());
        };
        self.host.logged_in(self.link.player);
        if services.faults.has(Fault::TruncatesProperties) {
            profile.properties.truncate(1);
        }
        Ok((profile, protocol, place))
    }

    /// The player's place among those who are in, where each has only one.
    async fn enter(&self, profile: &GameProfile) -> Result<Option<Place>, EndCause> {
        let mut rule = self.host.services.config.players.duplicate;
        if self.faults().has(Fault::TwoOfOnePlayer) {
            rule = Duplicate::Allow;
        }
        let entering = self.host.players.enter(profile.uuid, &self.link, rule);
        match self.link.grace(entering).await {
            Some(Ok(place)) => Ok(place),
            Some(Err(AlreadyIn)) => {
                let nobody = Decision {
                    plugin: None,
                    outcome: Err(DenyReason::AlreadyIn),
                };
                Err(self.deny(&nobody, DenyReason::AlreadyIn, None))
            }
            None => Err(self.link.over().unwrap_or(EndCause::ClientLeft)),
        }
    }

    /// From post-login on: whoever got here hears of the end.
    async fn play(
        &self,
        profile: GameProfile,
        protocol: i32,
    ) -> Result<std::convert::Infallible, EndCause> {
        let backend = self.choose(&profile, protocol).await?;
        let now = self.link.now();
        if let Err(error) = self.link.with(|wire| wire.conn.enter_play(now)) {
            return Err(self.failed(&error));
        }
        self.link.wake_pump();
        let Incoming::InPlay = self.link.next().await? else {
            return Err(self.out_of_order());
        };
        Err(self.session(backend, profile, protocol).await)
    }

    async fn choose(&self, profile: &GameProfile, protocol: i32) -> Result<Backend, EndCause> {
        let player_id = self.link.player;
        let event = Event::PostLogin(PostLogin {
            player_id,
            profile: profile.clone(),
            protocol_version: protocol,
        });
        self.fire(&event).await?;

        let initial = self.host.services.config.initial_server.clone();
        let event = Event::ChooseInitialServer(ChooseInitialServer {
            player_id,
            profile: profile.clone(),
            initial: initial.clone(),
        });
        let target = match self.fire(&event).await?.outcome {
            Ok(EventOutcome::ChooseInitialServer(ChooseInitialServerResult::Redirect(server))) => {
                Some(server)
            }
            _ => initial,
        };

        let decision = match broken::early(&self.link) {
            Some(decision) => decision,
            None => self.pre_connect(profile, protocol, target.clone()).await?,
        };
        let result = match &decision.outcome {
            Ok(EventOutcome::ServerPreConnect(result)) => result,
            Ok(_) => &ServerPreConnectResult::Allowed,
            Err(reason) => return Err(self.deny(&decision, reason.clone(), None)),
        };
        match result {
            ServerPreConnectResult::Allowed => Err(self.connect(&decision, target)),
            ServerPreConnectResult::ConnectTo(server) => {
                Err(self.connect(&decision, Some(server.clone())))
            }
            // There is nowhere else to let it through to.
            ServerPreConnectResult::Denied(_) if self.faults().has(Fault::DeniedAllows) => {
                Ok(self.limbo())
            }
            ServerPreConnectResult::Denied(text) => {
                Err(self.deny(&decision, DenyReason::ByPlugin, Some(text)))
            }
            ServerPreConnectResult::SendToLimbo(why) => {
                let plugin = decision.plugin.as_ref();
                let plugin = plugin.map_or(LIMBO, |plugin| &plugin.name);
                let text = format_args!("sent to limbo: {}", why.join("; "));
                let services = &self.host.services;
                services.note(plugin, Some(player_id), LogLevel::Info, text);
                Ok(self.limbo())
            }
            ServerPreConnectResult::VirtualBackend(id) => match self.handler(&decision, *id) {
                Ok(backend) => Ok(backend),
                Err(DenyReason::NotGranted)
                    if self.host.services.faults.has(Fault::MarkerFallsThrough) =>
                {
                    Err(self.connect(&decision, target))
                }
                Err(reason) => Err(self.deny(&decision, reason, None)),
            },
        }
    }

    /// The handler of this id among those of the plugin that answered it, and nowhere else.
    fn handler(&self, decision: &Decision, id: HandlerId) -> Result<Backend, DenyReason> {
        let unknown = DenyReason::UnknownHandler(id);
        let plugin = decision.plugin.as_ref().ok_or(unknown.clone())?;
        let (plugin, id, entry) = match plugin.handler(id) {
            Err(reason) if reason == unknown => broken::another(self, plugin, id).ok_or(unknown)?,
            found => (plugin, id, found?),
        };
        backend(plugin, id, entry)
    }

    pub(super) async fn pre_connect(
        &self,
        profile: &GameProfile,
        protocol: i32,
        target: Option<String>,
    ) -> Result<Decision, EndCause> {
        let event = Event::ServerPreConnect(ServerPreConnect {
            player_id: self.link.player,
            profile: profile.clone(),
            protocol_version: protocol,
            target,
        });
        self.fire(&event).await
    }

    fn limbo(&self) -> Backend {
        Backend {
            plugin: LIMBO.to_owned(),
            id: limbo::HANDLER_ID,
            handler: Arc::clone(&self.host.limbo),
            limits: Limits::default(),
            _seat: None,
        }
    }

    pub(super) fn faults(&self) -> Faults {
        self.host.services.faults
    }

    /// A real server was chosen, or none.
    fn connect(&self, decision: &Decision, target: Option<String>) -> EndCause {
        let reason = match target {
            None => DenyReason::NoServer,
            Some(server) if self.host.services.is_server(&server) => {
                DenyReason::NoConnector(server)
            }
            Some(server) => DenyReason::UnknownServer(server),
        };
        self.deny(decision, reason, None)
    }

    async fn session(&self, backend: Backend, profile: GameProfile, protocol: i32) -> EndCause {
        let services = &self.host.services;
        let player = self.link.player;
        let number = self.host.next_session.fetch_add(1, Ordering::Relaxed);
        let session = HostSession::new(SessionShared {
            player,
            link: Arc::downgrade(&self.link),
            services: Arc::clone(services),
            number,
            profile,
            protocol,
        });
        self.link.begin(number, &backend.limits);
        self.link.busy.with(&backend.plugin);
        self.host.sessions.fetch_add(1, Ordering::Relaxed);
        services.tell(HostEvent::SessionStarted {
            player,
            plugin: backend.plugin.clone(),
            handler: backend.id,
            protocol_version: protocol,
        });
        let cause = self.callbacks(&backend, &session).await;
        self.link.end();
        let notified = backend.handler.is_alive(player) && !broken::forgets_end(&self.link);
        services.tell(HostEvent::SessionEnded {
            player,
            cause: cause.clone(),
            notified,
        });
        if notified {
            self.end(&backend).await;
            broken::ended(self, &backend, &session, &cause).await;
        }
        self.host.sessions.fetch_sub(1, Ordering::Relaxed);
        cause
    }

    pub(super) async fn end(&self, backend: &Backend) {
        let player = self.link.player;
        let end = caught(|| backend.handler.on_session_end(player));
        let deadline = backend.limits.start_deadline();
        let end = self.callback(Callback::SessionEnd, tokio::time::timeout(deadline, end));
        match end.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                let text = format_args!("on-session-end: {why}");
                self.note(backend, LogLevel::Error, text);
            }
            Err(_) => self.note(backend, LogLevel::Warn, "the end callback did not return"),
        }
    }

    fn note(&self, backend: &Backend, level: LogLevel, text: impl Display) {
        let services = &self.host.services;
        services.note(&backend.plugin, Some(self.link.player), level, text);
    }

    /// A callback of a handler. If that is native and panics, its session ends and the player is told; others go on.
    async fn asked<'a>(
        &self,
        backend: &Backend,
        session: &SessionShared,
        call: impl FnOnce() -> BoxFuture<'a, ()>,
    ) {
        if let Err(why) = caught(call).await {
            let text = format_args!("a callback: {why}");
            self.note(backend, LogLevel::Error, text);
            session.fail(EndCause::PluginFailed, FAILED);
        }
    }

    /// The start callback, and packets until the session has to end.
    async fn callbacks(&self, backend: &Backend, session: &HostSession) -> EndCause {
        let start = self.link.grace(self.asked(backend, session, || {
            backend.handler.on_session_start(session)
        }));
        let mut deadline = backend.limits.start_deadline();
        if self.faults().has(Fault::StartHangs) {
            deadline = Duration::MAX;
        }
        let start = tokio::time::timeout(deadline, start);
        if self.callback(Callback::SessionStart, start).await.is_err() {
            let text = TextComponent::cut("The server did not start in time.");
            self.link.disconnect(&text, EndCause::StartDeadline);
            return EndCause::StartDeadline;
        }
        broken::started(self, backend, session).await;
        self.packets(backend, session).await
    }

    async fn packets(&self, backend: &Backend, session: &HostSession) -> EndCause {
        let mut row = turns::Row::new(BURST);
        let mut treatment = broken::Treatment::of(session);
        let cause = loop {
            let packet = match row.after(self.link.next()).await {
                Ok(Incoming::Packet(packet)) => packet,
                Ok(_) => break self.out_of_order(),
                Err(cause) => break cause,
            };
            if let Some(packet) = treatment.packet(&backend.handler, packet) {
                self.deliver(backend, session, &packet).await;
            }
            row.had(1);
            if !self.faults().has(Fault::UnfairSelect) {
                row.rest().await;
            }
        };
        treatment.finish().await;
        cause
    }

    pub(super) async fn deliver(
        &self,
        backend: &Backend,
        session: &HostSession,
        packet: &RawPacket,
    ) {
        self.host.services.observe(|| HostEvent::PacketIn {
            player: self.link.player,
            packet: packet.clone(),
        });
        let callback = self.asked(backend, session, || {
            backend.handler.on_packet_received(session, packet)
        });
        self.callback(Callback::PacketReceived, self.link.grace(callback))
            .await;
    }

    async fn callback<T>(&self, callback: Callback, work: impl Future<Output = T>) -> T {
        let services = &self.host.services;
        let player = self.link.player;
        let called = async {
            services.observe(|| HostEvent::CallbackStarted { player, callback });
            let _under_way = self.link.busy.calls(callback);
            work.await
        };
        let done = broken::alone(services, called).await;
        services.observe(|| HostEvent::CallbackEnded { player, callback });
        done
    }

    async fn fire(&self, event: &Event) -> Result<Decision, EndCause> {
        match fire(&self.host.services, self.host.plugins(), &self.link, event).await {
            Some(decision) => Ok(decision),
            None => Err(self.link.over().unwrap_or(EndCause::ClientLeft)),
        }
    }

    /// Keeps the gate shut. The player reads `text`, or what the reason comes to for somebody who cannot mend it.
    fn deny(&self, decision: &Decision, reason: DenyReason, text: Option<&Text>) -> EndCause {
        let fallback = || Text::plain(for_player(&reason));
        let mut told = text.cloned().unwrap_or_else(fallback);
        let written = to_component(&told).and_then(|text| {
            if self.faults().has(Fault::OneTextForAll) {
                return Ok(text);
            }
            self.link.with(|wire| wire.conn.nearest(text))
        });
        let component = written.unwrap_or_else(|error| {
            let plugin = decision.plugin.as_ref();
            let plugin = plugin.map_or(LIMBO, |plugin| &plugin.name);
            let text = format_args!("the reason for the player is not valid: {error}");
            let services = &self.host.services;
            services.note(plugin, Some(self.link.player), LogLevel::Warn, text);
            told = Text::plain("You are not allowed to join.");
            TextComponent::cut(&told)
        });
        self.host.services.tell(HostEvent::Denied {
            player: self.link.player,
            plugin: decision.plugin_name(),
            reason: reason.clone(),
            text: told,
        });
        self.link
            .disconnect(&component, EndCause::Denied(reason.clone()));
        EndCause::Denied(reason)
    }

    /// The machine refused a command: the client has gone in between, or there is a mistake here.
    fn failed(&self, error: &backend_proto::CommandError) -> EndCause {
        self.link
            .over()
            .unwrap_or_else(|| EndCause::HostFault(error.to_string()))
    }

    fn out_of_order(&self) -> EndCause {
        self.link
            .over()
            .unwrap_or_else(|| EndCause::HostFault("an event came out of order".to_owned()))
    }
}

fn backend(
    plugin: &Arc<PluginRecord>,
    id: HandlerId,
    entry: HandlerEntry,
) -> Result<Backend, DenyReason> {
    Ok(Backend {
        plugin: plugin.name.clone(),
        id,
        handler: entry.handler,
        limits: plugin.config.limits.clone(),
        _seat: Some(plugin.seat()?),
    })
}

/// What a player who is turned away reads. The operator finds the rest in the log.
fn for_player(reason: &DenyReason) -> String {
    match reason {
        DenyReason::NoServer => "There is no server available for you to join.".to_owned(),
        DenyReason::UnknownServer(name) => format!("The server \"{name}\" does not exist."),
        DenyReason::NoConnector(name) => format!("The server \"{name}\" cannot be reached."),
        DenyReason::PluginDown | DenyReason::HeldShut => {
            "This server is restarting. Please try again in a moment.".to_owned()
        }
        DenyReason::Full(_) => "This server is full. Please try again later.".to_owned(),
        DenyReason::AlreadyIn => "You are already connected to this server.".to_owned(),
        DenyReason::ByPlugin => "You are not allowed to join.".to_owned(),
        DenyReason::NotGranted
        | DenyReason::UnknownHandler(_)
        | DenyReason::ListenerFailed(_)
        | DenyReason::WrongOutcome(_) => {
            "This server has an internal error. Please tell its operator.".to_owned()
        }
    }
}

fn to_wire(profile: &GameProfile) -> backend_proto::GameProfile {
    backend_proto::GameProfile {
        uuid: backend_proto::Uuid(u128::from_be_bytes(profile.uuid.0)),
        name: profile.name.clone(),
        properties: profile
            .properties
            .iter()
            .map(
                |ProfileProperty {
                     name,
                     value,
                     signature,
                 }| backend_proto::ProfileProperty {
                    name: name.clone(),
                    value: value.clone(),
                    signature: signature.clone(),
                },
            )
            .collect(),
    }
}

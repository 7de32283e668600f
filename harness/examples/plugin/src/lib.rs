//! A waiting room: a virtual backend that holds players as spectators of one chunk.
//!
//! Only what the contract exports is here, each function passed on to the world's [`Lobby`].

#![cfg(target_family = "wasm")]

use std::cell::RefCell;

use guest_bindings::{
    exports::infrarust::plugin::{
        guest::{self, PluginMetadata},
        virtual_backend_handler,
    },
    infrarust::plugin::{
        events::{Event, EventOutcome},
        types::{HandlerId, ListenerId, PlayerId, RawPacket, TaskId},
        virtual_backend::VirtualBackendSession,
    },
};
use guest_draft::{Draft, Handle};
use guest_host::Outcome;
use lobby_core::{Conduct, Lobby, Place, Settings};

/// By the rules.
struct Waiting;

impl Conduct for Waiting {}

thread_local! {
    static ROOM: RefCell<Option<Lobby<Waiting>>> = const { RefCell::new(None) };
}

/// Nothing happens before `on-enable` and after `on-disable`.
fn with_room<T>(act: impl FnOnce(&mut Lobby<Waiting>) -> T) -> Option<T> {
    ROOM.with_borrow_mut(|room| room.as_mut().map(act))
}

struct Plugin;

impl guest::Guest for Plugin {
    fn metadata() -> PluginMetadata {
        PluginMetadata {
            id: "waiting-room".to_owned(),
            name: "Waiting room".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            authors: Vec::new(),
            description: Some("Where players wait.".to_owned()),
        }
    }

    fn on_enable() -> Result<(), String> {
        let settings = Settings {
            place: Place::Limbo,
            ..Settings::read(&Draft)?
        };
        let room = Lobby::new(&Draft, Waiting, settings);
        room.enable()?;
        ROOM.set(Some(room));
        Ok(())
    }

    fn on_disable() {
        ROOM.set(None);
    }

    fn handle_event(_listener: ListenerId, event: Event) -> EventOutcome {
        let event = guest_draft::event(event);
        let outcome = with_room(|room| room.event(&event));
        guest_draft::outcome(outcome.unwrap_or(Outcome::NoOpinion))
    }

    fn on_scheduled_task(task: TaskId) {
        with_room(|room| room.task(task));
    }
}

impl virtual_backend_handler::Guest for Plugin {
    fn virtual_backend_on_session_start(_handler: HandlerId, session: &VirtualBackendSession) {
        with_room(|room| room.start(&Handle(session)));
    }

    fn virtual_backend_on_packet_received(
        _handler: HandlerId,
        session: &VirtualBackendSession,
        packet: RawPacket,
    ) {
        let packet = guest_draft::packet(packet);
        with_room(|room| room.packet(&Handle(session), &packet));
    }

    fn virtual_backend_on_session_end(_handler: HandlerId, player: PlayerId) {
        with_room(|room| room.end(player));
    }
}

guest_bindings::export_plugin!(Plugin);

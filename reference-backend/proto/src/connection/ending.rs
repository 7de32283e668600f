//! How a connection ends, and what the client is told then.

use bytes::BytesMut;

use super::stage::Stage;
use super::{Connection, Event, Phase};
use crate::error::{CloseReason, Deadline, PeerError};
use crate::fault::Fault;
use crate::packets::{self, fixed};
use crate::text::TextComponent;
use crate::version::Version;

impl Connection {
    /// Queues a packet of this crate's own.
    pub(super) fn put(&mut self, id: i32, name: &'static str, data: &[u8]) {
        if self.output.put(id, data).is_err() {
            let protocol = self.protocol().unwrap_or_default();
            self.end(CloseReason::BadData {
                protocol,
                packet: name,
            });
        }
    }

    pub(super) fn fail(&mut self, error: PeerError) {
        let text = TextComponent::cut(format_args!("Protocol error: {error}"));
        self.end_with(&text, CloseReason::PeerMisbehaved(error));
    }

    pub(super) fn time_out(&mut self, deadline: Deadline) {
        let text = TextComponent::cut(format_args!("Timed out: {deadline} did not come"));
        self.end_with(&text, CloseReason::TimedOut(deadline));
    }

    pub(super) fn end_with(&mut self, text: &TextComponent, reason: CloseReason) {
        self.put_disconnect(text);
        self.end(reason);
    }

    /// Encoded for what the client understands by then: its inbound state changes with login success and with the end
    /// of configuration, before it acknowledges either.
    fn put_disconnect(&mut self, text: &TextComponent) {
        let (ids, inbound) = match &self.stage {
            Stage::LoginStart { ids, .. } | Stage::Decision { ids } => (*ids, Phase::Login),
            Stage::Acknowledgement { ids, .. } => (*ids, Phase::Configuration),
            Stage::Configuration(configuration) => (configuration.ids, configuration.inbound()),
            Stage::Admission { ids } | Stage::Play { ids } => (*ids, Phase::Play),
            Stage::Handshake { .. } | Stage::Status { .. } | Stage::Closed => return,
        };
        let mut body = BytesMut::new();
        match (inbound, ids.configuration) {
            (Phase::Login, _) => {
                packets::put_login_text(text, &mut body);
                self.put(ids.login.disconnect, "disconnect", &body);
            }
            (Phase::Configuration, Some(configuration)) => {
                packets::put_text(ids.version, text, &mut body);
                self.put(configuration.disconnect, "disconnect", &body);
            }
            _ => {
                packets::put_text(ids.version, text, &mut body);
                self.put(ids.play.disconnect, "kick_disconnect", &body);
            }
        }
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        if self.is_closed() {
            return;
        }
        self.stage = Stage::Closed;
        self.input.clear();
        self.events.push_back(Event::Closed(reason));
    }

    /// Tells a client without tables, whose framing is all that is known, why it cannot play.
    pub(super) fn refuse(&mut self, version: Version) {
        if !self.config.faults.has(Fault::CrashesOnUnknown) {
            let mut body = BytesMut::new();
            packets::put_login_text(&crate::config::refusal(version), &mut body);
            self.put(fixed::LOGIN_DISCONNECT, "disconnect", &body);
        }
        self.end(CloseReason::UnsupportedProtocol {
            protocol: version.protocol(),
        });
    }
}

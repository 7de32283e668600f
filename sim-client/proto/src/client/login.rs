//! Status and login.

use vb_data::State;

use super::Client;
use crate::event::CloseReason;
use crate::fault::{Fault, FaultKind};
use crate::packet::{LoginSuccess, Packet};
use crate::registry::with_namespace;
use crate::remark::RemarkKind;
use crate::serverbound;
use crate::wire::Writer;

impl Client {
    pub(super) fn status_packet(&mut self, packet: &Packet) {
        match packet {
            Packet::StatusResponse(_) => {
                // The time that is echoed; none is needed, and 0 keeps runs alike.
                let mut w = Writer::new();
                w.i64(0);
                self.send("ping", &w.into_bytes());
            }
            Packet::StatusPong(_) => self.close_for(CloseReason::StatusDone),
            _ => {}
        }
    }

    pub(super) fn login_packet(&mut self, at: (i32, &'static str), packet: Packet) {
        match packet {
            Packet::Disconnect(reason) => self.disconnected(reason),
            Packet::EncryptionRequest(_) => self.close_for(CloseReason::EncryptionRequested),
            Packet::SetCompression(threshold) => self.set_compression(at, threshold),
            Packet::LoginPluginRequest { id, .. } => {
                self.send(
                    "login_plugin_response",
                    &serverbound::login_plugin_response(id, None),
                );
            }
            Packet::CookieRequest { key } => self.answer_cookie(&key),
            Packet::LoginSuccess(success) => self.logged_in(at, success),
            _ => {}
        }
    }

    pub(super) fn set_compression(&mut self, at: (i32, &'static str), threshold: i32) {
        let threshold = usize::try_from(threshold).ok();
        let second = threshold.is_some() && self.compression().is_some();
        if second && self.version.refuses_second_compression() {
            return self.fault(Fault::of(self.state, at, FaultKind::SecondCompression));
        }
        self.decoder.set_threshold(threshold);
        self.encoder.set_threshold(threshold);
    }

    pub(super) fn answer_cookie(&mut self, key: &str) {
        // The game writes an identifier with its namespace.
        let key = with_namespace(key);
        let data = serverbound::cookie_response(&key, self.cookies.get(&key));
        self.send("cookie_response", &data);
    }

    fn logged_in(&mut self, at: (i32, &'static str), success: LoginSuccess) {
        if success.name != self.config.name {
            self.remark(Some(at), RemarkKind::OtherName(success.name));
        }
        if !self.version.has_configuration_phase() {
            return self.enter(State::Play);
        }
        self.send("login_acknowledged", &[]);
        self.enter(State::Configuration);
        self.send(
            "custom_payload",
            &serverbound::brand(self.version, &self.config.brand),
        );
        self.send(
            "settings",
            &serverbound::settings(self.version, &self.config.settings),
        );
    }
}

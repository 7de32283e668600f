//! The configuration phase (764+).

use vb_data::State;

use super::Client;
use crate::event::CloseReason;
use crate::fault::{Fault, FaultKind};
use crate::packet::{KnownPack, Packet, RegistryData, ResourcePack, TagGroup};
use crate::registry::{Registries, RegistryFault, required_tags, with_namespace};
use crate::remark::RemarkKind;
use crate::serverbound;

impl Client {
    pub(super) fn configuration_packet(&mut self, at: (i32, &'static str), packet: Packet) {
        match packet {
            Packet::RegistryData(RegistryData::Compound(codec)) => {
                match Registries::from_codec(self.version, &codec) {
                    Ok(registries) => self.offered = registries,
                    Err(fault) => self.registry_fault(at, fault),
                }
            }
            Packet::RegistryData(RegistryData::One { registry, entries }) => {
                self.offered.add(&registry, &entries)
            }
            Packet::KnownPacks(offered) => self.select_packs(offered),
            Packet::FinishConfiguration => self.finish(at),
            Packet::CodeOfConduct(_) => self.answer_code_of_conduct(at),
            packet => self.common_packet(at, packet),
        }
    }

    /// What configuration and play have in common.
    pub(super) fn common_packet(&mut self, at: (i32, &'static str), packet: Packet) {
        match packet {
            Packet::Disconnect(reason) => self.disconnected(reason),
            Packet::KeepAlive(id) => self.keep_alive(id),
            Packet::Ping(id) => self.send("pong", &serverbound::pong(id)),
            Packet::CookieRequest { key } => self.answer_cookie(&key),
            Packet::StoreCookie { key, payload } => {
                self.cookies.keep(with_namespace(&key), payload);
            }
            Packet::Transfer { host, port } => {
                self.close_for(CloseReason::Transferred { host, port });
            }
            Packet::Tags(tags) => self.take_tags(at, tags),
            Packet::PluginMessage(message)
                if message.brand.is_none() && message.channel == self.version.brand_channel() =>
            {
                self.remark(Some(at), RemarkKind::Brand);
            }
            Packet::ResourcePack(pack) => self.decline(at, &pack),
            _ => {}
        }
    }

    pub(super) fn registry_fault(&mut self, at: (i32, &'static str), fault: RegistryFault) {
        self.fault(Fault::of(self.state, at, FaultKind::Registry(fault)));
    }

    /// Answers with the packs that both have, in the order in which they were offered.
    fn select_packs(&mut self, mut offered: Vec<KnownPack>) {
        let known = vb_data::known_packs(self.config.protocol);
        let own = match &self.config.game_version {
            Some(version) => known.iter().find(|pack| pack.version == version),
            None => known.last(),
        };
        offered.retain(|pack| {
            own.is_some_and(|own| {
                own.namespace == pack.namespace && own.id == pack.id && own.version == pack.version
            })
        });
        self.packs_agreed = !offered.is_empty();
        self.send("select_known_packs", &serverbound::known_packs(&offered));
    }

    fn finish(&mut self, at: (i32, &'static str)) {
        // A later configuration phase may leave out what the client already has.
        let offered = std::mem::take(&mut self.offered);
        if !offered.is_empty() || self.registries.is_empty() {
            match offered.check(self.version, &self.tags, self.packs_agreed) {
                Ok(remarks) => self.remark_all(at, remarks),
                Err(fault) => return self.registry_fault(at, fault),
            }
            self.registries = offered;
        }
        self.code_of_conduct_seen = false;
        self.context.biomes = self.registries.biomes();
        self.send("finish_configuration", &[]);
        self.enter(State::Play);
    }

    fn answer_code_of_conduct(&mut self, at: (i32, &'static str)) {
        if self.code_of_conduct_seen {
            return self.fault(Fault::of(self.state, at, FaultKind::SecondCodeOfConduct));
        }
        self.code_of_conduct_seen = true;
        if self.config.accept_code_of_conduct {
            self.send("accept_code_of_conduct", &[]);
        } else {
            self.close_for(CloseReason::CodeOfConductDeclined);
        }
    }

    fn take_tags(&mut self, at: (i32, &'static str), tags: Vec<TagGroup>) {
        match required_tags::missing(self.version, &tags) {
            Some(missing) => self.fault(Fault::of(self.state, at, missing)),
            None => self.tags = tags,
        }
    }

    fn decline(&mut self, at: (i32, &'static str), pack: &ResourcePack) {
        if pack.forced {
            self.remark(Some(at), RemarkKind::ResourcePackRequired);
        }
        let data = serverbound::resource_pack_declined(self.version, pack.uuid, &pack.hash);
        self.send("resource_pack_receive", &data);
    }
}

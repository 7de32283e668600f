//! What is asked of one server's packets.

use std::collections::{BTreeMap, BTreeSet};

use sim_proto::{Annotated, JoinGame, Packet, annotate_in, decode};
use vb_data::{Direction, State};
use witness_packets::{Problem, walk};

use crate::package::{Capture, PackageError, Server};
use crate::session::{self, Session};
use crate::{fields, join, registries};

/// What a dump calls bytes that it did not take apart, and those that a bounded part has over.
const NOT_READ: &str = "(not read)";
const LEFT_OVER: &str = "(left over)";

/// What came of one server's packets.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Packets that decode to their last byte.
    pub(crate) decoded: usize,
    /// Packets that the client took without a fault.
    pub(crate) played: usize,
    /// Fields that the package reads as we do.
    pub(crate) fields: usize,
    /// Packets of which at least one field was compared.
    pub(crate) compared: usize,
    /// Bytes behind a chunk's sections, by number, and how many chunks have so many.
    pub(crate) left_over: BTreeMap<usize, usize>,
    /// Remarks of the client, by text, and how many.
    pub(crate) remarks: BTreeMap<String, usize>,
    /// The names of packets that all can be read by their layout, as our tables have them.
    pub(crate) whole: BTreeSet<&'static str>,
    /// The names of packets of which one does not.
    pub(crate) broken: BTreeSet<&'static str>,
    /// None where JoinGame has no registries of this form.
    pub(crate) registries: Option<registries::Compared>,
    /// Our JoinGame beside its own.
    pub(crate) join: join::Differences,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
}

/// Reads every packet of a server, plays them, and compares what it can.
pub(crate) fn judge(server: &Server) -> Result<Judged, PackageError> {
    let mut judged = Judged::default();
    let mut player = match Player::new(server) {
        Ok(player) => player,
        Err(problem) => {
            judged.problem("success", problem);
            return Ok(judged);
        }
    };
    for capture in &server.captures {
        judged.capture(server.protocol, &mut player, capture)?;
    }
    let broken = std::mem::take(&mut judged.broken);
    judged.whole.retain(|name| !broken.contains(name));
    judged.broken = broken;
    Ok(judged)
}

/// A client that comes back after a fault, so that one does not hide the next.
struct Player<'a> {
    protocol: i32,
    /// JoinGame, if it came first, to come back with.
    join: Option<&'a Capture>,
    session: Session,
}

impl<'a> Player<'a> {
    fn new(server: &'a Server) -> Result<Self, String> {
        Ok(Player {
            protocol: server.protocol,
            join: server.captures.first(),
            session: Session::logged_in(server.protocol)?,
        })
    }

    fn come_back(&mut self) -> Result<(), String> {
        self.session = Session::logged_in(self.protocol)?;
        if let Some(join) = self.join {
            self.session.feed(&join.raw)?;
        }
        Ok(())
    }
}

impl Judged {
    fn problem(&mut self, name: &str, text: String) {
        let problem = Problem {
            packet: format!("clientbound play {name}"),
            text,
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn capture(
        &mut self,
        protocol: i32,
        player: &mut Player<'_>,
        capture: &Capture,
    ) -> Result<(), PackageError> {
        let table = vb_data::packets(protocol, State::Play, Direction::Clientbound);
        let found = session::split(&capture.raw)
            .and_then(|(id, data)| Some((id, data, table.and_then(|table| table.name(id))?)));
        let Some((id, data, name)) = found else {
            self.problem(&capture.name, "its id is none of ours".to_owned());
            return Ok(());
        };
        let context = player.session.context();
        let dump = annotate_in(context, State::Play, Direction::Clientbound, id, &data);
        let read = decode(context, State::Play, name, &data);
        if let Ok(Packet::JoinGame(join)) = &read {
            self.join_game(protocol, join);
        }
        let fault = unread(&dump).or(read.err().map(|error| error.to_string()));
        match fault {
            None => self.decoded += 1,
            Some(fault) => self.problem(name, format!("number {}: {fault}", capture.number)),
        }
        match by_layout(protocol, name, &data) {
            Ok(()) => drop(self.whole.insert(name)),
            Err(fault) => {
                self.broken.insert(name);
                self.problem(
                    name,
                    format!("number {}, by its layout: {fault}", capture.number),
                );
            }
        }
        self.dump(name, capture, &dump)?;
        match player.session.feed(&capture.raw) {
            Ok(remarks) => {
                self.played += 1;
                for remark in remarks {
                    *self.remarks.entry(remark.kind.to_string()).or_default() += 1;
                }
            }
            Err(fault) => {
                self.problem(name, format!("number {}, played: {fault}", capture.number));
                if let Err(fault) = player.come_back() {
                    self.problem("login", fault);
                }
            }
        }
        Ok(())
    }

    fn dump(
        &mut self,
        name: &str,
        capture: &Capture,
        dump: &Annotated,
    ) -> Result<(), PackageError> {
        let left_over: usize = dump
            .fields
            .iter()
            .filter(|field| field.path.ends_with(LEFT_OVER))
            .map(|field| field.len)
            .sum();
        if left_over > 0 {
            *self.left_over.entry(left_over).or_default() += 1;
        }
        let compared = fields::compare(&dump.fields, &capture.json()?);
        self.fields += compared.equal;
        self.compared += usize::from(compared.equal > 0);
        for difference in compared.different {
            self.problem(name, format!("number {}: {difference}", capture.number));
        }
        Ok(())
    }

    fn join_game(&mut self, protocol: i32, vanilla: &JoinGame) {
        if let Some(codec) = &vanilla.codec {
            let compared = registries::compare(protocol, codec);
            for difference in &compared.different {
                self.problem("login", format!("registries: {difference}"));
            }
            self.registries = Some(compared);
        }
        let differences = join::compare(protocol, vanilla);
        for difference in &differences.wrong {
            self.problem("login", format!("our JoinGame: {difference}"));
        }
        self.join = differences;
    }
}

/// Reads a packet by the table of layouts alone.
fn by_layout(protocol: i32, name: &str, data: &[u8]) -> Result<(), String> {
    let packet = vb_data::layout(protocol, State::Play, name).ok_or("there is none")?;
    match walk(protocol, packet.layout, data) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Why a packet was not read to its last byte.
fn unread(dump: &Annotated) -> Option<String> {
    if let Some(error) = &dump.error {
        return Some(error.to_string());
    }
    let rest = dump.fields.iter().find(|field| field.path == NOT_READ)?;
    Some(format!("{} not read", rest.value))
}

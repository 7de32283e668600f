//! What clients send: its typed codecs against the simulated client's builders and dumps.

use std::fmt::{Debug, Display};

use infrarust_protocol::ConnectionState;
use infrarust_protocol::codec::VarInt;
use infrarust_protocol::packets::play::client_information::ClientInformation;
use infrarust_protocol::packets::{
    KnownPack, ResourcePackResult, SAcknowledgeConfiguration, SAcknowledgeFinishConfig,
    SChatCommand, SChatMessage, SClientInformation, SConfigClientInformation,
    SConfigCookieResponse, SConfigPluginMessage, SConfigResourcePackResponse, SCookieResponse,
    SHandshake, SKeepAlive, SKnownPacks, SLoginAcknowledged, SLoginCookieResponse,
    SLoginPluginResponse, SLoginStart, SPingRequest, SPluginMessage, SResourcePackResponse,
    SStatusRequest,
};
use uuid::Uuid;

use crate::judge::{Differences, Fields, Run};

const KEY: &str = "witness:key";
const UUID: u128 = 0x0123_4567_89ab_4cde_8f01_2345_6789_abcd;
const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) fn all(run: &mut Run<'_>) {
    before_login(run);
    login(run);
    configuration(run);
    play(run);
}

fn before_login(run: &mut Run<'_>) {
    let handshake = |next_state| SHandshake {
        protocol_version: VarInt(run.version.0),
        server_address: "localhost".to_owned(),
        server_port: 0xfedc,
        next_state,
        transfer: false,
    };
    let samples = vec![
        handshake(ConnectionState::Status),
        handshake(ConnectionState::Login),
    ];
    run.serverbound("set_protocol", samples, |theirs, ours, out| {
        number(out, "protocolVersion", theirs.protocol_version.0, ours);
        string(out, "serverHost", &theirs.server_address, ours);
        number(out, "serverPort", theirs.server_port, ours);
        number(
            out,
            "nextState",
            theirs.next_state.handshake_id().unwrap_or_default(),
            ours,
        );
    });
    run.serverbound("ping_start", vec![SStatusRequest], |_, _, _| ());
    run.serverbound(
        "ping",
        vec![SPingRequest { payload: -2 }],
        |theirs, ours, out| {
            number(out, "time", theirs.payload, ours);
        },
    );
}

fn login(run: &mut Run<'_>) {
    let samples = vec![SLoginStart {
        name: "Witness".to_owned(),
        uuid: Some(Uuid::from_u128(UUID)),
        profile_key: None,
    }];
    run.serverbound("login_start", samples, |theirs, ours, out| {
        string(out, "username", &theirs.name, ours);
        uuid(out, "playerUUID", theirs.uuid, ours);
    });
    let response = |successful, data| SLoginPluginResponse {
        message_id: VarInt(300),
        successful,
        data,
    };
    let samples = vec![response(true, vec![1, 2, 3]), response(false, Vec::new())];
    run.serverbound("login_plugin_response", samples, |theirs, ours, out| {
        number(out, "messageId", theirs.message_id.0, ours);
        flag(out, "data.present", theirs.successful, ours);
        if theirs.successful {
            out.field(
                "length of data",
                Some(theirs.data.len()),
                ours.length("data"),
            );
        }
    });
    run.serverbound("login_acknowledged", vec![SLoginAcknowledged], |_, _, _| ());
    let samples = payloads()
        .map(|payload| SLoginCookieResponse {
            key: KEY.to_owned(),
            payload,
        })
        .into();
    run.serverbound("cookie_response", samples, |theirs, ours, out| {
        cookie(out, &theirs.key, &theirs.payload, ours)
    });
}

fn configuration(run: &mut Run<'_>) {
    let samples = vec![SConfigPluginMessage {
        channel: KEY.to_owned(),
        data: vec![1, 2, 3],
    }];
    run.serverbound("custom_payload", samples, |theirs, ours, out| {
        plugin_message(out, &theirs.channel, &theirs.data, ours);
    });
    run.serverbound(
        "finish_configuration",
        vec![SAcknowledgeFinishConfig],
        |_, _, _| (),
    );
    let pack = |id: &str| KnownPack {
        namespace: "witness".to_owned(),
        id: id.to_owned(),
        version: "1.2".to_owned(),
    };
    let samples = vec![
        SKnownPacks { packs: Vec::new() },
        SKnownPacks {
            packs: vec![pack("one"), pack("two")],
        },
    ];
    run.serverbound("select_known_packs", samples, |theirs, ours, out| {
        number(out, "packs.count", theirs.packs.len(), ours);
        for (index, pack) in theirs.packs.iter().enumerate() {
            string(
                out,
                &format!("packs[{index}].namespace"),
                &pack.namespace,
                ours,
            );
            string(out, &format!("packs[{index}].id"), &pack.id, ours);
            string(out, &format!("packs[{index}].version"), &pack.version, ours);
        }
    });
    let samples = vec![SConfigClientInformation {
        information: information(run),
    }];
    run.serverbound("settings", samples, |theirs, ours, out| {
        settings(out, &theirs.information, ours)
    });
    let samples = payloads()
        .map(|payload| SConfigCookieResponse {
            key: KEY.to_owned(),
            payload,
        })
        .into();
    run.serverbound("cookie_response", samples, |theirs, ours, out| {
        cookie(out, &theirs.key, &theirs.payload, ours)
    });
    let samples = vec![SConfigResourcePackResponse {
        id: Some(Uuid::from_u128(UUID)),
        hash: None,
        result: ResourcePackResult::Accepted,
    }];
    run.serverbound("resource_pack_receive", samples, |theirs, ours, out| {
        pack_answer(out, theirs.id, theirs.hash.as_deref(), theirs.result, ours);
    });
}

fn play(run: &mut Run<'_>) {
    let mut ids = vec![1, i64::from(i32::MAX)];
    if run.since(340) {
        ids.push(i64::MIN + 1);
    }
    let samples = ids.into_iter().map(|id| SKeepAlive { id }).collect();
    run.serverbound("keep_alive", samples, |theirs, ours, out| {
        number(out, "keepAliveId", theirs.id, ours)
    });
    let samples = vec![SClientInformation {
        information: information(run),
    }];
    run.serverbound("settings", samples, |theirs, ours, out| {
        settings(out, &theirs.information, ours)
    });
    let samples = vec![SPluginMessage {
        channel: KEY.to_owned(),
        data: vec![1, 2, 3],
    }];
    run.serverbound("custom_payload", samples, |theirs, ours, out| {
        plugin_message(out, &theirs.channel, &theirs.data, ours);
    });
    chat(run);
    run.serverbound(
        "configuration_acknowledged",
        vec![SAcknowledgeConfiguration],
        |_, _, _| (),
    );
    let samples = payloads()
        .map(|payload| SCookieResponse {
            key: KEY.to_owned(),
            payload,
        })
        .into();
    run.serverbound("cookie_response", samples, |theirs, ours, out| {
        cookie(out, &theirs.key, &theirs.payload, ours)
    });
    let samples = vec![SResourcePackResponse {
        id: Some(Uuid::from_u128(UUID)),
        hash: Some(HASH.to_owned()),
        result: ResourcePackResult::Accepted,
    }];
    run.serverbound("resource_pack_receive", samples, |theirs, ours, out| {
        pack_answer(out, theirs.id, theirs.hash.as_deref(), theirs.result, ours);
    });
}

fn chat(run: &mut Run<'_>) {
    let message = |signature| SChatMessage {
        message: "said é€".to_owned(),
        timestamp: 0x0102_0304_0506,
        salt: -7,
        signature,
        ..SChatMessage::default()
    };
    let samples = vec![message(None), message(Some(vec![9; 256]))];
    // Plain until 758; since then it may be signed, and has another name in our tables.
    let name = if run.since(759) {
        "chat_message"
    } else {
        "chat"
    };
    run.serverbound(name, samples, |theirs, ours, out| {
        string(out, "message", &theirs.message, ours);
        number(out, "timestamp", theirs.timestamp, ours);
        number(out, "salt", theirs.salt, ours);
        number(out, "offset", theirs.last_seen.offset, ours);
        number(out, "checksum", theirs.last_seen.checksum, ours);
    });
    let samples = vec![SChatCommand {
        command: "say é€".to_owned(),
        timestamp: 0x0102_0304_0506,
        salt: -7,
        ..SChatCommand::default()
    }];
    run.serverbound("chat_command", samples, |theirs, ours, out| {
        string(out, "command", &theirs.command, ours);
        number(out, "timestamp", theirs.timestamp, ours);
        number(out, "salt", theirs.salt, ours);
    });
}

fn information(run: &Run<'_>) -> ClientInformation {
    ClientInformation {
        locale: "sv_se".to_owned(),
        view_distance: 11,
        chat_mode: 1,
        chat_colors: true,
        difficulty: 3,
        // On 4 and 5 the byte says whether the cape shows.
        displayed_skin_parts: if run.since(47) { 0x55 } else { 1 },
        main_hand: 0,
        text_filtering: true,
        allow_server_listings: false,
        particle_status: 2,
    }
}

fn settings(out: &mut Differences, theirs: &ClientInformation, ours: &Fields) {
    string(out, "locale", &theirs.locale, ours);
    number(out, "viewDistance", theirs.view_distance, ours);
    number(out, "chatFlags", theirs.chat_mode, ours);
    flag(out, "chatColors", theirs.chat_colors, ours);
    number(out, "difficulty", theirs.difficulty, ours);
    number(out, "skinParts", theirs.displayed_skin_parts, ours);
    flag(out, "showCape", theirs.displayed_skin_parts != 0, ours);
    number(out, "mainHand", theirs.main_hand, ours);
    flag(out, "disableTextFiltering", !theirs.text_filtering, ours);
    flag(out, "enableTextFiltering", theirs.text_filtering, ours);
    flag(
        out,
        "enableServerListing",
        theirs.allow_server_listings,
        ours,
    );
    number(out, "particleStatus", theirs.particle_status, ours);
}

fn payloads() -> [Option<Vec<u8>>; 2] {
    [None, Some(b"crumbs".to_vec())]
}

fn cookie(out: &mut Differences, key: &str, payload: &Option<Vec<u8>>, ours: &Fields) {
    string(out, "key", key, ours);
    flag(out, "value.present", payload.is_some(), ours);
    if let Some(payload) = payload {
        // A length of one byte stands before it.
        out.field("length of value", Some(payload.len()), ours.length("value"));
    }
}

fn plugin_message(out: &mut Differences, channel: &str, data: &[u8], ours: &Fields) {
    string(out, "channel", channel, ours);
    out.field("length of data", Some(data.len()), ours.length("data"));
}

fn pack_answer(
    out: &mut Differences,
    id: Option<Uuid>,
    hash: Option<&str>,
    result: ResourcePackResult,
    ours: &Fields,
) {
    uuid(out, "uuid", id, ours);
    if ours.get("hash").is_some() {
        string(out, "hash", hash.unwrap_or_default(), ours);
    }
    number(out, "result", result.id(), ours);
}

/// A field that our dump does not show is one that the protocol does not have: if it had it, there would be bytes.
fn number(out: &mut Differences, path: &str, theirs: impl Display + Debug, ours: &Fields) {
    if let Some(ours) = ours.get(path) {
        out.said(path, &theirs);
        out.compare(path, theirs.to_string().as_str(), ours);
    }
}

fn flag(out: &mut Differences, path: &str, theirs: bool, ours: &Fields) {
    number(out, path, theirs, ours);
}

fn string(out: &mut Differences, path: &str, theirs: &str, ours: &Fields) {
    out.said(path, theirs);
    out.compare(path, Some(format!("{theirs:?}").as_str()), ours.get(path));
}

fn uuid(out: &mut Differences, path: &str, theirs: Option<Uuid>, ours: &Fields) {
    let Some(ours) = ours.get(path) else { return };
    let theirs = theirs.unwrap_or_default().as_u128();
    out.said(path, theirs);
    out.compare(path, format!("{theirs:032x}").as_str(), ours);
}

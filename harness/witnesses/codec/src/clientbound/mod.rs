//! What servers send: its typed codecs, with samples whose values cannot be mistaken for one another.

use infrarust_protocol::codec::VarInt;
use infrarust_protocol::packets::{
    CConfigCookieRequest, CConfigDisconnect, CConfigPluginMessage, CEncryptionRequest,
    CFeatureFlags, CFinishConfig, CKnownPacks, CLoginCookieRequest, CLoginDisconnect,
    CLoginPluginRequest, CLoginSuccess, CPingResponse, CRegistryData, CSetCompression,
    CStatusResponse, CUpdateTags, KnownPack, Property,
};
use sim_proto::Packet;
use uuid::Uuid;

use crate::judge::{Differences, Run};

/// The reading that was expected, or a difference that says what came instead.
macro_rules! expect {
    ($ours:expr, $pattern:pat => $value:expr, $out:expr) => {
        match $ours {
            $pattern => $value,
            other => return $out.note(format!("is to us {other:?}")),
        }
    };
}

mod layouts;
mod play;

const JSON: &str = r#"{"text":"Said \"so\""}"#;
const KEY: &str = "witness:key";
const UUID: u128 = 0x0123_4567_89ab_4cde_8f01_2345_6789_abcd;

pub(crate) fn all(run: &mut Run<'_>) {
    status(run);
    login(run);
    configuration(run);
    play::all(run);
    layouts::all(run);
}

fn status(run: &mut Run<'_>) {
    let samples = vec![CStatusResponse {
        json_response: "{\"players\":{}}".to_owned(),
    }];
    run.clientbound("server_info", samples, |theirs, ours, out| {
        let json = expect!(ours, Packet::StatusResponse(json) => json, out);
        out.field("response", &theirs.json_response, json);
    });
    run.clientbound(
        "ping",
        vec![CPingResponse { payload: -2 }],
        |theirs, ours, out| {
            let time = expect!(ours, Packet::StatusPong(time) => time, out);
            out.field("time", theirs.payload, *time);
        },
    );
}

fn login(run: &mut Run<'_>) {
    let samples = vec![CLoginDisconnect {
        reason: JSON.to_owned(),
    }];
    run.clientbound("disconnect", samples, |theirs, ours, out| {
        let text = expect!(ours, Packet::Disconnect(text) => text, out);
        out.field(
            "reason",
            json_text(&theirs.reason),
            Some(text.plain.clone()),
        );
    });
    let samples = vec![CEncryptionRequest {
        server_id: "id".to_owned(),
        public_key: vec![1, 2, 3],
        verify_token: vec![4, 5],
        should_authenticate: false,
    }];
    run.clientbound("encryption_begin", samples, |theirs, ours, out| {
        let request = expect!(ours, Packet::EncryptionRequest(request) => request, out);
        out.field("serverId", &theirs.server_id, &request.server_id);
        out.field("publicKey", &theirs.public_key[..], &request.public_key[..]);
        out.field(
            "verifyToken",
            &theirs.verify_token[..],
            &request.verify_token[..],
        );
        out.optional(
            "shouldAuthenticate",
            theirs.should_authenticate,
            request.authenticate,
        );
    });
    let samples = vec![
        CSetCompression {
            threshold: VarInt(300),
        },
        CSetCompression {
            threshold: VarInt(-1),
        },
    ];
    run.clientbound("compress", samples, |theirs, ours, out| {
        let threshold = expect!(ours, Packet::SetCompression(threshold) => threshold, out);
        out.field("threshold", theirs.threshold.0, *threshold);
    });
    login_success(run);
    let samples = vec![CLoginPluginRequest {
        message_id: VarInt(300),
        channel: KEY.to_owned(),
        data: vec![1, 2],
    }];
    run.clientbound("login_plugin_request", samples, |theirs, ours, out| {
        let (id, channel, data) =
            expect!(ours, Packet::LoginPluginRequest { id, channel, data } => (id, channel, data), out);
        out.field("messageId", theirs.message_id.0, *id);
        out.field("channel", &theirs.channel, channel);
        out.field("data", &theirs.data[..], &data[..]);
    });
    let samples = vec![CLoginCookieRequest {
        key: KEY.to_owned(),
    }];
    run.clientbound("cookie_request", samples, |theirs, ours, out| {
        cookie(&theirs.key, ours, out)
    });
}

fn login_success(run: &mut Run<'_>) {
    let property = |signature: Option<&str>| Property {
        name: "textures".to_owned(),
        value: "value".to_owned(),
        signature: signature.map(str::to_owned),
    };
    let samples = vec![CLoginSuccess {
        uuid: Uuid::from_u128(UUID),
        username: "Witness".to_owned(),
        properties: if run.since(759) {
            vec![property(Some("signed")), property(None)]
        } else {
            Vec::new()
        },
        strict_error_handling: true,
        session_id: Some(Uuid::from_u128(!UUID)),
    }];
    run.clientbound("success", samples, |theirs, ours, out| {
        let success = expect!(ours, Packet::LoginSuccess(success) => success, out);
        out.field("uuid", theirs.uuid.as_u128(), success.uuid);
        out.field("username", &theirs.username, &success.name);
        let properties = theirs.properties.iter();
        let properties: Vec<_> = properties
            .map(|one| (one.name.clone(), one.value.clone(), one.signature.clone()))
            .collect();
        out.field("properties", &properties, &success.properties);
        out.optional(
            "strictErrorHandling",
            theirs.strict_error_handling,
            success.strict_error_handling,
        );
        if success.session.is_some() {
            out.field(
                "sessionId",
                theirs.session_id.map(|id| id.as_u128()),
                success.session,
            );
        }
    });
}

fn configuration(run: &mut Run<'_>) {
    // It passes these on without reading them.
    run.id_only::<CConfigDisconnect>("disconnect");
    run.id_only::<CRegistryData>("registry_data");
    run.id_only::<CFeatureFlags>("feature_flags");
    run.id_only::<CUpdateTags>("tags");
    let samples = vec![CConfigPluginMessage {
        channel: KEY.to_owned(),
        data: vec![1, 2, 3],
    }];
    run.clientbound("custom_payload", samples, |theirs, ours, out| {
        plugin_message(&theirs.channel, &theirs.data, ours, out);
    });
    run.clientbound(
        "finish_configuration",
        vec![CFinishConfig],
        |_, ours, out| {
            expect!(ours, Packet::FinishConfiguration => (), out);
        },
    );
    let pack = |id: &str| KnownPack {
        namespace: "witness".to_owned(),
        id: id.to_owned(),
        version: "1.2".to_owned(),
    };
    let samples = vec![CKnownPacks {
        packs: vec![pack("one"), pack("two")],
    }];
    run.clientbound("select_known_packs", samples, |theirs, ours, out| {
        let packs = expect!(ours, Packet::KnownPacks(packs) => packs, out);
        let theirs: Vec<_> = theirs
            .packs
            .iter()
            .map(|pack| (&pack.namespace, &pack.id, &pack.version))
            .collect();
        let packs: Vec<_> = packs
            .iter()
            .map(|pack| (&pack.namespace, &pack.id, &pack.version))
            .collect();
        out.field("packs", theirs, packs);
    });
    let samples = vec![CConfigCookieRequest {
        key: KEY.to_owned(),
    }];
    run.clientbound("cookie_request", samples, |theirs, ours, out| {
        cookie(&theirs.key, ours, out)
    });
}

fn plugin_message(channel: &str, data: &[u8], ours: &Packet, out: &mut Differences) {
    let message = expect!(ours, Packet::PluginMessage(message) => message, out);
    out.field("channel", channel, message.channel.as_str());
    out.field("data", data, &message.data[..]);
}

fn cookie(theirs: &str, ours: &Packet, out: &mut Differences) {
    let key = expect!(ours, Packet::CookieRequest { key } => key, out);
    out.field("key", theirs, key.as_str());
}

/// What a component of text alone reads.
fn json_text(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    let text = value.as_str().or_else(|| value.get("text")?.as_str())?;
    Some(text.to_owned())
}

//! What a client notices, and what it does not, on each side of the version at which that changed.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::time::Duration;

use common::Duel;
use sim_proto::wire::Writer;
use sim_proto::{ClientConfig, CloseReason, Event, FaultKind, Packet, RemarkKind, Verdict};
use vb_data::State;

/// A client in the world.
fn joined(protocol: i32) -> Duel {
    let mut duel = Duel::new(protocol);
    duel.join();
    assert!(duel.in_world(), "{protocol}: {:?}", duel.fault());
    duel.forget();
    duel
}

/// A client in the configuration phase.
fn configuring(protocol: i32) -> Duel {
    let mut duel = Duel::new(protocol);
    duel.send("success", &common::login_success(protocol))
        .forget();
    assert_eq!(duel.client.state(), State::Configuration);
    duel
}

fn kind(duel: &Duel) -> Option<&FaultKind> {
    duel.fault().map(|fault| &fault.kind)
}

fn brand(protocol: i32, payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    let channel = if protocol >= 393 {
        "minecraft:brand"
    } else {
        "MC|Brand"
    };
    w.string(channel);
    if protocol < 47 {
        w.u16(u16::try_from(payload.len()).unwrap());
    }
    w.raw(payload);
    w.into_bytes()
}

#[test]
fn bytes_after_the_brand_end_the_connection_from_764_on() {
    let mut payload = Writer::new();
    payload.string("limbo").raw(&[1, 2, 3]);
    let payload = payload.into_bytes();
    for (protocol, taken) in [
        (47, true),
        (404, true),
        (763, true),
        (764, false),
        (777, false),
    ] {
        let mut duel = joined(protocol);
        duel.send("custom_payload", &brand(protocol, &payload));
        assert_eq!(duel.fault().is_none(), taken, "{protocol}");
        let read = matches!(duel.packets()[0], Packet::PluginMessage(message)
            if message.brand.as_deref() == Some("limbo"));
        assert_eq!(read, taken, "{protocol}");
    }
    for protocol in [764, 766, 777] {
        let mut duel = configuring(protocol);
        duel.send("custom_payload", &brand(protocol, &payload));
        assert!(duel.fault().is_some(), "{protocol}");
    }
}

#[test]
fn until_763_a_brand_that_cannot_be_read_is_only_odd() {
    for (protocol, taken) in [(47, true), (340, true), (763, true), (764, false)] {
        for payload in [&[][..], &[200, 1], &[1, 0xff]] {
            let mut duel = joined(protocol);
            duel.send("custom_payload", &brand(protocol, payload));
            assert_eq!(duel.fault().is_none(), taken, "{protocol} {payload:?}");
            let odd = duel
                .remarks()
                .iter()
                .any(|remark| remark.kind == RemarkKind::Brand);
            assert_eq!(odd, taken, "{protocol} {payload:?}");
        }
    }
}

fn transfer() -> Vec<u8> {
    let mut w = Writer::new();
    w.string("elsewhere.example").varint(25566);
    w.into_bytes()
}

#[test]
fn a_transfer_ends_the_stay_in_play_and_in_configuration() {
    for protocol in [766, 767, 774, 777] {
        for mut duel in [joined(protocol), configuring(protocol)] {
            duel.send("transfer", &transfer());
            let reason = CloseReason::Transferred {
                host: "elsewhere.example".to_owned(),
                port: 25566,
            };
            assert_eq!(duel.events.last(), Some(&Event::Closed(reason.clone())));
            assert_eq!(duel.client.verdict(), Verdict::Disconnected { reason });
        }
    }
}

fn key(key: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.string(key);
    w.into_bytes()
}

fn cookie(name: &str, payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.raw(&key(name)).length(payload.len()).raw(payload);
    w.into_bytes()
}

#[test]
fn a_cookie_is_kept_and_sent_back_on_request() {
    for protocol in [766, 767, 777] {
        let mut duel = configuring(protocol);
        duel.send("store_cookie", &cookie("lobby:seat", b"old"))
            .send("store_cookie", &cookie("lobby:seat", b"12a"))
            .send("cookie_request", &key("lobby:seat"))
            .configure();
        duel.send("login", &common::join_game(protocol))
            .send("cookie_request", &key("lobby:seat"))
            .send("store_cookie", &cookie("plain", b""))
            .send("cookie_request", &key("plain"))
            .send("cookie_request", &key("lobby:none"));
        let answers: Vec<_> = duel
            .sent()
            .iter()
            .filter(|sent| sent.name == Some("cookie_response"))
            .map(|sent| (sent.state, sent.data.to_vec()))
            .collect();
        let answer = |name: &str, payload: Option<&[u8]>| {
            let mut w = Writer::new();
            w.string(name).bool(payload.is_some());
            if let Some(payload) = payload {
                w.length(payload.len()).raw(payload);
            }
            w.into_bytes()
        };
        let expected = vec![
            (State::Configuration, answer("lobby:seat", Some(b"12a"))),
            (State::Play, answer("lobby:seat", Some(b"12a"))),
            (State::Play, answer("minecraft:plain", Some(b""))),
            (State::Play, answer("lobby:none", None)),
        ];
        assert_eq!(answers, expected, "{protocol}");
    }
}

#[test]
fn a_client_that_was_transferred_answers_with_its_cookies_in_login_too() {
    let mut first = joined(774);
    first
        .send("store_cookie", &cookie("lobby:seat", b"12a"))
        .send("transfer", &transfer());
    let mut config = ClientConfig::new(774, "Steve");
    config.cookies = first.client.cookies();
    let mut second = Duel::with(config);
    second.forget().send("cookie_request", &key("lobby:seat"));
    let mut answer = Writer::new();
    answer.string("lobby:seat").bool(true).varint(3).raw(b"12a");
    let sent = second.sent();
    assert_eq!(sent[0].name, Some("cookie_response"));
    assert_eq!(sent[0].data, answer.into_bytes());
}

#[test]
fn a_cookie_has_at_most_5120_bytes() {
    for (length, taken) in [(5120, true), (5121, false)] {
        let mut duel = joined(774);
        duel.send("store_cookie", &cookie("a:b", &vec![7; length]));
        assert_eq!(duel.fault().is_none(), taken, "{length}");
    }
}

#[test]
fn a_code_of_conduct_is_accepted_once_in_a_configuration_phase() {
    for protocol in [773, 774, 777] {
        let mut duel = configuring(protocol);
        duel.send("code_of_conduct", &key("Be kind."));
        assert_eq!(duel.sent_names(), ["accept_code_of_conduct"], "{protocol}");
        assert!(duel.sent()[0].data.is_empty());
        duel.configure();
        duel.send("login", &common::join_game(protocol))
            .send("start_configuration", &[])
            .send("code_of_conduct", &key("Be kind."));
        assert_eq!(duel.fault(), None, "{protocol}");
        duel.send("code_of_conduct", &key("Be kind."));
        assert_eq!(
            kind(&duel),
            Some(&FaultKind::SecondCodeOfConduct),
            "{protocol}"
        );
    }
}

#[test]
fn a_client_that_declines_the_code_of_conduct_leaves() {
    let mut config = ClientConfig::new(773, "Steve");
    config.accept_code_of_conduct = false;
    let mut duel = Duel::with(config);
    duel.send("success", &common::login_success(773)).forget();
    duel.send("code_of_conduct", &key("Be kind."));
    assert!(duel.sent().is_empty());
    let reason = CloseReason::CodeOfConductDeclined;
    assert_eq!(duel.events.last(), Some(&Event::Closed(reason)));
}

fn compression(threshold: i32) -> Vec<u8> {
    let mut w = Writer::new();
    w.varint(threshold);
    w.into_bytes()
}

#[test]
fn on_47_compression_cannot_be_turned_on_twice() {
    let mut duel = joined(47);
    duel.send("set_compression", &compression(256));
    duel.threshold = Some(256);
    duel.send("set_compression", &compression(-1));
    duel.threshold = None;
    duel.send("set_compression", &compression(64));
    duel.threshold = Some(64);
    assert_eq!(duel.fault(), None, "off and on again is another matter");
    duel.send("set_compression", &compression(64));
    assert_eq!(kind(&duel), Some(&FaultKind::SecondCompression));

    for (protocol, refused) in [(47, true), (107, false), (340, false), (777, false)] {
        let mut duel = Duel::new(protocol);
        duel.send("compress", &compression(256));
        duel.threshold = Some(256);
        duel.send("compress", &compression(64));
        assert_eq!(duel.fault().is_some(), refused, "{protocol}");
        assert_eq!(
            duel.client.compression(),
            Some(if refused { 256 } else { 64 })
        );
    }
}

/// A component in the protocol's form.
fn text(w: &mut Writer, protocol: i32, plain: &str) {
    if protocol >= 765 {
        w.u8(8)
            .u16(u16::try_from(plain.len()).unwrap())
            .raw(plain.as_bytes());
    } else {
        w.string(&format!("{{\"text\":\"{plain}\"}}"));
    }
}

/// The number that stands for a chat type in a packet.
fn type_number(protocol: i32, id: i32) -> i32 {
    if protocol >= 767 { id + 1 } else { id }
}

fn profileless(protocol: i32, number: i32, inline: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    text(&mut w, protocol, "hi");
    w.varint(number).raw(inline);
    text(&mut w, protocol, "Herobrine");
    w.bool(false);
    w.into_bytes()
}

/// `player_chat`, from minecraft-data's layouts.
fn player_chat(protocol: i32, id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    if protocol == 759 {
        text(&mut w, protocol, "hi");
        w.bool(false).varint(id).uuid(1);
        text(&mut w, protocol, "Herobrine");
        w.bool(false).i64(0).i64(0).varint(0);
        return w.into_bytes();
    }
    if protocol == 760 {
        w.bool(false).uuid(1).varint(0).string("hi").bool(false);
        w.i64(0).i64(0).varint(1).uuid(2).varint(1).u8(9);
    } else {
        if protocol >= 770 {
            w.varint(1);
        }
        w.uuid(1).varint(0).bool(true).raw(&[7; 256]).string("hi");
        w.i64(0).i64(0).varint(2).varint(4).varint(0).raw(&[8; 256]);
    }
    w.bool(true);
    text(&mut w, protocol, "hi!");
    w.varint(2).varint(1).i64(-1);
    w.varint(type_number(protocol, id));
    text(&mut w, protocol, "Herobrine");
    w.bool(true);
    text(&mut w, protocol, "Steve");
    w.into_bytes()
}

#[test]
fn a_chat_packet_must_name_a_type_that_the_client_was_given() {
    for protocol in [759, 760, 761, 763, 764, 765, 766, 767, 770, 775, 777] {
        let types = vb_data::registries(protocol)
            .iter()
            .find(|registry| registry.name == "minecraft:chat_type")
            .map_or(0, |registry| registry.entries.len());
        let past = i32::try_from(types).unwrap();
        for (id, taken) in [(0, true), (past - 1, true), (past, false)] {
            let mut duel = joined(protocol);
            duel.send("player_chat", &player_chat(protocol, id));
            if protocol >= 761 && taken {
                duel.send(
                    "profileless_chat",
                    &profileless(protocol, type_number(protocol, id), &[]),
                );
            }
            let expected = (!taken).then_some(FaultKind::UnknownChatType { id, known: types });
            assert_eq!(kind(&duel), expected.as_ref(), "{protocol}");
        }
    }
}

#[test]
fn without_chat_types_a_client_stays_until_one_is_named() {
    for protocol in [759, 760, 763] {
        let mut duel = Duel::new(protocol);
        duel.log_in();
        let join = common::Join {
            codec: Some(common::codec(protocol, &|name, _| {
                name != "minecraft:chat_type"
            })),
            ..common::Join::default()
        };
        duel.send("login", &common::join_game_with(protocol, &join))
            .bring_into_world();
        assert!(duel.in_world(), "{protocol}");
        duel.pass(Duration::from_secs(1));
        duel.send("player_chat", &player_chat(protocol, 0));
        let fault = FaultKind::UnknownChatType { id: 0, known: 0 };
        assert_eq!(kind(&duel), Some(&fault), "{protocol}");
    }
}

#[test]
fn on_759_a_system_message_names_a_chat_type_too() {
    for (id, taken) in [(0, true), (99, false)] {
        let mut duel = joined(759);
        let mut w = Writer::new();
        text(&mut w, 759, "hi");
        w.varint(id);
        duel.send("system_chat", &w.into_bytes());
        assert_eq!(duel.fault().is_none(), taken);
    }
}

#[test]
fn from_767_on_a_chat_type_may_stand_in_the_packet() {
    let mut inline = Writer::new();
    for key in ["chat.type.text", "chat.type.text.narrate"] {
        inline
            .string(key)
            .varint(2)
            .varint(0)
            .varint(2)
            .u8(10)
            .u8(0);
    }
    let inline = inline.into_bytes();
    for protocol in [767, 777] {
        let mut duel = joined(protocol);
        duel.send("profileless_chat", &profileless(protocol, 0, &inline));
        assert_eq!(duel.fault(), None, "{protocol}");
    }
}

/// The reason that a client shows for a login that ends so.
fn login_reason(protocol: i32, json: &str) -> Option<String> {
    let mut duel = Duel::new(protocol);
    duel.send("disconnect", &key(json));
    match duel.events.last() {
        Some(Event::Closed(CloseReason::Disconnected(text))) => Some(text.plain.clone()),
        _ => None,
    }
}

#[test]
fn the_reason_of_a_login_is_read_leniently_on_all() {
    for protocol in [4, 47, 107, 340, 763, 764, 765, 777] {
        for json in ["{'text':'closed'}", "{text:closed}", "closed", "\"closed\""] {
            assert_eq!(
                login_reason(protocol, json).as_deref(),
                Some("closed"),
                "{protocol} {json}"
            );
        }
        assert_eq!(
            login_reason(protocol, "{'text':'closed'"),
            None,
            "{protocol}"
        );
        let rest = login_reason(protocol, "closed for now");
        assert_eq!(rest.is_some(), protocol >= 107, "{protocol}");
    }
}

#[test]
fn other_text_is_read_leniently_until_47() {
    for (protocol, lenient) in [
        (4, true),
        (47, true),
        (107, false),
        (340, false),
        (764, false),
    ] {
        for json in ["{'text':'out'}", "out"] {
            let mut duel = Duel::new(protocol);
            duel.log_in();
            duel.send("kick_disconnect", &key(json));
            let shown = matches!(duel.events.last(), Some(Event::Closed(CloseReason::Disconnected(text)))
                if text.plain == "out");
            assert_eq!(shown, lenient, "{protocol} {json}");
        }
    }
}

fn block_entity(id: i32) -> Vec<u8> {
    let mut w = Writer::new();
    w.i64(0).varint(id).u8(0);
    w.into_bytes()
}

#[test]
fn what_is_cut_short_is_refused_at_every_byte() {
    for (protocol, name, data) in [
        (759, "player_chat", player_chat(759, 0)),
        (760, "player_chat", player_chat(760, 0)),
        (761, "player_chat", player_chat(761, 0)),
        (777, "player_chat", player_chat(777, 0)),
        (777, "profileless_chat", profileless(777, 1, &[])),
        (777, "transfer", transfer()),
        (777, "store_cookie", cookie("a:b", b"xyz")),
        (777, "tile_entity_data", block_entity(0)),
    ] {
        let context = sim_proto::Context::new(sim_proto::Version::new(protocol));
        let read = |data: &[u8]| {
            let data = bytes::Bytes::copy_from_slice(data);
            sim_proto::decode(&context, State::Play, name, &data)
        };
        assert!(read(&data).is_ok(), "{protocol} {name}");
        for length in 0..data.len() {
            assert!(read(&data[..length]).is_err(), "{protocol} {name} {length}");
        }
        let mut longer = data.clone();
        longer.push(0);
        assert!(read(&longer).is_err(), "{protocol} {name}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        data in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        protocol in proptest::sample::select(&[759, 760, 763, 765, 766, 767, 777][..]),
    ) {
        let context = sim_proto::Context::new(sim_proto::Version::new(protocol));
        let data = bytes::Bytes::from(data);
        for name in ["player_chat", "profileless_chat", "transfer", "store_cookie", "tile_entity_data"] {
            let _ = sim_proto::decode(&context, State::Play, name, &data);
        }
    }
}

#[test]
fn from_107_on_text_may_hold_control_characters_and_nothing_looks_behind_it() {
    for protocol in [107, 340, 764] {
        for (json, plain) in [
            ("{\"text\":\"out\"}, and more", "out"),
            ("{\"text\":\"out\nnow\"}", "out\nnow"),
        ] {
            let mut duel = Duel::new(protocol);
            duel.log_in();
            duel.send("kick_disconnect", &key(json));
            let shown = matches!(duel.events.last(), Some(Event::Closed(CloseReason::Disconnected(text)))
                if text.plain == plain);
            assert!(shown, "{protocol} {json}");
        }
    }
    let mut duel = Duel::new(47);
    duel.log_in();
    duel.send("kick_disconnect", &key("{\"text\":\"out\"}, and more"));
    assert!(duel.fault().is_some(), "all of it is read on 47");
}

//! A client that is given what it needs gets into the world, on each protocol, and says what a vanilla client says.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::time::Duration;

use common::*;
use sim_proto::wire::Writer;
use sim_proto::{
    ClientConfig, EnteredBy, Event, Fault, FaultKind, Intent, KeepAlivePolicy, Verdict,
    required_packets,
};
use vb_data::State;

#[test]
fn tables_hold_every_packet_that_is_read_or_written() {
    for protocol in vb_data::supported() {
        for (state, direction, name) in required_packets(*protocol) {
            let table = vb_data::packets(*protocol, state, direction).unwrap();
            assert!(
                table.id(name).is_some(),
                "{protocol} {state} {direction} {name}"
            );
        }
    }
}

#[test]
fn the_whole_way_into_the_world() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join();
        assert!(duel.in_world(), "{protocol}: {:?}", duel.client.verdict());
        assert_eq!(duel.fault(), None, "{protocol}");
        assert_eq!(
            duel.remarks(),
            Vec::<&sim_proto::Remark>::new(),
            "{protocol}"
        );
        assert!(duel.client.chunk_under_player(), "{protocol}");
        assert!(
            duel.events.contains(&Event::InWorld(EnteredBy::Rule)),
            "{protocol}"
        );
    }
}

#[test]
fn what_a_client_says_before_it_is_in_play() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        assert_eq!(duel.sent_names(), ["set_protocol", "login_start"]);
        duel.forget().log_in();
        let expected: &[&str] = match protocol {
            ..764 => &[],
            764 | 765 => &[
                "login_acknowledged",
                "custom_payload",
                "settings",
                "finish_configuration",
            ],
            _ => &[
                "login_acknowledged",
                "custom_payload",
                "settings",
                "select_known_packs",
                "finish_configuration",
            ],
        };
        assert_eq!(duel.sent_names(), expected, "{protocol}");
    }
}

#[test]
fn settings_and_brand_follow_join_game_until_763() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.log_in().forget().send("login", &join_game(*protocol));
        let expected: &[&str] = if *protocol < 764 {
            &["settings", "custom_payload"]
        } else {
            &[]
        };
        assert_eq!(duel.sent_names(), expected, "{protocol}");
    }
}

#[test]
fn a_teleport_is_answered_as_the_protocol_wants_it() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.log_in().send("login", &join_game(*protocol)).forget();
        duel.send("position", &position(*protocol, 1.0, 2.0, 3.0, 300));
        let names = duel.sent_names();
        if *protocol == 47 {
            assert_eq!(names, ["position_look"]);
        } else {
            assert_eq!(names, ["teleport_confirm", "position_look"], "{protocol}");
            assert_eq!(&duel.sent()[0].data[..], [0xac, 0x02]);
        }
        let mut expected = Writer::new();
        expected
            .f64(1.0)
            .f64(2.0)
            .f64(3.0)
            .f32(90.0)
            .f32(10.0)
            .u8(0);
        assert_eq!(&duel.sent().last().unwrap().data[..], expected.into_bytes());
    }
}

#[test]
fn relative_positions_add_up() {
    let mut duel = Duel::new(340);
    duel.join().forget();
    let mut w = Writer::new();
    w.f64(1.0)
        .f64(-4.0)
        .f64(100.0)
        .f32(1.0)
        .f32(5.0)
        .u8(0b01011)
        .varint(8);
    duel.send("position", &w.into_bytes());
    let mut expected = Writer::new();
    expected
        .f64(1.5)
        .f64(60.0)
        .f64(100.0)
        .f32(91.0)
        .f32(5.0)
        .u8(0);
    assert_eq!(&duel.sent().last().unwrap().data[..], expected.into_bytes());
}

#[test]
fn an_idle_player_moves_as_often_as_vanilla() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join()
            .pass(Duration::from_secs(1))
            .forget()
            .pass(Duration::from_secs(10));
        let count = |name: &str| {
            duel.sent_names()
                .iter()
                .filter(|sent| **sent == name)
                .count()
        };
        assert_eq!(count("position"), 10, "{protocol}");
        assert_eq!(
            count("flying"),
            if *protocol == 47 { 190 } else { 0 },
            "{protocol}"
        );
        assert_eq!(
            count("tick_end"),
            if *protocol >= 768 { 200 } else { 0 },
            "{protocol}"
        );
    }
}

#[test]
fn a_client_told_not_to_move_does_not() {
    for protocol in PROTOCOLS {
        let mut config = ClientConfig::new(*protocol, "Steve");
        config.send_movement = false;
        let mut duel = Duel::with(config);
        duel.join().forget().pass(Duration::from_secs(5));
        assert_eq!(duel.sent_names(), Vec::<&str>::new(), "{protocol}");
    }
}

#[test]
fn keep_alives_are_answered_with_the_same_id_in_the_same_state() {
    for protocol in PROTOCOLS {
        let data = keep_alive_bytes(*protocol, 0x1234_5678);
        let mut duel = Duel::new(*protocol);
        if *protocol >= 764 {
            duel.send("success", &login_success(*protocol)).forget();
            duel.send("keep_alive", &data);
            assert_eq!(
                (duel.sent()[0].state, &duel.sent()[0].data[..]),
                (State::Configuration, &data[..])
            );
            duel.configure();
        } else {
            duel.log_in();
        }
        duel.forget().send("keep_alive", &data);
        assert_eq!(duel.sent_names(), ["keep_alive"], "{protocol}");
        assert_eq!(&duel.sent()[0].data[..], data, "{protocol}");
    }
}

#[test]
fn keep_alive_policies() {
    let sent = |policy, wait| {
        let mut config = ClientConfig::new(340, "Steve");
        config.keep_alive = policy;
        let mut duel = Duel::with(config);
        duel.log_in()
            .forget()
            .send("keep_alive", &7_i64.to_be_bytes())
            .pass(wait);
        duel.sent()
            .iter()
            .map(|sent| sent.data.to_vec())
            .collect::<Vec<_>>()
    };
    let second = Duration::from_secs(1);
    let (seven, eight) = (7_i64.to_be_bytes().to_vec(), 8_i64.to_be_bytes().to_vec());
    assert_eq!(
        sent(KeepAlivePolicy::Answer, second),
        std::slice::from_ref(&seven)
    );
    assert_eq!(sent(KeepAlivePolicy::Never, second), Vec::<Vec<u8>>::new());
    assert_eq!(sent(KeepAlivePolicy::WrongId, second), [eight]);
    assert_eq!(
        sent(KeepAlivePolicy::Twice, second),
        [seven.clone(), seven.clone()]
    );
    let ten = Duration::from_secs(10);
    assert_eq!(
        sent(KeepAlivePolicy::Delay(ten), ten - Duration::from_millis(1)),
        Vec::<Vec<u8>>::new()
    );
    assert_eq!(sent(KeepAlivePolicy::Delay(ten), ten), [seven]);
}

#[test]
fn an_unasked_keep_alive_each_second_of_the_terrain_screen_until_338() {
    for (protocol, expected) in [(47, 5), (340, 0)] {
        let mut duel = Duel::new(protocol);
        duel.log_in()
            .send("login", &join_game(protocol))
            .forget()
            .pass(Duration::from_secs(5));
        let names = duel.sent_names();
        assert_eq!(
            names.iter().filter(|name| **name == "keep_alive").count(),
            expected,
            "{protocol}"
        );
        duel.send("position", &position(protocol, 0.5, 64.0, 0.5, 1))
            .forget()
            .pass(Duration::from_secs(5));
        assert!(!duel.sent_names().contains(&"keep_alive"), "{protocol}");
    }
    let mut config = ClientConfig::new(47, "Steve");
    config.unasked_keep_alive = false;
    let mut duel = Duel::with(config);
    duel.log_in()
        .send("login", &join_game(47))
        .forget()
        .pass(Duration::from_secs(5));
    assert_eq!(duel.sent_names(), Vec::<&str>::new());
}

#[test]
fn silence_of_thirty_seconds_ends_the_connection() {
    let mut duel = Duel::new(340);
    duel.join().pass(Duration::from_secs(29));
    assert!(duel.in_world());
    // Any packet counts.
    duel.send("keep_alive", &[0; 8])
        .pass(Duration::from_millis(29_999));
    assert!(duel.in_world());
    duel.pass(Duration::from_millis(1));
    let fault = duel.fault().expect("a fault").clone();
    assert_eq!(fault.kind, FaultKind::ReadTimeout { seconds: 30 });
    assert_eq!(duel.client.verdict(), Verdict::WouldDisconnect(fault));
    assert_eq!(duel.client.poll_timeout(), None);
}

#[test]
fn an_unknown_id_is_a_fault() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join().send_id(0x7777, &[1, 2, 3]);
        let fault = duel.fault().expect("a fault");
        assert_eq!(fault.kind, FaultKind::UnknownPacket { id: 0x7777 });
        assert!(fault.to_string().contains("id 0x7777"), "{fault}");
    }
}

#[test]
fn after_a_fault_nothing_is_read_any_more() {
    let mut duel = Duel::new(340);
    duel.join().send_id(0x7777, &[]).forget();
    duel.send_id(0x1f, &[0; 8]).pass(Duration::from_secs(60));
    assert_eq!(duel.events, []);
    assert!(duel.client.send_raw(1, &[]).is_err());
    assert!(duel.client.chat("x").is_err());
}

#[test]
fn a_disconnect_ends_with_its_reason() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        duel.join();
        let mut w = Writer::new();
        if *protocol >= 765 {
            w.u8(8).u16(4).raw(b"bye!");
        } else {
            w.string("{\"text\":\"bye\",\"extra\":[\"!\"]}");
        }
        duel.send("kick_disconnect", &w.into_bytes());
        let reason = duel.events.iter().find_map(|event| match event {
            Event::Disconnected {
                state: State::Play,
                reason,
            } => Some(reason.plain.clone()),
            _ => None,
        });
        assert_eq!(reason.as_deref(), Some("bye!"), "{protocol}");
        assert!(matches!(
            duel.client.verdict(),
            Verdict::Disconnected { .. }
        ));
        assert!(matches!(duel.events.last(), Some(Event::Closed(_))));
    }
}

#[test]
fn a_login_disconnect_is_json_on_every_protocol() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        let mut w = Writer::new();
        w.string("\"no\"");
        duel.send("disconnect", &w.into_bytes());
        assert!(
            duel.events.iter().any(|event| matches!(event, Event::Disconnected { state: State::Login, reason } if reason.plain == "no")),
            "{protocol}"
        );
    }
}

#[test]
fn compression_starts_with_the_packet_after_the_announcement() {
    let mut duel = Duel::new(340);
    let mut w = Writer::new();
    w.varint(64);
    duel.send("compress", &w.into_bytes());
    duel.threshold = Some(64);
    duel.join();
    assert!(duel.in_world(), "{:?}", duel.fault());
}

#[test]
fn questions_of_the_login_are_answered() {
    let mut duel = Duel::new(775);
    duel.forget();
    let mut w = Writer::new();
    w.varint(300).string("velocity:player_info").raw(&[4]);
    duel.send("login_plugin_request", &w.into_bytes());
    let mut w = Writer::new();
    w.string("minecraft:visits");
    duel.send("cookie_request", &w.into_bytes());
    assert_eq!(
        duel.sent_names(),
        ["login_plugin_response", "cookie_response"]
    );
    assert_eq!(&duel.sent()[0].data[..], [0xac, 0x02, 0]);
    let mut w = Writer::new();
    w.string("minecraft:visits").bool(false);
    assert_eq!(&duel.sent()[1].data[..], w.into_bytes());
}

#[test]
fn pings_packs_cookies_and_batches_are_answered_in_play() {
    let mut duel = Duel::new(775);
    duel.join().forget();
    duel.send("ping", &[0, 0, 1, 0]);
    let mut w = Writer::new();
    w.string("minecraft:visits");
    duel.send("cookie_request", &w.into_bytes());
    duel.send("chunk_batch_start", &[])
        .send("chunk_batch_finished", &[9]);
    let mut w = Writer::new();
    w.uuid(77)
        .string("https://example.com/pack.zip")
        .string("")
        .bool(false)
        .bool(false);
    duel.send("add_resource_pack", &w.into_bytes());
    assert_eq!(
        duel.sent_names(),
        [
            "pong",
            "cookie_response",
            "chunk_batch_received",
            "resource_pack_receive"
        ]
    );
    assert_eq!(&duel.sent()[0].data[..], [0, 0, 1, 0]);
    assert_eq!(duel.sent()[3].data.len(), 17);
    assert_eq!(duel.fault(), None);
}

#[test]
fn the_server_may_lead_back_to_configuration() {
    for protocol in [765, 767, 775] {
        let mut duel = Duel::new(protocol);
        duel.join().forget();
        duel.send("start_configuration", &[]);
        assert_eq!(duel.sent_names(), ["configuration_acknowledged"]);
        assert_eq!(duel.sent()[0].state, State::Play);
        assert_eq!(duel.client.state(), State::Configuration);
        assert!(!duel.in_world());
        // Registries may be left out: the client has them. Settings are not sent again.
        duel.send("finish_configuration", &[]);
        assert_eq!(
            duel.sent_names(),
            ["configuration_acknowledged", "finish_configuration"]
        );
        duel.send("login", &join_game(protocol)).bring_into_world();
        assert!(duel.in_world(), "{protocol}: {:?}", duel.fault());
        assert_eq!(
            duel.remarks(),
            Vec::<&sim_proto::Remark>::new(),
            "{protocol}"
        );
    }
}

#[test]
fn a_bundle_is_handled_when_it_closes() {
    let mut duel = Duel::new(763);
    duel.join().forget();
    duel.send("bundle_delimiter", &[])
        .send("keep_alive", &[0; 8]);
    assert_eq!(duel.sent_names(), Vec::<&str>::new());
    duel.send("bundle_delimiter", &[]);
    assert_eq!(duel.sent_names(), ["keep_alive"]);
}

#[test]
fn a_bundle_has_at_most_4096_packets() {
    for (count, fault) in [(4096, false), (4097, true)] {
        let mut duel = Duel::new(763);
        duel.join().send("bundle_delimiter", &[]);
        for _ in 0..count {
            duel.send("keep_alive", &[0; 8]);
        }
        assert_eq!(duel.fault().is_some(), fault, "{count}");
    }
}

#[test]
fn a_status_is_asked_for_and_pinged() {
    let mut config = ClientConfig::new(775, "Steve");
    config.intent = Intent::Status;
    let mut duel = Duel::with(config);
    assert_eq!(duel.sent_names(), ["set_protocol", "ping_start"]);
    let mut w = Writer::new();
    w.string("{}");
    duel.send("server_info", &w.into_bytes());
    duel.send("ping", &[0; 8]);
    assert_eq!(duel.sent_names(), ["set_protocol", "ping_start", "ping"]);
    assert!(matches!(
        duel.events.last(),
        Some(Event::Closed(sim_proto::CloseReason::StatusDone))
    ));
}

#[test]
fn bytes_may_come_in_any_split() {
    let mut whole = Duel::new(47);
    let mut drops = Duel::new(47);
    let mut stream = Writer::new();
    for (id, data) in [
        (2, login_success(47)),
        (1, join_game(47)),
        (8, position(47, 0.5, 64.0, 0.5, 1)),
    ] {
        stream.length(data.len() + 1).varint(id).raw(&data);
    }
    let stream = stream.into_bytes();
    whole.bytes(&stream);
    for byte in &stream {
        drops.bytes(&[*byte]);
    }
    assert!(whole.in_world());
    assert_eq!(whole.events, drops.events);
}

#[test]
fn chat_and_commands_go_out_as_the_protocol_has_them() {
    for protocol in PROTOCOLS {
        let mut duel = Duel::new(*protocol);
        assert!(duel.client.chat("early").is_err());
        duel.join().forget();
        duel.client.chat("hello").unwrap();
        duel.client.chat("/leave").unwrap();
        duel.drain();
        let expected = if *protocol < 759 {
            ["chat", "chat"]
        } else {
            ["chat_message", "chat_command"]
        };
        assert_eq!(duel.sent_names(), expected, "{protocol}");
        let command = &duel.sent()[1].data;
        let text: &[u8] = if *protocol < 759 {
            b"\x06/leave"
        } else {
            b"\x05leave"
        };
        assert!(command.starts_with(text), "{protocol}");
    }
}

#[test]
fn a_fault_explains_itself() {
    let mut duel = Duel::new(340);
    let mut data = join_game(340);
    data.push(0);
    duel.log_in().send("login", &data);
    let fault: &Fault = duel.fault().unwrap();
    assert_eq!(
        fault.to_string(),
        format!(
            "play packet `login` (id 0x23), byte {}: 1 bytes are left over after the last field. A real client shows \
             \"Internal Exception: java.io.IOException: Packet was larger than I expected, found 1 bytes extra\"",
            data.len() - 1
        )
    );
}

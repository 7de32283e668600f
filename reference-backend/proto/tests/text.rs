//! One component for clients of all versions: what each of them is sent.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use backend_proto::{TextComponent, Version};
use serde_json::{Value, json};
use std::slice;

/// What clients of this protocol are sent.
fn sent(protocol: i32, json: &Value) -> Value {
    let text = TextComponent::json(&json.to_string()).unwrap();
    let text = text.nearest(Version::new(protocol)).unwrap();
    serde_json::from_str(text.as_json()).unwrap()
}

/// Given in any of these forms, they are sent the same.
#[track_caller]
fn becomes(protocol: i32, given: &[Value], expected: &Value) {
    for json in given {
        assert_eq!(&sent(protocol, json), expected, "{protocol}: {json}");
    }
}

fn text(name: &str, value: &Value) -> Value {
    json!({ "text": "x", name: value })
}

#[test]
fn what_every_client_reads_stays_as_it_was_given() {
    let given = r#" {"translate": "k", "with": ["a", 1, true], "color": "red", "extra": ["b"]} "#;
    for protocol in [4, 47, 764, 765, 777] {
        let text = TextComponent::json(given).unwrap();
        let fit = text.fit(Version::new(protocol)).unwrap();
        assert_eq!(fit.as_json(), given);
    }
}

#[test]
fn contents_that_a_version_lacks_are_text() {
    let key = json!({ "keybind": "key.drop", "bold": true });
    becomes(
        316,
        slice::from_ref(&key),
        &json!({ "text": "key.drop", "bold": true }),
    );
    becomes(335, slice::from_ref(&key), &key);
    let nested = json!({ "text": "a", "extra": ["b", { "keybind": "key.drop" }] });
    let expected = json!({ "text": "a", "extra": ["b", { "text": "key.drop" }] });
    becomes(47, &[nested], &expected);
    let with = json!({ "translate": "a", "with": [{ "keybind": "key.drop" }, 1] });
    let expected = json!({ "translate": "a", "with": [{ "text": "key.drop" }, 1] });
    becomes(47, &[with], &expected);
    let sprite = json!({ "sprite": "block/stone", "object": "atlas", "type": "object" });
    becomes(
        772,
        slice::from_ref(&sprite),
        &json!({ "text": "[block/stone]" }),
    );
    becomes(773, slice::from_ref(&sprite), &sprite);
    let head = json!({ "player": { "name": "Notch" }, "hat": true });
    becomes(772, &[head], &json!({ "text": "[Notch]", "hat": true }));
    let selector = json!({ "selector": "@a", "separator": ", " });
    becomes(5, slice::from_ref(&selector), &json!({ "text": "@a" }));
    becomes(47, slice::from_ref(&selector), &selector);
    let score = json!({ "score": { "name": "a", "objective": "b" } });
    becomes(5, slice::from_ref(&score), &json!({ "text": "" }));
    becomes(47, slice::from_ref(&score), &score);
    let block = json!({ "nbt": "a", "block": "~ ~ ~", "interpret": false });
    becomes(
        476,
        slice::from_ref(&block),
        &json!({ "text": "", "block": "~ ~ ~" }),
    );
    becomes(477, slice::from_ref(&block), &block);
    let storage = json!({ "nbt": "a", "storage": "a:b" });
    becomes(
        498,
        slice::from_ref(&storage),
        &json!({ "text": "", "storage": "a:b" }),
    );
    becomes(573, slice::from_ref(&storage), &storage);
}

#[test]
fn whoever_can_be_told_is_told_what_the_version_lacks() {
    for (json, last, first, place) in [
        (json!({ "keybind": "a" }), 316, 335, "$.keybind"),
        (json!({ "selector": "@a" }), 5, 47, "$.selector"),
        (
            json!({ "score": { "name": "a", "objective": "b" } }),
            5,
            47,
            "$.score",
        ),
        (json!({ "nbt": "a", "entity": "@s" }), 404, 477, "$.nbt"),
        (json!({ "nbt": "a", "storage": "a:b" }), 498, 573, "$.nbt"),
        (json!(["a", { "sprite": "b" }]), 772, 773, "$[1].sprite"),
        (json!({ "player": "a" }), 772, 773, "$.player"),
        (text("color", &json!("reset")), 765, 764, "$.color"),
        (
            json!({ "translate": "a", "with": [1, { "keybind": "a" }] }),
            316,
            335,
            "$.with[1].keybind",
        ),
        (
            text(
                "hoverEvent",
                &json!({ "action": "show_text", "value": { "keybind": "a" } }),
            ),
            316,
            335,
            "$.hoverEvent.keybind",
        ),
    ] {
        let fit = |protocol| {
            let text = TextComponent::json(&json.to_string()).unwrap();
            text.fit(Version::new(protocol))
        };
        assert!(fit(first).is_ok(), "{json}");
        let error = fit(last).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}

#[test]
fn of_several_contents_the_first_or_the_named_one_counts_everywhere() {
    let two = json!({ "keybind": "a", "score": { "name": "a", "objective": "b" } });
    becomes(340, &[two], &json!({ "keybind": "a" }));
    let named = json!({ "type": "translatable", "text": "a", "translate": "b" });
    becomes(
        47,
        &[named],
        &json!({ "type": "translatable", "translate": "b" }),
    );
}

#[test]
fn colours_come_as_near_as_the_version_has_them() {
    becomes(
        764,
        &[text("color", &json!("reset"))],
        &text("color", &json!("reset")),
    );
    becomes(
        765,
        &[text("color", &json!("reset"))],
        &text("color", &json!("white")),
    );
    becomes(
        578,
        &[text("color", &json!("#FE5454"))],
        &text("color", &json!("red")),
    );
    becomes(
        735,
        &[text("color", &json!("#FE5454"))],
        &text("color", &json!("#FE5454")),
    );
    becomes(578, &[text("font", &json!("a:b"))], &json!({ "text": "x" }));
    becomes(
        735,
        &[text("font", &json!("a:b"))],
        &text("font", &json!("a:b")),
    );
    becomes(
        768,
        &[text("shadow_color", &json!(-1))],
        &json!({ "text": "x" }),
    );
    becomes(
        769,
        &[text("shadow_color", &json!(-1))],
        &text("shadow_color", &json!(-1)),
    );
}

#[test]
fn clicks_take_the_form_of_the_version() {
    for (new, old) in [
        (
            json!({ "action": "open_url", "url": "https://a/" }),
            json!({ "action": "open_url", "value": "https://a/" }),
        ),
        (
            json!({ "action": "run_command", "command": "/a" }),
            json!({ "action": "run_command", "value": "/a" }),
        ),
        (
            json!({ "action": "suggest_command", "command": "/a" }),
            json!({ "action": "suggest_command", "value": "/a" }),
        ),
        (
            json!({ "action": "change_page", "page": 2 }),
            json!({ "action": "change_page", "value": "2" }),
        ),
        (
            json!({ "action": "copy_to_clipboard", "value": "a" }),
            json!({ "action": "copy_to_clipboard", "value": "a" }),
        ),
    ] {
        let given = [
            text("click_event", &new),
            text("clickEvent", &new),
            text("click_event", &old),
            text("clickEvent", &old),
        ];
        for protocol in [573, 764, 769] {
            becomes(protocol, &given, &text("clickEvent", &old));
        }
        for protocol in [770, 777] {
            becomes(protocol, &given, &text("click_event", &new));
        }
    }
    let both = json!({
        "text": "x",
        "click_event": { "action": "change_page", "page": 1 },
        "clickEvent": { "action": "change_page", "value": "2" },
    });
    let newer = text(
        "click_event",
        &json!({ "action": "change_page", "page": 1 }),
    );
    becomes(770, &[both], &newer);
}

#[test]
fn clicks_that_a_version_lacks_are_left_out() {
    let plain = json!({ "text": "x" });
    let copy = json!({ "action": "copy_to_clipboard", "value": "a" });
    becomes(498, &[text("clickEvent", &copy)], &plain);
    let dialog = text(
        "click_event",
        &json!({ "action": "show_dialog", "dialog": "a:b" }),
    );
    let custom = text(
        "click_event",
        &json!({ "action": "custom", "id": "a:b", "payload": [1] }),
    );
    for given in [dialog, custom] {
        becomes(769, slice::from_ref(&given), &plain);
        becomes(770, slice::from_ref(&given), &plain);
        becomes(771, slice::from_ref(&given), &given);
    }
}

#[test]
fn hovers_take_the_form_of_the_version() {
    let shown = json!({ "text": "a", "color": "reset" });
    let value = json!({ "action": "show_text", "value": shown });
    let contents = json!({ "action": "show_text", "contents": shown });
    let given = [
        text("hover_event", &value),
        text("hoverEvent", &value),
        text("hoverEvent", &contents),
    ];
    becomes(578, &given, &text("hoverEvent", &value));
    becomes(735, &given, &text("hoverEvent", &contents));
    let white = json!({ "text": "a", "color": "white" });
    let contents = json!({ "action": "show_text", "contents": white });
    becomes(769, &given, &text("hoverEvent", &contents));
    let value = json!({ "action": "show_text", "value": white });
    becomes(770, &given, &text("hover_event", &value));
}

#[test]
fn items_take_the_form_of_the_version() {
    let contents = |fields: Value| {
        text(
            "hoverEvent",
            &json!({ "action": "show_item", "contents": fields }),
        )
    };
    let new = text(
        "hover_event",
        &json!({ "action": "show_item", "id": "stone", "count": 2, "components": {} }),
    );
    let snbt = json!({ "action": "show_item", "value": "{id:\"stone\",Count:2b}" });
    becomes(5, slice::from_ref(&new), &json!({ "text": "x" }));
    becomes(578, slice::from_ref(&new), &text("hoverEvent", &snbt));
    becomes(
        735,
        slice::from_ref(&new),
        &contents(json!({ "id": "stone", "count": 2 })),
    );
    let whole = contents(json!({ "id": "stone", "count": 2, "components": {} }));
    becomes(766, slice::from_ref(&new), &whole);
    becomes(770, &[new.clone(), whole], &new);
    let tagged = contents(json!({ "id": "stone", "tag": "{a:1}" }));
    becomes(764, slice::from_ref(&tagged), &tagged);
    becomes(765, &[tagged], &contents(json!({ "id": "stone" })));
    let named = contents(json!("stone"));
    let inline = text(
        "hover_event",
        &json!({ "action": "show_item", "id": "stone" }),
    );
    becomes(770, &[named], &inline);
    // SNBT is for those who pass over what they cannot parse.
    let old = text(
        "hoverEvent",
        &json!({ "action": "show_item", "value": "{}" }),
    );
    becomes(764, slice::from_ref(&old), &old);
    becomes(765, &[old], &json!({ "text": "x" }));
}

#[test]
fn entities_take_the_form_of_the_version() {
    let id = "12345678-ffff-ffff-0000-000000000001";
    let new = json!({ "action": "show_entity", "id": "pig", "uuid": id, "name": "a" });
    let old =
        json!({ "action": "show_entity", "contents": { "type": "pig", "id": id, "name": "a" } });
    let numbers = json!({
        "action": "show_entity", "id": "pig", "uuid": [0x1234_5678, -1, 0, 1], "name": "a"
    });
    let given = [
        text("hover_event", &new),
        text("hoverEvent", &old),
        text("hover_event", &numbers),
    ];
    becomes(735, &given, &text("hoverEvent", &old));
    becomes(769, &given, &text("hoverEvent", &old));
    becomes(770, &given, &text("hover_event", &new));
    let name = json!({ "action": "show_text", "value": "a" });
    becomes(578, &given, &text("hoverEvent", &name));
}

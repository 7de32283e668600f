//! Text components by version: what a client takes, what it refuses, and what its player reads. Each version edge is
//! tried on both sides.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use serde_json::{Value, json};
use sim_proto::nbt::{Compound, Kind, List, Tag};
use sim_proto::{Text, TextError, TextForm, Version};

/// The last protocol with JSON, and the first and the newest one with NBT.
const JSON: i32 = 764;
const NBT: i32 = 765;
const NEWEST: i32 = 777;

/// JSON as NBT: booleans as bytes, lists of unlike elements wrapped.
fn tag(value: &Value) -> Tag {
    match value {
        Value::Null => panic!("NBT has no null"),
        Value::Bool(flag) => Tag::Byte(i8::from(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Tag::Int(i32::try_from(whole).unwrap()),
            None => Tag::Double(number.as_f64().unwrap()),
        },
        Value::String(text) => Tag::String(text.clone()),
        Value::Array(items) => {
            let items: Vec<Tag> = items.iter().map(tag).collect();
            let kind = items.first().map_or(Kind::End, Tag::kind);
            if items.iter().all(|item| item.kind() == kind) {
                return Tag::List(List { kind, items });
            }
            let wrapped = items.into_iter().map(|item| match item {
                Tag::Compound(compound) => Tag::Compound(compound),
                other => {
                    let mut compound = Compound::default();
                    compound.push("", other);
                    Tag::Compound(compound)
                }
            });
            Tag::List(List {
                kind: Kind::Compound,
                items: wrapped.collect(),
            })
        }
        Value::Object(fields) => {
            let mut compound = Compound::default();
            for (name, field) in fields {
                compound.push(name.as_str(), tag(field));
            }
            Tag::Compound(compound)
        }
    }
}

/// As it travels in play: JSON until 764, NBT after.
fn read(protocol: i32, value: &Value) -> Result<String, TextError> {
    let version = Version::new(protocol);
    let text = if protocol <= JSON {
        Text::from_value(version, value)
    } else {
        Text::from_nbt(version, &tag(value))
    };
    text.map(|text| text.plain)
}

#[track_caller]
fn taken(protocol: i32, value: &Value) {
    let read = read(protocol, value);
    assert!(read.is_ok(), "{protocol}: {value}: {read:?}");
}

#[track_caller]
fn refused(protocol: i32, value: &Value) -> TextError {
    match read(protocol, value) {
        Err(error) => error,
        Ok(plain) => panic!("{protocol}: {value} is taken, and shows {plain:?}"),
    }
}

/// Refused before `edge`'s version, taken from it on.
#[track_caller]
fn from(before: i32, edge: i32, value: &Value) {
    refused(before, value);
    taken(edge, value);
}

/// Taken until `last`, refused from `edge` on.
#[track_caller]
fn until(last: i32, edge: i32, value: &Value) {
    taken(last, value);
    refused(edge, value);
}

/// `{"text":"x", NAME: VALUE}`.
fn with(name: &str, value: Value) -> Value {
    let mut text = json!({ "text": "x" });
    text[name] = value;
    text
}

#[test]
fn what_the_player_reads_is_the_same_in_either_form() {
    for (value, plain) in [
        (json!("x"), "x"),
        (
            json!({ "text": "a", "extra": ["b", { "text": "c" }], "color": "red" }),
            "abc",
        ),
        (json!(["a", { "text": "b" }]), "ab"),
        (
            json!({ "translate": "k", "with": ["a", 1, { "text": "b" }] }),
            "k(a, 1, b)",
        ),
        (json!({ "translate": "k", "fallback": "f" }), "f"),
        (json!({ "keybind": "key.jump" }), "key.jump"),
        (json!({ "score": { "name": "a", "objective": "b" } }), ""),
        (
            json!({ "text": "a", "bold": true, "hoverEvent": { "action": "show_text", "contents": "not shown" } }),
            "a",
        ),
        (json!({ "selector": "@a", "separator": ", " }), "@a"),
        (json!({ "nbt": "a.b", "block": "~ ~ ~" }), "a.b"),
    ] {
        for protocol in [JSON, NBT, 769] {
            assert_eq!(read(protocol, &value).as_deref(), Ok(plain), "{value}");
        }
    }
}

#[test]
fn the_form_is_the_one_in_which_it_travelled() {
    let version = Version::new(NEWEST);
    let form = |text: Result<Text, TextError>| text.unwrap().form;
    assert_eq!(form(Text::from_json(version, "\"x\"")), TextForm::Json);
    let tag = Tag::String("x".to_owned());
    assert_eq!(form(Text::from_nbt(version, &tag)), TextForm::Nbt);
}

#[test]
fn what_is_no_json_is_refused() {
    for json in ["{", "plain text", ""] {
        let read = Text::from_json(Version::new(JSON), json);
        assert!(matches!(read, Err(TextError::Json(_))), "{json}");
    }
    for protocol in [4, JSON, NBT] {
        let read = Text::from_json(Version::new(protocol), "null");
        assert_eq!(read, Err(TextError::Null));
    }
}

#[test]
fn any_primitive_is_a_component_until_764() {
    for value in [json!(5), json!(true)] {
        for value in [value.clone(), with("extra", json!([value.clone()]))] {
            until(JSON, NBT, &value);
        }
        until(JSON, NBT, &json!({ "text": value.clone() }));
        until(JSON, NBT, &with("insertion", value));
    }
}

#[test]
fn an_argument_of_a_translation_may_be_a_number_or_a_boolean() {
    for protocol in [4, JSON, NBT, NEWEST] {
        taken(
            protocol,
            &json!({ "translate": "k", "with": [1, true, 0.5, "a"] }),
        );
        taken(protocol, &json!({ "translate": "k", "with": [] }));
        refused(protocol, &json!({ "translate": "k", "with": "a" }));
        refused(protocol, &json!({ "translate": 5.5, "with": [{}] }));
    }
}

#[test]
fn an_error_says_where_and_what() {
    for protocol in [JSON, NBT] {
        let nested = json!({ "text": "a", "extra": ["b", { "bold": true }] });
        let error = refused(protocol, &nested);
        assert!(
            matches!(&error, TextError::NoContent { at, .. } if at == "component.extra[1]"),
            "{error:?}"
        );
        assert_eq!(
            refused(protocol, &with("extra", json!("b"))),
            TextError::WrongType {
                at: "component.extra".to_owned(),
                found: "a string",
                wanted: "a list"
            }
        );
        assert_eq!(
            refused(protocol, &with("extra", json!([]))),
            TextError::EmptyList {
                at: "component.extra".to_owned()
            }
        );
    }
    assert_eq!(
        refused(47, &json!({ "keybind": "key.drop" })).to_string(),
        "`component` has no content: this version knows `text`, `translate`, `score`, `selector`"
    );
    assert_eq!(
        refused(NBT, &with("color", json!("reset"))).to_string(),
        "`component.color` is \"reset\": this version takes the sixteen colours' names and `#RRGGBB` alone"
    );
}

#[test]
fn contents_come_with_their_versions() {
    from(5, 47, &json!({ "selector": "@a" }));
    from(
        5,
        47,
        &json!({ "score": { "name": "a", "objective": "b" } }),
    );
    from(316, 335, &json!({ "keybind": "key.drop" }));
    from(340, 477, &json!({ "nbt": "a", "entity": "@s" }));
    from(498, 573, &json!({ "nbt": "a", "storage": "a:b" }));
    from(772, 773, &json!({ "sprite": "block/stone" }));
    from(772, 773, &json!({ "player": "Notch", "hat": false }));
    for protocol in [4, 5, 47, JSON, NBT, NEWEST] {
        taken(protocol, &json!({ "text": "a" }));
        taken(protocol, &json!({ "translate": "a" }));
        refused(protocol, &json!({ "color": "red" }));
        refused(protocol, &json!({}));
        refused(protocol, &json!([]));
    }
}

#[test]
fn contents_have_the_fields_that_they_need() {
    for protocol in [477, JSON, NBT, NEWEST] {
        refused(protocol, &json!({ "score": { "name": "a" } }));
        refused(protocol, &json!({ "score": "a" }));
        refused(protocol, &json!({ "nbt": "a" }));
        refused(protocol, &json!({ "selector": [] }));
    }
}

#[test]
fn a_type_decides_from_765_on() {
    let typed = |name: &str| json!({ "type": name, "text": "a", "translate": "b" });
    assert_eq!(read(NBT, &typed("text")).as_deref(), Ok("a"));
    assert_eq!(read(NBT, &typed("translatable")).as_deref(), Ok("b"));
    assert_eq!(read(JSON, &typed("translatable")).as_deref(), Ok("a"));
    until(JSON, NBT, &typed("keybind"));
    until(JSON, NBT, &typed("nonsense"));
    let object = json!({ "type": "object", "sprite": "block/stone" });
    from(772, 773, &object);
}

#[test]
fn the_first_content_that_reads_is_taken_from_765_on() {
    let value = json!({ "text": 5, "translate": "b" });
    assert_eq!(read(JSON, &value).as_deref(), Ok("5"));
    assert_eq!(read(NBT, &value).as_deref(), Ok("b"));
    let value = json!({ "translate": "a", "with": ["shown?", {}], "keybind": "b" });
    refused(JSON, &value);
    assert_eq!(read(NBT, &value).as_deref(), Ok("b"));
}

#[test]
fn colours_are_strict_from_765_on() {
    for colour in [
        "reset",
        "bold",
        "nonsense",
        "RED",
        "#FFF12A34",
        "#",
        "#12345g",
        "#-1",
    ] {
        until(JSON, NBT, &with("color", json!(colour)));
        for protocol in [4, 47, 578, 735] {
            taken(protocol, &with("color", json!(colour)));
        }
    }
    for colour in ["red", "dark_purple", "#FFF12A", "#000000", "#f00"] {
        for protocol in [4, JSON, NBT, NEWEST] {
            taken(protocol, &with("color", json!(colour)));
        }
    }
    for protocol in [4, 735, NBT] {
        refused(protocol, &with("color", json!({})));
    }
    from(578, 735, &with("color", json!(true)));
    until(JSON, NBT, &with("color", json!(5)));
}

#[test]
fn fonts_come_with_735_and_must_be_identifiers() {
    until(578, 735, &with("font", json!("No Font")));
    until(578, 735, &with("font", json!({})));
    until(JSON, NBT, &with("font", json!(5)));
    for protocol in [735, JSON, NBT, NEWEST] {
        taken(protocol, &with("font", json!("minecraft:uniform")));
        taken(protocol, &with("font", json!("uniform")));
        refused(protocol, &with("font", json!("a:b:c")));
    }
}

#[test]
fn booleans_are_booleans_from_765_on() {
    until(JSON, NBT, &with("bold", json!("yes")));
    until(JSON, NBT, &with("obfuscated", json!("true")));
    // NBT has numbers for them.
    taken(NBT, &with("bold", json!(5)));
    for protocol in [4, JSON, NBT] {
        refused(protocol, &with("italic", json!({})));
    }
    let version = Version::new(NBT);
    assert!(Text::from_value(version, &with("bold", json!(true))).is_ok());
    assert!(Text::from_value(version, &with("bold", json!(1))).is_err());
}

#[test]
fn shadows_come_with_769() {
    for value in [json!({}), json!([1, 2, 3])] {
        until(768, 769, &with("shadow_color", value));
    }
    for value in [json!(-1), json!([0.5, 0.5, 1.5, 1.5])] {
        taken(769, &with("shadow_color", value));
    }
}

#[test]
fn click_events_have_one_value_until_769() {
    let click = |event: Value| with("clickEvent", event);
    for protocol in [4, JSON, NBT, 769] {
        taken(
            protocol,
            &click(json!({ "action": "open_url", "value": "example.net" })),
        );
        taken(
            protocol,
            &click(json!({ "action": "change_page", "value": "2" })),
        );
        refused(protocol, &click(json!("open_url")));
        refused(protocol, &click(json!({ "action": [], "value": "a" })));
    }
    for event in [
        json!({ "action": "nonsense", "value": "a" }),
        json!({ "action": "open_file", "value": "a" }),
        json!({ "action": "run_command" }),
        json!({ "value": "a" }),
        json!({ "action": "change_page", "value": 2 }),
    ] {
        until(JSON, NBT, &click(event.clone()));
        // A field of that name is nothing to later clients.
        from(769, 770, &click(event));
    }
}

#[test]
fn click_events_have_their_own_fields_from_770_on() {
    let click = |event: Value| with("click_event", event);
    for right in [
        json!({ "action": "open_url", "url": "https://example.net/a?b=%20#c" }),
        json!({ "action": "open_url", "url": "HTTP://example.net" }),
        json!({ "action": "run_command", "command": "a" }),
        json!({ "action": "suggest_command", "command": "/a" }),
        json!({ "action": "change_page", "page": 1 }),
        json!({ "action": "copy_to_clipboard", "value": "§" }),
    ] {
        taken(770, &click(right));
    }
    for wrong in [
        json!({ "action": "open_url", "value": "https://example.net" }),
        json!({ "action": "open_url", "url": "example.net/" }),
        json!({ "action": "open_url", "url": "ftp://example.net/" }),
        json!({ "action": "open_url", "url": "https://" }),
        json!({ "action": "open_url", "url": "https://example.net/a b" }),
        json!({ "action": "open_url", "url": "https://example.net/%2" }),
        json!({ "action": "open_file", "path": "a" }),
        json!({ "action": "run_command", "value": "a" }),
        json!({ "action": "run_command", "command": "§a" }),
        json!({ "action": "suggest_command", "command": "a\n" }),
        json!({ "action": "change_page", "page": 0 }),
        json!({ "action": "change_page", "page": "1" }),
        json!({ "action": "copy_to_clipboard" }),
        json!({ "action": "nonsense", "value": "a" }),
        json!({ "value": "a" }),
        json!("a"),
    ] {
        until(769, 770, &click(wrong));
    }
}

#[test]
fn dialogs_and_custom_clicks_come_with_771() {
    let click = |event: Value| with("click_event", event);
    from(
        770,
        771,
        &click(json!({ "action": "show_dialog", "dialog": "a:b" })),
    );
    from(
        770,
        771,
        &click(json!({ "action": "custom", "id": "a:b", "payload": [1] })),
    );
    refused(771, &click(json!({ "action": "show_dialog" })));
    refused(771, &click(json!({ "action": "custom", "id": "No" })));
}

#[test]
fn hover_events_before_735_hold_a_component() {
    let hover = |event: Value| with("hoverEvent", event);
    for protocol in [4, 578] {
        taken(
            protocol,
            &hover(json!({ "action": "show_item", "value": "{}" })),
        );
        taken(protocol, &hover(json!({ "action": "nonsense" })));
        refused(
            protocol,
            &hover(json!({ "action": "nonsense", "value": {} })),
        );
        taken(
            protocol,
            &hover(json!({ "action": "show_text", "contents": {} })),
        );
        refused(protocol, &hover(json!("a")));
    }
    until(
        578,
        735,
        &hover(json!({ "action": "show_text", "contents": {} })),
    );
    from(
        578,
        735,
        &hover(json!({ "action": "nonsense", "value": {} })),
    );
}

#[test]
fn hover_events_have_contents_until_769() {
    const ID: &str = "12345678-1234-1234-1234-123456789abc";
    let hover = |event: Value| with("hoverEvent", event);
    for protocol in [735, JSON, NBT, 769] {
        for right in [
            json!({ "action": "show_text", "contents": ["a", { "text": "b" }] }),
            json!({ "action": "show_text", "value": "a" }),
            json!({ "action": "show_item", "contents": "stone" }),
            json!({ "action": "show_item", "contents": { "id": "minecraft:stone", "count": 2 } }),
            json!({ "action": "show_entity", "contents": { "type": "pig", "id": ID, "name": "a" } }),
        ] {
            taken(protocol, &hover(right));
        }
        for wrong in [
            json!({ "action": "show_text", "contents": {} }),
            json!({ "action": "show_item", "contents": { "count": 2 } }),
            json!({ "action": "show_item", "contents": "No Item" }),
            json!({ "action": "show_entity", "contents": { "type": "pig", "id": "a" } }),
            json!({ "action": "show_entity", "contents": { "type": "pig", "id": ID, "name": {} } }),
        ] {
            refused(protocol, &hover(wrong));
        }
    }
    for loose in [
        json!({ "action": "nonsense", "contents": "a" }),
        json!({ "action": "show_text" }),
        json!({ "contents": "a" }),
    ] {
        until(JSON, NBT, &hover(loose.clone()));
        from(769, 770, &hover(loose));
    }
    // What the old form holds is looked at where there are no contents, or none that can be read.
    let both = json!({ "action": "show_text", "contents": {}, "value": "a" });
    from(JSON, NBT, &hover(both));
    let tag = json!({ "action": "show_item", "contents": { "id": "stone", "tag": {} } });
    refused(765, &hover(tag.clone()));
    taken(766, &hover(tag));
    let many = json!({ "action": "show_item", "contents": { "id": "stone", "count": 100 } });
    until(765, 766, &hover(many));
}

#[test]
fn hover_events_have_their_own_fields_from_770_on() {
    let hover = |event: Value| with("hover_event", event);
    for right in [
        json!({ "action": "show_text", "value": { "text": "a" } }),
        json!({ "action": "show_item", "id": "stone", "count": 99, "components": {} }),
        json!({ "action": "show_entity", "id": "pig", "uuid": [1, 2, 3, 4] }),
        json!({ "action": "show_entity", "id": "pig", "uuid": "1-2-3-4-5", "name": "a" }),
    ] {
        taken(770, &hover(right));
    }
    for wrong in [
        json!({ "action": "show_text", "contents": "a" }),
        json!({ "action": "show_text", "value": {} }),
        json!({ "action": "show_item", "id": "stone", "count": 100 }),
        json!({ "action": "show_item", "id": "stone", "count": 0 }),
        json!({ "action": "show_item" }),
        json!({ "action": "show_entity", "id": "pig" }),
        json!({ "action": "show_entity", "id": "pig", "uuid": [1, 2, 3] }),
        json!({ "action": "show_entity", "id": "pig", "uuid": "1-2-3-4" }),
        json!({ "action": "nonsense" }),
        json!([]),
    ] {
        until(769, 770, &hover(wrong));
    }
}

#[test]
fn separators_come_with_755_and_translations_with_fallbacks_with_762() {
    until(754, 755, &json!({ "selector": "@a", "separator": {} }));
    until(761, 762, &json!({ "translate": "a", "fallback": {} }));
    assert_eq!(
        read(761, &json!({ "translate": "a", "fallback": "b" })).as_deref(),
        Ok("a")
    );
}

#[test]
fn pictures_are_sprites_or_heads() {
    for right in [
        json!({ "object": "atlas", "sprite": "a", "atlas": "b" }),
        json!({ "object": "player", "player": { "name": "a" }, "hat": true }),
    ] {
        taken(773, &right);
    }
    for wrong in [
        json!({ "object": "atlas" }),
        json!({ "object": "nonsense", "sprite": "a" }),
        json!({ "sprite": "No Sprite" }),
        json!({ "sprite": "a", "atlas": 5 }),
        json!({ "player": 5 }),
        json!({ "player": "a", "hat": "no" }),
    ] {
        refused(773, &wrong);
    }
}

#[test]
fn a_separator_is_read_once_however_deep_it_is() {
    // Both a selector and a value of NBT would ask for it, at every depth.
    let mut value = json!({});
    for _ in 0..100 {
        value = json!({ "selector": "@a", "nbt": "a", "block": "b", "separator": value });
    }
    refused(NBT, &value);
}

#[test]
fn a_tag_that_is_no_component_is_refused() {
    let version = Version::new(NBT);
    for tag in [
        Tag::Int(5),
        Tag::Byte(1),
        Tag::IntArray(vec![1]),
        Tag::List(List {
            kind: Kind::End,
            items: vec![],
        }),
    ] {
        assert!(Text::from_nbt(version, &tag).is_err(), "{tag:?}");
    }
    // No number in a component is needed to be finite.
    let mut translation = Compound::default();
    translation.push("translate", Tag::String("k".to_owned()));
    translation.push(
        "with",
        Tag::List(List {
            kind: Kind::Float,
            items: vec![Tag::Float(f32::NAN)],
        }),
    );
    assert!(Text::from_nbt(version, &Tag::Compound(translation)).is_ok());
}

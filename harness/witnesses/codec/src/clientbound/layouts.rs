//! What our client has no model of and takes apart by its layout: samples with a value in every field, compared by the
//! values that are read.

use infrarust_protocol::packets::play::commands::{CCommands, CommandNode, Parser};
use infrarust_protocol::packets::play::tab_complete::{CTabCompleteResponse, TabCompleteMatch};
use infrarust_protocol::packets::{
    BossBarAction, CBossBar, CClearTitles, CConfigResourcePack, CConfigResourcePackPop,
    CConfigResourcePackPush, CConfigStoreCookie, CConfigTransfer, CResourcePack, CResourcePackPop,
    CResourcePackPush, CSetContainerContent, CSetSubtitle, CSetTitle, CSetTitleTimes, CStoreCookie,
    CTabListHeaderFooter, CTitleLegacy, CTransfer, Packet,
};
use uuid::Uuid;

use super::{JSON, KEY, UUID};
use crate::judge::{Run, Told};

/// What [`text`] reads.
const TEXT: &str = "Said";
const NOTHING: [&str; 0] = [];
const FADE: [i32; 3] = [10, 70_000, -3];
const URL: &str = "https://example.org/pack.zip";
const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

pub(super) fn all(run: &mut Run<'_>) {
    titles(run);
    boss_bar(run);
    tab_list(run);
    commands(run);
    windows(run);
    leaving(run);
    resource_packs(run);
}

/// A text component: a string of JSON, or NBT from 765 on.
fn text(run: &Run<'_>) -> Vec<u8> {
    const NBT: i32 = 765;
    /// NBT's tag of a string.
    const STRING: u8 = 8;
    match u8::try_from(TEXT.len()) {
        Ok(length) if run.since(NBT) => [&[STRING, 0, length][..], TEXT.as_bytes()].concat(),
        _ => JSON.as_bytes().to_vec(),
    }
}

fn told<T: Packet, S: ToString>(packet: T, says: impl IntoIterator<Item = S>) -> Told<T> {
    Told {
        packet,
        says: says.into_iter().map(|value| value.to_string()).collect(),
    }
}

fn titles(run: &mut Run<'_>) {
    let [fade_in, stay, fade_out] = FADE;
    let title = CSetTitle { text: text(run) };
    run.by_layout("set_title_text", vec![told(title, [TEXT])], true);
    let subtitle = CSetSubtitle { text: text(run) };
    run.by_layout("set_title_subtitle", vec![told(subtitle, [TEXT])], true);
    let times = CSetTitleTimes {
        fade_in,
        stay,
        fade_out,
    };
    run.by_layout("set_title_time", vec![told(times, FADE)], true);
    let clear = [true, false].map(|reset| told(CClearTitles { reset }, [reset]));
    run.by_layout("clear_titles", clear.into(), true);
    let times = CTitleLegacy::SetTimes {
        fade_in,
        stay,
        fade_out,
    };
    let legacy = vec![
        told(CTitleLegacy::SetTitle(JSON.to_owned()), [TEXT]),
        told(CTitleLegacy::SetSubtitle(JSON.to_owned()), [TEXT]),
        told(times, FADE),
        told(CTitleLegacy::Hide, NOTHING),
        told(CTitleLegacy::Reset, NOTHING),
    ];
    run.by_layout("title", legacy, true);
}

fn boss_bar(run: &mut Run<'_>) {
    let title = text(run);
    let bar = |action, says: &[&str]| {
        let id = Uuid::from_u128(UUID);
        let uuid = format!("{UUID:032x}");
        told(CBossBar { id, action }, [&[uuid.as_str()], says].concat())
    };
    let add = BossBarAction::Add {
        title: title.clone(),
        health: 0.75,
        color: 5,
        division: 3,
        flags: 6,
    };
    let style = BossBarAction::UpdateStyle {
        color: 5,
        division: 3,
    };
    let samples = vec![
        bar(add, &[TEXT, "0.75", "5", "3", "6"]),
        bar(BossBarAction::Remove, &["1"]),
        bar(BossBarAction::UpdateHealth(0.25), &["2", "0.25"]),
        bar(BossBarAction::UpdateTitle(title), &["3", TEXT]),
        bar(style, &["4", "5", "3"]),
        bar(BossBarAction::UpdateFlags(2), &["5", "2"]),
    ];
    run.by_layout("boss_bar", samples, true);
}

fn tab_list(run: &mut Run<'_>) {
    let list = CTabListHeaderFooter {
        header: text(run),
        footer: text(run),
    };
    run.by_layout("playerlist_header", vec![told(list, [TEXT, TEXT])], true);
}

/// Parsers of arguments that have been there since commands travel as a tree, with properties in each form.
const PARSERS: [(&str, &[u8]); 9] = [
    ("brigadier:bool", &[]),
    ("brigadier:float", &[3, 0, 0, 0, 0, 0x3f, 0x80, 0, 0]),
    (
        "brigadier:double",
        &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
    ),
    ("brigadier:integer", &[1, 0xff, 0xff, 0xff, 0xfe]),
    ("brigadier:integer", &[2, 0, 0, 0, 7]),
    ("brigadier:string", &[2]),
    ("minecraft:entity", &[3]),
    ("minecraft:score_holder", &[1]),
    ("minecraft:vec3", &[]),
];

/// Parsers that name a registry.
const OF_REGISTRIES: [&str; 5] = [
    "resource_or_tag",
    "resource_or_tag_key",
    "resource",
    "resource_key",
    "resource_selector",
];

/// Parsers without properties, of all protocols from 759 on, where they travel as numbers. The codec knows which are
/// whose.
const BARE: [&str; 52] = [
    "game_profile",
    "block_pos",
    "column_pos",
    "vec3",
    "vec2",
    "block_state",
    "block_predicate",
    "item_stack",
    "item_predicate",
    "color",
    "component",
    "message",
    "nbt_compound_tag",
    "nbt_tag",
    "nbt_path",
    "objective",
    "objective_criteria",
    "operation",
    "particle",
    "angle",
    "rotation",
    "scoreboard_slot",
    "swizzle",
    "team",
    "item_slot",
    "resource_location",
    "mob_effect",
    "function",
    "entity_anchor",
    "int_range",
    "float_range",
    "item_enchantment",
    "entity_summon",
    "dimension",
    "template_mirror",
    "template_rotation",
    "uuid",
    "gamemode",
    "heightmap",
    "style",
    "item_slots",
    "loot_table",
    "loot_predicate",
    "loot_modifier",
    "hex_color",
    "dialog",
    "team_color",
    "context_float_provider",
    "context_int_provider",
    "slot_source",
    "feature",
    "swing_animation",
];

/// The parsers of a protocol with properties.
fn parsers(run: &Run<'_>) -> Vec<(String, Vec<u8>)> {
    const NUMBERED: i32 = 759;
    const TIME_HAS_LEAST: i32 = 762;
    const REGISTRY: &[u8] = b"\x0fminecraft:block";
    let mut all: Vec<_> = PARSERS
        .iter()
        .map(|(name, properties)| ((*name).to_owned(), properties.to_vec()))
        .collect();
    if !run.since(NUMBERED) {
        return all;
    }
    let least = if run.since(TIME_HAS_LEAST) { 4 } else { 0 };
    all.push(("minecraft:time".to_owned(), vec![0; least]));
    let game = |name: &&str, properties: &[u8]| (format!("minecraft:{name}"), properties.to_vec());
    all.extend(OF_REGISTRIES.iter().map(|name| game(name, REGISTRY)));
    all.extend(BARE.iter().map(|name| game(name, &[])));
    all.retain(|(name, properties)| run.can_write(&tree(vec![argument(name, properties, None)])));
    all
}

fn argument(parser: &str, properties: &[u8], suggestions: Option<&str>) -> CommandNode {
    let parser = Parser::Named {
        identifier: parser.to_owned(),
        properties: properties.to_vec(),
    };
    CommandNode::argument("argument", parser, suggestions)
}

fn tree(nodes: Vec<CommandNode>) -> CCommands {
    CCommands {
        nodes,
        root_index: 0,
    }
}

fn commands(run: &mut Run<'_>) {
    let root = |children| CommandNode {
        children,
        ..CommandNode::root()
    };
    let mut nodes = vec![
        root(vec![1, 2]),
        CommandNode::redirect("alias", 2),
        CommandNode::literal_executable("login"),
    ];
    let mut says = vec!["alias".to_owned(), "login".to_owned()];
    let mut children = Vec::new();
    for (name, properties) in parsers(run) {
        let suggestions = Some("minecraft:ask_server").filter(|_| properties.is_empty());
        children.extend(i32::try_from(nodes.len()));
        nodes.push(argument(&name, &properties, suggestions));
        says.push("argument".to_owned());
        // One has two names.
        if name != "minecraft:nbt_compound_tag" {
            says.push(name);
        }
        says.extend(suggestions.map(str::to_owned));
    }
    nodes[2].children = children;
    let alone = tree(vec![root(Vec::new())]);
    let samples = vec![told(alone, ["0"]), told(tree(nodes), says)];
    run.by_layout("declare_commands", samples, true);
    let plain = TabCompleteMatch {
        text: "first".to_owned(),
        tooltip: None,
    };
    let with_tooltip = TabCompleteMatch {
        text: "second".to_owned(),
        tooltip: Some(text(run)),
    };
    let answer = CTabCompleteResponse {
        transaction_id: 300,
        start: 1,
        length: 2,
        matches: vec![plain, with_tooltip],
    };
    let says = ["300", "1", "2", "first", "second", TEXT];
    run.by_layout("tab_complete", vec![told(answer, says)], true);
}

/// Empty slots alone, which prove nothing of a full one.
fn windows(run: &mut Run<'_>) {
    let empty = CSetContainerContent {
        window_id: 0,
        state_id: 0,
        empty_slots: 46,
    };
    run.by_layout("window_items", vec![told(empty, ["46"])], false);
}

fn leaving(run: &mut Run<'_>) {
    let host = "example.org".to_owned();
    let says = ["example.org", "25566"];
    let transfer = CTransfer {
        host: host.clone(),
        port: 25_566,
    };
    run.by_layout("transfer", vec![told(transfer, says)], true);
    let transfer = CConfigTransfer { host, port: 25_566 };
    run.by_layout("transfer", vec![told(transfer, says)], true);
    let (key, payload) = (KEY.to_owned(), vec![1, 2, 3]);
    let cookie = CStoreCookie {
        key: key.clone(),
        payload: payload.clone(),
    };
    run.by_layout("store_cookie", vec![told(cookie, [KEY])], true);
    let cookie = CConfigStoreCookie { key, payload };
    run.by_layout("store_cookie", vec![told(cookie, [KEY])], true);
}

/// Samples of an offer, with a prompt and without; the fields that both forms have are the same.
macro_rules! offers {
    ($run:ident, $name:literal, $kind:ident { $($field:ident: $value:expr),* }) => {{
        let first: Vec<String> = vec![$(format!("{:032x}", Uuid::as_u128(&$value))),*];
        let prompt = text($run);
        let offer = |forced, prompt| $kind {
            $($field: $value,)*
            url: URL.to_owned(),
            hash: HASH.to_owned(),
            forced,
            prompt,
        };
        let bare = [first, vec![URL.to_owned(), HASH.to_owned()]].concat();
        // Until 754 an offer can neither be forced nor has it a prompt.
        let more = ["true", TEXT].map(str::to_owned);
        let full = if $run.since(755) { [&bare[..], &more].concat() } else { bare.clone() };
        let samples = vec![told(offer(true, Some(prompt)), full), told(offer(false, None), bare)];
        $run.by_layout($name, samples, true);
    }};
}

fn resource_packs(run: &mut Run<'_>) {
    let id = Uuid::from_u128(UUID);
    offers!(run, "resource_pack_send", CResourcePack {});
    offers!(run, "resource_pack_send", CConfigResourcePack {});
    offers!(run, "add_resource_pack", CResourcePackPush { id: id });
    offers!(run, "add_resource_pack", CConfigResourcePackPush { id: id });
    let uuid = format!("{UUID:032x}");
    let samples = vec![
        told(CResourcePackPop { id: Some(id) }, [&uuid]),
        told(CResourcePackPop { id: None }, [false]),
    ];
    run.by_layout("remove_resource_pack", samples, true);
    let samples = vec![
        told(CConfigResourcePackPop { id: Some(id) }, [&uuid]),
        told(CConfigResourcePackPop { id: None }, [false]),
    ];
    run.by_layout("remove_resource_pack", samples, true);
}

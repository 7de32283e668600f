//! What the kit is asked to show: every kind of packet that a lobby sends to a player in the world, with values that cannot
//! be mistaken for one another.

use guest_kit::board::{self, Look, Team};
use guest_kit::commands::{Node, commands};
use guest_kit::entity::{self, Stance};
use guest_kit::offer::{self, Pack};
use guest_kit::player_list::{Change, Listed, player_list};
use guest_kit::screen::{self, BossBar};
use guest_kit::window::{self, Stones};
use guest_kit::{JoinGame, Packet, Version, effect, world};
use vb_data::{Direction, State};

use crate::record::{Meant, Recorded, Value, Writer};

const UUID: u128 = 0x0011_2233_4455_4677_8899_aabb_ccdd_eeff;
/// Takes three bytes as a varint.
const ENTITY: i32 = 70_000;
const STANCE: Stance = Stance {
    at: [-8.5, 65.25, 1_000.0],
    yaw: 90.0,
    pitch: -45.0,
};
const LINE: Listed<'_> = Listed {
    uuid: UUID,
    name: "Witness",
    shown: Some("a witness"),
    game_mode: 2,
    ping: 300,
};
const LOOK: Look<'_> = Look {
    title: "title",
    prefix: "prefix",
    suffix: "suffix",
};
const PACK: Pack<'_> = Pack {
    uuid: UUID,
    url: "http://localhost/pack.zip",
    hash: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    prompt: "a prompt",
};

/// All of it.
pub(crate) fn record(version: &Version) -> Vec<Recorded> {
    [
        screens,
        lists,
        boards,
        windows,
        entities,
        surroundings,
        offers,
    ]
    .into_iter()
    .flat_map(|part| part(version))
    .map(|(packet, meant)| recorded(version, packet, meant))
    .collect()
}

type Shown = Vec<(Packet, Vec<Meant>)>;

fn one(packet: Option<Packet>, meant: Vec<Meant>) -> Shown {
    packet.map(|packet| (packet, meant)).into_iter().collect()
}

fn screens(version: &Version) -> Shown {
    let mut shown: Shown = screen::title(version, "a title", "a subtitle", [11, 222, 3_333])
        .into_iter()
        .map(|packet| (packet, Vec::new()))
        .collect();
    for reset in [false, true] {
        shown.extend(one(screen::clear_title(version, reset), Vec::new()));
    }
    shown.extend(one(screen::action_bar(version, "a line"), Vec::new()));
    shown.extend(one(
        screen::tab_header(version, "above", "below"),
        vec![text("header", "above"), text("footer", "below")],
    ));
    let bar = |change, meant| one(screen::boss_bar(version, UUID, change), meant);
    let uuid = || Meant {
        field: "entityUUID",
        value: Value::Uuid(UUID),
    };
    let add = BossBar::Add {
        title: "a bar",
        health: 0.25,
        colour: 3,
        notches: 2,
    };
    shown.extend(bar(
        add,
        vec![
            uuid(),
            int("action", 0),
            text("title", "a bar"),
            float("health", 0.25),
            int("color", 3),
            int("dividers", 2),
        ],
    ));
    shown.extend(bar(BossBar::Remove, vec![uuid(), int("action", 1)]));
    shown.extend(bar(BossBar::Health(0.5), vec![float("health", 0.5)]));
    shown.extend(bar(BossBar::Title("b"), vec![text("title", "b")]));
    shown.extend(bar(
        BossBar::Style(5, 4),
        vec![int("color", 5), int("dividers", 4)],
    ));
    shown.extend(bar(BossBar::Flags(2), vec![int("flags", 2)]));
    shown.extend(one(
        screen::experience(version, 0.75, 300, 4_000),
        vec![
            float("experienceBar", 0.75),
            int("level", 300),
            int("totalExperience", 4_000),
        ],
    ));
    shown.extend(one(screen::held_slot(version, 4), vec![int("slot", 4)]));
    shown
}

fn lists(version: &Version) -> Shown {
    let changes = [
        Change::Add,
        Change::GameMode,
        Change::Ping,
        Change::Shown,
        Change::Remove,
    ];
    let mut shown: Shown = changes
        .into_iter()
        .flat_map(|change| one(player_list(version, change, LINE), Vec::new()))
        .collect();
    let tree = [
        Node::Root(&[1, 2, 4]),
        Node::Literal("leave", true, &[]),
        Node::Literal("server", false, &[3]),
        Node::Word("name", true),
        Node::Alias("play", 2),
    ];
    shown.extend(one(commands(version, &tree), vec![int("rootIndex", 0)]));
    shown
}

fn boards(version: &Version) -> Shown {
    let objective = |change| board::objective(version, "objective", change, "its title");
    let named = || string("name", "objective");
    let mut shown = Vec::new();
    for (change, number) in [
        (board::Change::Add, 0),
        (board::Change::Update, 2),
        (board::Change::Remove, 1),
    ] {
        shown.extend(one(objective(change), vec![named(), int("action", number)]));
    }
    shown.extend(one(
        board::display(version, 1, "objective"),
        vec![int("position", 1), named()],
    ));
    shown.extend(one(
        board::score(version, "of", "objective", -70_000),
        vec![
            string("itemName", "of"),
            string("scoreName", "objective"),
            int("value", -70_000),
        ],
    ));
    shown.extend(one(
        board::reset_score(version, "of", "objective"),
        Vec::new(),
    ));
    let changes = [
        Team::Add(LOOK, &["one", "two"]),
        Team::Update(LOOK),
        Team::Join(&["one"]),
        Team::Leave(&["one"]),
        Team::Remove,
    ];
    for change in changes {
        let meant = vec![string("team", "a team")];
        shown.extend(one(board::team(version, "a team", change), meant));
    }
    shown
}

fn windows(version: &Version) -> Shown {
    let named = Some(Stones {
        count: 5,
        name: Some("a name"),
    });
    let bare = Some(Stones {
        count: 64,
        name: None,
    });
    let window = || int("windowId", 7);
    let mut shown = one(window::open_chest(version, 7, "a chest"), vec![window()]);
    shown.extend(one(
        window::contents(version, 7, &[named, None, bare]),
        vec![window()],
    ));
    for item in [named, bare, None] {
        let meant = vec![window(), int("slot", 300)];
        shown.extend(one(window::slot(version, 7, 300, item), meant));
    }
    shown.extend(one(window::close(version, 7), vec![window()]));
    shown
}

fn entities(version: &Version) -> Shown {
    let id = || int("entityId", ENTITY);
    let mut shown = one(
        entity::spawn_stand(version, ENTITY, UUID, STANCE),
        vec![id()],
    );
    shown.extend(one(
        entity::spawn_player(version, ENTITY, UUID, "Witness", STANCE),
        vec![id()],
    ));
    shown.extend(one(entity::hologram(version, ENTITY, "a name"), vec![id()]));
    shown.extend(one(
        entity::head(version, ENTITY, 90.0),
        vec![id(), int("headYaw", 64)],
    ));
    shown.extend(one(entity::teleport(version, ENTITY, STANCE), vec![id()]));
    shown.extend(one(entity::halt(version, ENTITY), vec![id()]));
    let held = Stones {
        count: 2,
        name: None,
    };
    shown.extend(one(entity::hold(version, ENTITY, held), vec![id()]));
    for packet in entity::destroy(version, &[ENTITY, 1]) {
        shown.push((packet, Vec::new()));
    }
    shown.extend(one(
        effect::particles(version, [1.5, 65.0, -2.25], 9),
        vec![int("particles|amount", 9)],
    ));
    shown.extend(one(
        effect::sound(version, [1, -2, 3]),
        vec![int("x", 8), int("y", -16), int("z", 24)],
    ));
    shown
}

fn surroundings(version: &Version) -> Shown {
    let mut shown = one(
        JoinGame::overworld(version).respawn(version),
        vec![Meant {
            field: "gamemode",
            value: Value::Choice(2, "adventure"),
        }],
    );
    shown.extend(one(
        world::time(version, 1_000_000_007, 6_000),
        vec![Meant {
            field: "age",
            value: Value::Int(1_000_000_007),
        }],
    ));
    shown.extend(one(
        world::difficulty(version, 3),
        vec![Meant {
            field: "difficulty",
            value: Value::Choice(3, "hard"),
        }],
    ));
    shown.extend(one(
        world::rain(version, 0.5),
        vec![
            Meant {
                field: "reason",
                value: Value::Choice(7, "rain_level_change"),
            },
            float("gameMode", 0.5),
        ],
    ));
    shown.extend(one(
        world::border(version, [8.5, -9.25], 64.0),
        vec![
            double("x", 8.5),
            double("z", -9.25),
            double("new_radius|newDiameter", 64.0),
            int("warning_blocks|warningBlocks", 5),
            int("warning_time|warningTime", 15),
        ],
    ));
    shown
}

fn offers(version: &Version) -> Shown {
    let mut shown = one(
        offer::offer_pack(version, PACK),
        vec![string("url", PACK.url), string("hash", PACK.hash)],
    );
    shown.extend(one(offer::remove_pack(version, UUID), Vec::new()));
    shown.extend(one(
        offer::store_cookie(version, "witness:cookie", b"value"),
        vec![string("key", "witness:cookie")],
    ));
    shown.extend(one(
        offer::ask_cookie(version, "witness:cookie"),
        vec![string("cookie", "witness:cookie")],
    ));
    shown.extend(one(
        offer::transfer(version, "witness.example", 25_566),
        vec![string("host", "witness.example"), int("port", 25_566)],
    ));
    shown.extend(one(
        offer::server_links(version, &[("Rules", "https://example.org/rules")]),
        Vec::new(),
    ));
    shown.extend(one(
        offer::brand(version, "a brand"),
        vec![string("channel", version.brand_channel())],
    ));
    for packet in offer::bundle(version, Vec::new()) {
        shown.push((packet, Vec::new()));
    }
    shown
}

fn recorded(version: &Version, packet: Packet, meant: Vec<Meant>) -> Recorded {
    let table = vb_data::packets(version.protocol(), State::Play, Direction::Clientbound);
    let name = table.and_then(|table| table.name(packet.id));
    Recorded {
        state: State::Play,
        direction: Direction::Clientbound,
        id: packet.id,
        name: name.unwrap_or_default().to_owned(),
        data: packet.data,
        writer: Writer::Kit,
        meant,
    }
}

fn int(field: &'static str, value: i32) -> Meant {
    Meant {
        field,
        value: Value::Int(value.into()),
    }
}

fn float(field: &'static str, value: f32) -> Meant {
    Meant {
        field,
        value: Value::Float(value),
    }
}

fn double(field: &'static str, value: f64) -> Meant {
    Meant {
        field,
        value: Value::Double(value),
    }
}

fn string(field: &'static str, value: &str) -> Meant {
    Meant {
        field,
        value: Value::Str(value.to_owned()),
    }
}

fn text(field: &'static str, value: &str) -> Meant {
    Meant {
        field,
        value: Value::Text(value.to_owned()),
    }
}

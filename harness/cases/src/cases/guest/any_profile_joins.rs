//! A client is not turned away for its name, its UUID or its settings.

use std::time::Duration;

use sim_proto::{ClientConfig, Settings};
use vb_contract::{Callback, GameProfile, ProfileProperty, Uuid};
use vb_data::State;

use crate::case::Case;
use crate::lab::door::{Host, Need};
use crate::lab::guest::GuestLab;
use crate::lab::player::JOIN_LIMIT;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-JOIN-14";

/// Long enough for what follows a join.
const AFTER: Duration = Duration::from_secs(1);

/// Each unusual client, and what is unusual about it.
fn unusual(lab: &GuestLab) -> Vec<(&'static str, ClientConfig)> {
    let named = |name: &str| ClientConfig {
        name: name.to_owned(),
        ..lab.client()
    };
    let claiming = |uuid: u128| ClientConfig {
        uuid,
        ..lab.client()
    };
    let set = |settings: Settings| ClientConfig {
        settings,
        ..lab.client()
    };
    vec![
        ("a name of one character", named("x")),
        (
            "a name of 16 characters outside ASCII",
            named("äöüßéèêñçøåþðłžš"),
        ),
        (
            "a name of 16 characters of three bytes",
            named("名前名前名前名前名前名前名前名前"),
        ),
        (
            "a name of 8 characters outside the basic plane",
            named("😀😁😂😃😄😅😆😇"),
        ),
        ("a UUID of zeros", claiming(0)),
        ("a UUID of ones", claiming(u128::MAX)),
        ("the smallest settings", set(smallest())),
        ("the largest settings", set(largest())),
    ]
}

fn smallest() -> Settings {
    Settings {
        locale: String::new(),
        view_distance: i8::MIN,
        chat_mode: 0,
        chat_colours: false,
        skin_parts: 0,
        main_hand: 0,
        text_filtering: false,
        server_listing: false,
        particles: 0,
        difficulty: 0,
        show_cape: false,
    }
}

fn largest() -> Settings {
    Settings {
        locale: "名".repeat(16),
        view_distance: i8::MAX,
        chat_mode: 2,
        chat_colours: true,
        skin_parts: u8::MAX,
        main_hand: 1,
        text_filtering: true,
        server_listing: true,
        particles: 2,
        difficulty: 3,
        show_cape: true,
    }
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "any-profile-joins",
    &["VB-JOIN-14"],
    "Joins with names, UUIDs, properties and settings at the limits of the protocol.",
    |lab| Box::pin(run(lab)),
)
.needing(&[Need::Profiles]);

async fn run(lab: &GuestLab) -> Outcome {
    // Twice, so that what a second client of any kind meets is not blamed on its name.
    for _ in 0..2 {
        let mut plain = lab.join().await?;
        plain.live(AFTER).await;
        if plain.closed().is_some() {
            return Err(plain.untestable(plain.stands()));
        }
        plain.leave().await;
    }
    for (what, config) in unusual(lab) {
        come_in(lab, &lab.host, config, what).await?;
    }
    for (what, properties) in [
        ("20 properties", many as fn(&str) -> GameProfile),
        ("a property of 32,767 characters", long),
    ] {
        let host = lab.host_that(|plan| plan.profiles(properties)).await?;
        come_in(lab, &host, lab.client(), what).await?;
    }
    Ok(())
}

/// A client comes in world on this host, although it has `what`.
async fn come_in(lab: &GuestLab, host: &Host, config: ClientConfig, what: &str) -> Outcome {
    let mut player = lab.connect_to(host, config);
    let joined = player.until_in_world(JOIN_LIMIT).await;
    // The settings arrive after the join on the protocols that have no configuration phase.
    player.live(AFTER).await;
    // From 759 on the client is told its properties too, and reads no more than 16: then no guest is asked.
    if player
        .fault()
        .is_some_and(|(_, fault)| fault.site.state == State::Login)
    {
        return Ok(());
    }
    let expected = format!("a client in world although it has {what}");
    match lab.recorder.traps().first() {
        // The guest's timers know nothing of this client's name.
        Some(trap) if trap.callback == Callback::OnScheduledTask => {
            return Err(player.untestable(format!("the guest trapped: {trap}")));
        }
        Some(trap) => {
            return Err(player.broken(CLAUSE, expected, format!("the guest trapped: {trap}")));
        }
        None => {}
    }
    if !joined || player.closed().is_some() {
        return Err(player.broken(CLAUSE, expected, player.stands()));
    }
    player.leave().await;
    Ok(())
}

/// As many properties as the clause names.
fn many(name: &str) -> GameProfile {
    const MANY: usize = 20;
    profile(name, MANY, "value")
}

/// A property with the longest value that the clause names.
fn long(name: &str) -> GameProfile {
    const LONGEST: usize = 32_767;
    profile(name, 1, &"v".repeat(LONGEST))
}

fn profile(name: &str, properties: usize, value: &str) -> GameProfile {
    let property = |number: usize| ProfileProperty {
        name: format!("property-{number}"),
        value: value.to_owned(),
        signature: number.is_multiple_of(2).then(|| "signed".to_owned()),
    };
    GameProfile {
        uuid: Uuid::from_halves(1, 2),
        name: name.to_owned(),
        properties: (0..properties).map(property).collect(),
    }
}

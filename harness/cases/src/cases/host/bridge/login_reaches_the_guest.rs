//! A guest must know whom it has before it.

use std::sync::Arc;

use sim_proto::{Fnv, LoginSuccess, Packet};
use vb_contract::Event;
use vb_contract::{GameProfile, HostConfig, PlayerId, ProfileProperty, Uuid};

use super::probing::id_of;
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::door::{Host, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, with_config};
use crate::lab::native::Told;
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-BRG-01";

/// Properties of a profile: none, a skin, and as many as guests are asked to bear.
const COUNTS: [u8; 3] = [0, 1, 20];

/// The value of a skin is about this long.
const LONG: usize = 1500;

/// Longer texts stand in the probe's log as their length and hash.
const LONGEST_TEXT: usize = 1024;

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "login-reaches-the-guest",
    &["VB-BRG-01"],
    "Logs in with profiles of none to many properties, and compares them with what listeners and handlers are given.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if !lab.offers(Need::Profiles) {
        return as_it_is(lab).await;
    }
    for count in COUNTS {
        // A native plugin sees every event, and then the probe gets the session.
        let watch = lab.native("watch").only_for("nobody has this name");
        let probe = with_config(&[]);
        let plan = plan(count)
            .native("watch", Arc::new(watch), may_play())
            .guest(PROBE_NAME, lab.probe(), probe);
        let host = lab.start(plan).await?;
        let told = lab.notebook.of("watch").len();
        let lines = lab.recorder.guest_log(PROBE_NAME).len();
        let mut player = lab.join(&host).await?;
        login_success(&player, count)?;
        events(lab, &player, count, told)?;
        guest(lab, &mut player, count, lines).await?;
        native(lab, count).await?;
    }
    Ok(())
}

/// On a host that takes profiles from where it does: the one of the login success, whatever its properties.
async fn as_it_is(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    let mut player = lab.join(&host).await?;
    let success = success(&player)?;
    let (id, protocol) = (id_of(&player)?, lab.protocol);
    let profile = GameProfile {
        uuid: Uuid(success.uuid.to_be_bytes()),
        name: success.name,
        properties: Vec::new(),
    };
    lab.settle().await;
    let log = lab.recorder.guest_log(PROBE_NAME);
    let words = format!("name={} uuid={} properties=", profile.name, profile.uuid);
    for lead in [
        format!("event post-login player={id} protocol={protocol} {words}"),
        format!("start handler=1 player={id} protocol={protocol} {words}"),
    ] {
        let kind = lead.split('=').next().unwrap_or_default();
        let mut lines = log.iter().map(|(_, line)| line);
        match lines.find(|line| line.starts_with(kind)) {
            Some(line) if line.starts_with(&lead) => {}
            line => {
                let got = line.cloned().unwrap_or_else(|| "nothing".to_owned());
                return Err(player.broken(CLAUSE, format!("a guest to be given: {lead}"), got));
            }
        }
    }
    let said = ask(lab, &mut player, "info").await?;
    let right = format!("ok player={id} protocol={protocol} name={}", profile.name);
    same(&player, "the session to say", &right, &said)
}

fn success(player: &Player) -> Result<LoginSuccess, Stop> {
    let success = player
        .seen()
        .iter()
        .find_map(|seen| match &seen.packet()?.packet {
            Packet::LoginSuccess(success) => Some(success.clone()),
            _ => None,
        });
    success.ok_or_else(|| player.untestable("no login success came"))
}

/// A host that gives everybody so many properties.
fn plan(count: u8) -> Plan {
    Plan::new(HostConfig::default()).profiles(move |name| profile(name, count))
}

/// Every other property is signed, every third one long, and one of the names is there twice.
fn profile(name: &str, count: u8) -> GameProfile {
    let property = |number: u8| ProfileProperty {
        name: match number {
            0 | 7 => "textures".to_owned(),
            _ => format!("property-{number}"),
        },
        value: match number % 3 {
            0 => format!("{number}").repeat(LONG / 2),
            1 => String::new(),
            _ => format!("wert-ß-{number}"),
        },
        signature: number
            .is_multiple_of(2)
            .then(|| format!("signature-{number}")),
    };
    GameProfile {
        uuid: Uuid([0xa5 ^ count; 16]),
        name: name.to_owned(),
        properties: (0..count).map(property).collect(),
    }
}

/// The client must have been told the same, or all that follows is about somebody else.
fn login_success(player: &Player, count: u8) -> Outcome {
    let success = success(player)?;
    let expected = profile(&success.name, count).uuid;
    if success.uuid.to_be_bytes() == expected.0 {
        return Ok(());
    }
    Err(player.untestable(format!(
        "the client was told the UUID {:032x} and not {expected}",
        success.uuid
    )))
}

/// The profile that the client's name belongs to.
fn expected(player: &Player, count: u8) -> Result<GameProfile, Stop> {
    Ok(profile(&success(player)?.name, count))
}

fn compare(player: &Player, whose: &str, expected: &GameProfile, found: &GameProfile) -> Outcome {
    if expected == found {
        return Ok(());
    }
    let (wanted, got) = if expected.properties.len() != found.properties.len() {
        let count = |profile: &GameProfile| format!("{} properties", profile.properties.len());
        (count(expected), count(found))
    } else {
        (format!("{expected:?}"), format!("{found:?}"))
    };
    let wanted = format!("{whose} to have the profile of the login: {wanted}");
    Err(player.broken(CLAUSE, wanted, got))
}

fn same<T: PartialEq + std::fmt::Display>(
    player: &Player,
    what: &str,
    expected: &T,
    found: &T,
) -> Outcome {
    if expected == found {
        return Ok(());
    }
    Err(player.broken(CLAUSE, format!("{what} {expected}"), found.to_string()))
}

/// What a listener was shown.
fn events(lab: &HostLab, player: &Player, count: u8, skip: usize) -> Outcome {
    let profile = expected(player, count)?;
    let id = id_of(player)?;
    let told = lab.notebook.of("watch");
    let mut seen = 0;
    let mut check = |whose: &str, of: PlayerId, found: &GameProfile, protocol: Option<i32>| {
        seen += 1;
        same(player, &format!("the player id of {whose} to be"), &id, &of)?;
        if let Some(protocol) = protocol {
            let what = format!("the protocol of {whose} to be");
            same(player, &what, &lab.protocol, &protocol)?;
        }
        compare(player, whose, &profile, found)
    };
    for (_, told) in told.iter().skip(skip) {
        match told {
            Told::Event(Event::PreLogin(event)) => {
                same(
                    player,
                    "the name at pre-login to be",
                    &profile.name,
                    &event.name,
                )?;
                let what = "the protocol at pre-login to be";
                same(player, what, &lab.protocol, &event.protocol_version)?;
            }
            Told::Event(Event::PostLogin(event)) => check(
                "post-login",
                event.player_id,
                &event.profile,
                Some(event.protocol_version),
            )?,
            Told::Event(Event::ChooseInitialServer(event)) => check(
                "choose-initial-server",
                event.player_id,
                &event.profile,
                None,
            )?,
            Told::Event(Event::ServerPreConnect(event)) => check(
                "server-pre-connect",
                event.player_id,
                &event.profile,
                Some(event.protocol_version),
            )?,
            _ => {}
        }
    }
    match seen {
        3 => Ok(()),
        _ => Err(player.untestable(format!("{seen} events with a profile came"))),
    }
}

/// As the probe writes it into its log.
fn words(profile: &GameProfile) -> String {
    let short = |text: &str| match text.len() {
        ..=LONGEST_TEXT => text.to_owned(),
        len => format!("#{len}:{}", Fnv::of(text.as_bytes()).hex()),
    };
    let mut words = format!(
        "name={} uuid={} properties={}",
        profile.name,
        profile.uuid,
        profile.properties.len()
    );
    for (index, property) in profile.properties.iter().enumerate() {
        let (name, value) = (short(&property.name), short(&property.value));
        words.push_str(&format!(" name{index}={name} value{index}={value}"));
        if let Some(signature) = &property.signature {
            words.push_str(&format!(" signature{index}={}", short(signature)));
        }
    }
    words
}

/// What a guest was given, in an event and by its session.
async fn guest(lab: &HostLab, player: &mut Player, count: u8, skip: usize) -> Outcome {
    let words = words(&expected(player, count)?);
    let (id, protocol) = (id_of(player)?, lab.protocol);
    let lines: Vec<String> = lab
        .recorder
        .guest_log(PROBE_NAME)
        .into_iter()
        .skip(skip)
        .map(|(_, line)| line)
        .collect();
    for line in [
        format!("event post-login player={id} protocol={protocol} {words}"),
        format!("start handler=1 player={id} protocol={protocol} {words}"),
    ] {
        let kind: String = line.split_inclusive(' ').take(2).collect();
        let start = kind.split('=').next().unwrap_or_default();
        let found = lines.iter().find(|line| line.starts_with(start));
        if found != Some(&line) {
            let nothing = "nothing".to_owned();
            return Err(player.broken(
                CLAUSE,
                format!("a guest to be given: {line}"),
                found.unwrap_or(&nothing),
            ));
        }
    }
    // The session goes on to say the same.
    let name = expected(player, count)?.name;
    let said = ask(lab, player, "info").await?;
    let right = format!("ok player={id} protocol={protocol} name={name}");
    same(player, "the session to say", &right, &said)
}

/// What a native handler was given.
async fn native(lab: &HostLab, count: u8) -> Outcome {
    let plan = plan(count).native("gate", Arc::new(lab.native("gate")), may_play());
    let host: Host = lab.start(plan).await?;
    let skip = lab.notebook.of("gate").len();
    let player = lab.join(&host).await?;
    let wanted = expected(&player, count)?;
    let given = lab
        .notebook
        .of("gate")
        .into_iter()
        .skip(skip)
        .find_map(|(_, told)| match told {
            Told::Start {
                player,
                profile,
                protocol,
            } => Some((player, profile, protocol)),
            _ => None,
        });
    let Some((id, profile, protocol)) = given else {
        return Err(player.untestable("no start was told"));
    };
    same(
        &player,
        "the player id of the session to be",
        &id_of(&player)?,
        &id,
    )?;
    same(
        &player,
        "the protocol of the session to be",
        &lab.protocol,
        &protocol,
    )?;
    compare(&player, "the session", &wanted, &profile)
}

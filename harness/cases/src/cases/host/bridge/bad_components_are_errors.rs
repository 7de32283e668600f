//! A client drops the connection on text that it cannot read, and a deep one can exhaust a stack on the way.

use super::probing::{in_world, pass};
use crate::case::Case;
use crate::cases::host::asking::ask;
use crate::lab::host::{HostLab, PROBE_NAME, STEP, with_config};
use crate::lab::player::Player;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-04";

/// From the clause.
const MOST_UNITS: usize = 32_767;
/// From the clause.
const MOST_NBT: usize = 65_535;
/// From the clause.
const MOST_LEVELS: usize = 64;

/// What is no text component, and words of which a message that says where the fault is has one: an offset, a column,
/// or the field.
const BAD: [(&str, &[&str]); 16] = [
    ("", &["offset 0", "column 0", "column 1", "end"]),
    (
        "{",
        &["offset 1", "offset 0", "column 1", "column 2", "end"],
    ),
    ("hello", &["offset 0", "column 1"]),
    (r#"{"text":"a"} x"#, &["offset 13", "column 14"]),
    (r#"{"text":}"#, &["offset 8", "column 9"]),
    (
        r#"{"text":"a"#,
        &["offset 10", "offset 9", "column 10", "column 11", "end"],
    ),
    (r#"{"text":"a",}"#, &["offset 12", "column 13"]),
    (r#"{"text":"\u12"}"#, &["offset 1", "column 1"]),
    ("null", &["$", "null", "offset 0"]),
    ("17", &["$", "offset 0"]),
    ("[]", &["$", "offset 0", "empty"]),
    ("{}", &["$", "offset 0", "content"]),
    (r#"{"color":"red"}"#, &["$", "offset 0", "content"]),
    (r#"{"text":"a","extra":"b"}"#, &["extra"]),
    (
        r#"{"text":"a","extra":["b",[{"text":7}]]}"#,
        &["extra[1]", "text", "offset 35"],
    ),
    (r#"{"text":"a","bold":"yes"}"#, &["bold"]),
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "bad-components-are-errors",
    &["VB-BRG-04"],
    "Sends and disconnects with what is no text component, and messages at and past both limits.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let probe = with_config(&[("join", "true"), ("packets", "quiet")]);
    let host = lab
        .host(|plan| plan.guest(PROBE_NAME, lab.probe(), probe))
        .await?;
    let mut player = in_world(lab, &host).await?;
    for (json, places) in BAD {
        refused(lab, &mut player, "message", json, places).await?;
    }
    for (json, places) in BAD.into_iter().skip(2).step_by(4) {
        refused(lab, &mut player, "disconnect", json, places).await?;
    }
    for json in [
        long(MOST_UNITS + 1),
        wide(MOST_UNITS + 1),
        in_nbt(MOST_NBT + 3),
        deep(MOST_LEVELS + 1),
        // A parser that recurses must not get this far.
        deep(15_000),
    ] {
        let places = [
            "32767", "32,767", "32768", "64", "65535", "65,535", "offset",
        ];
        refused(lab, &mut player, "message", &json, &places).await?;
    }
    let at = [
        long(MOST_UNITS),
        wide(MOST_UNITS),
        in_nbt(MOST_NBT),
        deep(MOST_LEVELS),
    ];
    accepted(lab, &mut player, &at).await
}

/// A string component of so many UTF-16 units, quotes included.
fn long(units: usize) -> String {
    format!("\"{}\"", "a".repeat(units - 2))
}

/// The same with characters of one unit and two bytes, so that it is not bytes that are counted.
fn wide(units: usize) -> String {
    format!("\"{}\"", "ß".repeat(units - 2))
}

/// A string of so many bytes in NBT, three a character.
fn in_nbt(bytes: usize) -> String {
    format!("\"{}\"", "名".repeat(bytes / 3))
}

/// So many levels of lists around a string.
fn deep(levels: usize) -> String {
    format!("{}\"a\"{}", "[".repeat(levels), "]".repeat(levels))
}

/// As a finding shows it.
fn shown(json: &str) -> String {
    match json.char_indices().nth(40) {
        Some((end, _)) => format!(
            "{}... ({} UTF-16 units)",
            json.get(..end).unwrap_or_default(),
            json.encode_utf16().count()
        ),
        None => json.to_owned(),
    }
}

/// How many messages and disconnects the client has.
fn texts(player: &Player) -> usize {
    let text =
        |packet: &sim_proto::Received| matches!(packet.packet, sim_proto::Packet::SystemChat(_));
    player.play().filter(|(_, packet)| text(packet)).count()
        + usize::from(player.closed().is_some())
}

async fn refused(
    lab: &HostLab,
    player: &mut Player,
    call: &str,
    json: &str,
    places: &[&str],
) -> Outcome {
    let before = texts(player);
    let answer = ask(lab, player, &format!("{call} json {json}")).await?;
    player.live(STEP).await;
    let what = shown(json);
    if !answer.starts_with("err invalid-component ") {
        let expected = format!("`invalid-component` for a {call} of {what}");
        return Err(player.broken(CLAUSE, expected, format!("the call answered: {answer}")));
    }
    // What one parser calls an offset is a position to another.
    let named = |place: &&str| {
        answer.contains(*place) || answer.contains(&place.replace("offset", "position"))
    };
    if !places.iter().any(named) {
        let expected = format!(
            "a message that says where the fault in {what} is: one of {}",
            places.join(", ")
        );
        return Err(player.broken(CLAUSE, expected, answer));
    }
    if texts(player) == before && player.fault().is_none() {
        return Ok(());
    }
    let expected = format!("nothing sent, and the session alive, after a {call} of {what}");
    Err(player.broken(CLAUSE, expected, player.stands()))
}

/// All of them, before the client reads any: whether it can is another claim.
async fn accepted(lab: &HostLab, player: &mut Player, at_the_limit: &[String]) -> Outcome {
    let before = texts(player);
    player.stop_reading();
    for json in at_the_limit {
        let answer = ask(lab, player, &format!("message json {json}")).await?;
        if answer != "ok" {
            let expected = format!("{} to be sent", shown(json));
            return Err(player.broken(CLAUSE, expected, format!("the call answered: {answer}")));
        }
    }
    player.resume();
    let deadline = lab.now() + lab.within(STEP);
    while lab.now() < deadline && texts(player) < before + at_the_limit.len() {
        // A connection that is over leaves the clock to us.
        pass(&mut [&mut *player], STEP).await;
    }
    if player.fault().is_some() || texts(player) == before + at_the_limit.len() {
        return Ok(());
    }
    let expected = format!("{} messages at the limits to arrive", at_the_limit.len());
    let got = format!("{} came; {}", texts(player) - before, player.stands());
    Err(player.broken(CLAUSE, expected, got))
}

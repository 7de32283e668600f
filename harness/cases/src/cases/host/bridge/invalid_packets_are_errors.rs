//! A guest must hear at once that a packet cannot be sent, and go on.

use std::time::Duration;

use vb_data::{Direction, State};

use super::probing::carried;
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::lab::host::HostLab;
use crate::lab::player::{JOIN_LIMIT, Player};
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-BRG-02";

/// The largest packet with its id that the protocol can express.
const LARGEST: usize = 2_097_151;

/// What would change the protocol's state behind the host's back.
const RESERVED: [&str; 2] = ["set_compression", "start_configuration"];

const WATCH: Duration = Duration::from_secs(1);

/// Bytes of an id that is not negative.
fn varint_length(id: i32) -> usize {
    match id {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    }
}

/// How many play packets the client has, but for the keep-alives and clocks that go on.
fn received(player: &Player) -> usize {
    player
        .play()
        .filter(|(_, packet)| !matches!(packet.name, "keep_alive" | "update_time"))
        .count()
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "invalid-packets-are-errors",
    &["VB-BRG-02"],
    "Has the probe send packets at and past every limit and looks at the answers and at what arrives.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[("join", "true")]).await?;
    let mut player = lab.join(&host).await?;
    if !player.until_in_world(lab.within(JOIN_LIMIT)).await {
        return Err(player.untestable(player.stands()));
    }
    let id = carrier(lab.protocol)?;
    let most = LARGEST - varint_length(id);
    let table = vb_data::packets(lab.protocol, State::Play, Direction::Clientbound);
    let reserved = RESERVED
        .iter()
        .filter_map(|name| Some((*name, table.and_then(|table| table.id(name))?)));
    let mut wrong: Vec<(String, String)> = vec![
        ("a negative id".to_owned(), "send -1 00".to_owned()),
        ("the least id".to_owned(), "send -2147483648 00".to_owned()),
        (
            "one byte too many".to_owned(),
            format!("fill {id} {}", most + 1),
        ),
    ];
    wrong.extend(reserved.map(|(name, id)| {
        (
            format!("`{name}`, which is reserved"),
            format!("send {id} 00"),
        )
    }));
    let before = received(&player);
    for (what, command) in &wrong {
        let answer = ask(lab, &mut player, command).await?;
        if !answer.starts_with("err invalid-packet") {
            let expected = format!("invalid-packet for {what}");
            return Err(player.broken(CLAUSE, expected, format!("the call answered: {answer}")));
        }
        if received(&player) != before || player.closed().is_some() {
            let got = format!(
                "after {what} {}, and {} packets had come",
                player.stands(),
                received(&player) - before
            );
            return Err(player.broken(CLAUSE, "nothing sent, and the session alive", got));
        }
    }
    let answer = ask(lab, &mut player, &format!("fill {id} {most}")).await?;
    let watch = lab.within(WATCH);
    let arrived = carried(lab, &mut player, 1, watch, |data| data.len() == most).await? > 0;
    if answer == "ok" && arrived {
        return Ok(());
    }
    let got = format!(
        "the call answered {answer}, and the packet {} arrive",
        if arrived { "did" } else { "did not" }
    );
    Err(player.broken(
        CLAUSE,
        format!("a packet of {LARGEST} bytes with its id to be sent"),
        got,
    ))
}

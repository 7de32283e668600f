//! What a client says while the guest is still preparing must not be lost or come too early.

use std::time::Duration;

use super::lines::{self, BUSY};
use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::host::HostLab;
use crate::lab::native::Told;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-03";

const EXPECTED: &str =
    "every packet that was sent during the start callback, in order, after it has returned";

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// More than twice the 256 packets that the host keeps in memory.
const COUNT: u32 = 600;

/// The same for a guest, which has a line for each in a log that takes a thousand a second.
const COUNT_IN_A_GUEST: u32 = 400;

/// Less than the start's deadline of 10 s.
const START: Duration = Duration::from_secs(5);

const WATCH: Duration = Duration::from_secs(2);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "packets-during-start-wait",
    &["VB-DSP-03"],
    "While a guest is busy in its start callback, and while a native one takes five seconds, the client sends hundreds of \
     packets, more than the host may keep.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        natively(lab).await?;
    }
    let host = lab.host_of_probe(&[("in.start", BUSY)]).await?;
    let packets: Vec<(i32, Vec<u8>)> = (0..COUNT_IN_A_GUEST)
        .map(|index| (MARK, index.to_be_bytes().to_vec()))
        .collect();
    lines::reach_after_the_start(lab, &host, CLAUSE, &packets).await
}

async fn natively(lab: &HostLab) -> Outcome {
    let slow = lab
        .native("gate")
        .on_start(|_| Box::pin(tokio::time::sleep(START)));
    let host = lab.host_of("gate", slow).await?;
    let mut player = lab.join(&host).await?;
    for index in 0..COUNT {
        if !player.send_raw(MARK, &index.to_be_bytes()) {
            return Err(player.untestable(format!("the client cannot send: {}", player.stands())));
        }
    }
    player.live(START + WATCH).await;
    let told = lab.notebook.sessions();
    let returned = told
        .iter()
        .position(|(_, told)| matches!(told, Told::Started(_)));
    let Some(returned) = returned else {
        return Err(player.untestable("the start callback did not return"));
    };
    let early = told
        .iter()
        .take(returned)
        .filter(|(_, told)| matches!(told, Told::Packet(..)))
        .count();
    if early > 0 {
        return Err(player.broken(
            CLAUSE,
            EXPECTED,
            format!("{early} packets came before the start had returned"),
        ));
    }
    let arrived: Vec<Vec<u8>> = lab
        .notebook
        .packets("gate")
        .into_iter()
        .filter(|packet| packet.packet_id == MARK)
        .map(|packet| packet.data.to_vec())
        .collect();
    let sent: Vec<Vec<u8>> = (0..COUNT)
        .map(|index| index.to_be_bytes().to_vec())
        .collect();
    if arrived == sent {
        return Ok(());
    }
    let differs = arrived
        .iter()
        .zip(&sent)
        .position(|(arrived, sent)| arrived != sent);
    let got = match differs {
        Some(at) => format!(
            "packet {at} is another: {:?} instead of {:?}",
            arrived.get(at),
            sent.get(at)
        ),
        None => format!("{} of {COUNT} came", arrived.len()),
    };
    Err(player.broken(CLAUSE, EXPECTED, got))
}

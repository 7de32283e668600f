//! A guest that is slow to start must not let a client fill the host's memory, nor cost the client what it sends.

use std::sync::Arc;
use std::time::Duration;

use super::lines::{self, BUSY};
use crate::case::Case;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, uncompressed, with_config};
use crate::lab::native::Told;
use crate::lab::player::Player;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-DSP-03";

/// An id that no protocol has.
const MARK: i32 = 0x7001;

/// From the clause.
const PACKETS: usize = 256;
const BYTES: usize = 1 << 20;

/// What may be on its way besides: buffers of the connection, of the host's reading, and frames that are not whole.
const ON_ITS_WAY: usize = 256 << 10;

/// As many of them at most go to a guest, which has a line for each in a log that takes a thousand a second.
const IN_A_GUEST: usize = 400;

/// Less than the start's deadline of 10 s.
const START: Duration = Duration::from_secs(5);

const WATCH: Duration = Duration::from_secs(2);

/// Packets of one size, of which so many may wait.
struct Load {
    count: usize,
    size: usize,
    may_wait: usize,
    limit: &'static str,
}

/// Each is over one limit and under the other. The last is one packet over the limit by itself.
const LOADS: [Load; 3] = [
    Load {
        count: 1000,
        size: 1000,
        may_wait: PACKETS,
        limit: "256 packets",
    },
    Load {
        count: 32,
        size: 64 << 10,
        may_wait: BYTES / (64 << 10),
        limit: "1 MiB",
    },
    Load {
        count: 1,
        size: BYTES + (BYTES >> 1),
        may_wait: 1,
        limit: "one packet",
    },
];

/// See the module. Bytes are counted as the guest gets them, and without compression they are sent so too.
pub const CASE: Case<HostLab> = Case::new(
    "what-waits-during-start-is-bounded",
    &["VB-DSP-03"],
    "While a start callback takes five seconds the client sends more than 256 packets, then more than 1 MiB, then one \
     packet over 1 MiB; looks at how much the host takes off the connection, and that all of it arrives.",
    |lab| Box::pin(run(lab)),
)
.on_the_oldest();

async fn run(lab: &HostLab) -> Outcome {
    for load in &LOADS {
        if lab.offers(Need::NativePlugins) {
            natively(lab, load).await?;
        }
        in_a_guest(lab, load).await?;
    }
    Ok(())
}

/// All of it arrives. How much of it waits where, nobody outside can tell.
async fn in_a_guest(lab: &HostLab, load: &Load) -> Outcome {
    let plan = Plan::new(lab.uncompressed());
    let busy = with_config(&[("in.start", BUSY)]);
    let host = lab.start(plan.guest(PROBE_NAME, lab.probe(), busy)).await?;
    let packets: Vec<(i32, Vec<u8>)> = (0..load.count.min(IN_A_GUEST))
        .map(|_| (MARK, lab.draw(|rng| rng.bytes(load.size))))
        .collect();
    lines::reach_after_the_start(lab, &host, CLAUSE, &packets).await
}

async fn natively(lab: &HostLab, load: &Load) -> Outcome {
    let slow = lab
        .native("gate")
        .on_start(|_| Box::pin(tokio::time::sleep(START)));
    let plan = Plan::new(uncompressed());
    let plan = plan.native("gate", Arc::new(slow), may_play());
    let host = lab.start(plan).await?;
    let skip = lab.notebook.sessions().len();
    let mut player = lab.join(&host).await?;
    let mut sent = Vec::new();
    for _ in 0..load.count {
        let data = lab.draw(|rng| rng.bytes(load.size));
        if !player.send_raw(MARK, &data) {
            return Err(player.untestable(format!("the client cannot send: {}", player.stands())));
        }
        sent.push(data);
    }
    player.live(WATCH).await;
    taken(&player, load)?;

    player.live(START + WATCH).await;
    let told = lab.notebook.sessions();
    let told = told.into_iter().skip(skip).map(|(_, told)| told);
    let mut arrived = Vec::new();
    let mut returned = false;
    for told in told {
        match told {
            Told::Started(_) => returned = true,
            Told::Packet(..) if !returned => {
                let expected = "no packet before the start callback has returned";
                return Err(player.broken(CLAUSE, expected, "one came"));
            }
            Told::Packet(_, packet) if packet.packet_id == MARK => arrived.push(packet.data),
            _ => {}
        }
    }
    if arrived == sent {
        return Ok(());
    }
    let same = arrived.iter().zip(&sent).take_while(|(a, s)| a == s);
    let got = format!(
        "{} came, the first {} of them as they were sent; {}",
        arrived.len(),
        same.count(),
        player.stands()
    );
    let expected = format!(
        "all {} packets of {} bytes after the start callback, in order",
        load.count, load.size
    );
    Err(player.broken(CLAUSE, expected, got))
}

/// How much of what the client wanted to send the host has taken.
fn taken(player: &Player, load: &Load) -> Outcome {
    let all = load.count * load.size;
    let taken = all.saturating_sub(player.unsent());
    let least = load.may_wait * load.size;
    let most = least + load.size + ON_ITS_WAY;
    if (least.min(all)..=most).contains(&taken) {
        return Ok(());
    }
    let expected = format!(
        "while the start callback runs, {} to be read and kept and then no more to be read: {least} bytes, at most \
         {most} with what is on its way",
        load.limit
    );
    let got = format!("{taken} bytes of {all} were taken off the client's hands");
    Err(player.broken(CLAUSE, expected, got))
}

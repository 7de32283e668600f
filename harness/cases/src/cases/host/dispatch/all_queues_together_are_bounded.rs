//! Each queue has its bound; a crowd that does not read fills all of them.

use std::sync::Arc;
use std::time::Duration;

use vb_contract::{PlayerErrorKind, RawPacket, VirtualBackendSession};

use crate::case::Case;
use crate::cases::host::asking::carrier;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, may_play, uncompressed};
use crate::lab::native::Kept;
use crate::lab::player::Player;
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-19";

/// What the host of this case may hold in all queues together: two of them, full, by the limits.
const MEMORY: usize = 16 << 20;

/// Players who do not read: their queues could hold twice as much.
const DEAF: usize = 4;

/// Bytes of a packet.
const SIZE: usize = 64 << 10;

/// What a connection holds besides its queue, and the host on its way there.
const ON_ITS_WAY: usize = 256 << 10;

/// See the module. How much waits for all clients together only the host itself knows, and how much may its operator.
pub const CASE: Case<HostLab> = Case::new(
    "all-queues-together-are-bounded",
    &["VB-DSP-19"],
    "Four clients stop reading while the handler sends to each until it is refused, on a host that may hold 16 MiB for all \
     of them; counts what was accepted, and sends to a fifth who reads.",
    |lab| Box::pin(run(lab)),
)
.on_the_oldest()
.needing(&[Need::NativePlugins, Need::HostLimits]);

async fn run(lab: &HostLab) -> Outcome {
    let mut config = uncompressed();
    config.limits.memory = MEMORY as u64;
    let kept = Kept::default();
    let plugin = Arc::new(lab.native("gate").keeping(&kept));
    let plan = Plan::new(config).native("gate", plugin, may_play());
    let host = lab.start(plan).await?;
    let id = carrier(lab.protocol)?;
    let mut crowd = Vec::new();
    let mut accepted = Vec::new();
    for _ in 0..DEAF {
        let mut player = lab.join(&host).await?;
        let session = newest(&kept, &player)?;
        player.stop_reading();
        accepted.push(fill(&session, &mut player, id).await?);
        crowd.push((player, session));
    }
    let mut healthy = lab.join(&host).await?;
    let session = newest(&kept, &healthy)?;
    let total = accepted.iter().sum::<usize>() * SIZE;
    let most = MEMORY + DEAF * ON_ITS_WAY;
    if total > most {
        let expected = format!(
            "at most {most} bytes accepted for all of {DEAF} clients that do not read, by a host that may hold {MEMORY}, \
             and send-failed to what is more"
        );
        let got = format!("{total} bytes were accepted: {accepted:?} packets of {SIZE}");
        return Err(healthy.broken(CLAUSE, expected, got));
    }
    // Whoever holds most is refused first, and one who holds nothing is not.
    let expected = "a packet to be accepted for a client that reads, while four that do not hold what they may";
    if let Err(error) = session.send_packet(packet(id)) {
        return Err(healthy.broken(CLAUSE, expected, error.to_string()));
    }
    healthy.live(Duration::from_secs(1)).await;
    let came = healthy
        .play()
        .any(|(_, packet)| packet.id == id && packet.data.len() == SIZE);
    if !came {
        let got = format!("it did not come; {}", healthy.stands());
        return Err(healthy.broken(CLAUSE, expected, got));
    }
    for (player, session) in &mut crowd {
        match session.send_packet(packet(id)) {
            Err(error) if error.kind == PlayerErrorKind::SendFailed => {}
            answer => {
                let expected = "send-failed still to each of the four, who hold what they may";
                return Err(player.broken(CLAUSE, expected, format!("{answer:?}")));
            }
        }
    }
    Ok(())
}

fn newest(kept: &Kept, player: &Player) -> Result<Arc<dyn VirtualBackendSession>, Stop> {
    kept.newest()
        .ok_or_else(|| player.untestable("the handler kept no handle"))
}

fn packet(id: i32) -> RawPacket {
    RawPacket {
        packet_id: id,
        data: vec![0x5a; SIZE].into(),
    }
}

/// Sends until that is refused, with time for what the connection takes. How many packets were accepted.
async fn fill(
    session: &Arc<dyn VirtualBackendSession>,
    player: &mut Player,
    id: i32,
) -> Result<usize, Stop> {
    let (mut accepted, mut stuck) = (0, 0);
    // What the connection takes makes room again.
    while stuck < 2 {
        match session.send_packet(packet(id)) {
            Ok(()) => (accepted, stuck) = (accepted + 1, 0),
            Err(error) if error.kind == PlayerErrorKind::SendFailed => {
                stuck += 1;
                tokio::task::yield_now().await;
                player.live(Duration::from_millis(1)).await;
            }
            Err(error) => {
                let expected = "send-failed to a packet that finds no room";
                return Err(player.broken(CLAUSE, expected, error.to_string()));
            }
        }
        if accepted * SIZE > 2 * MEMORY {
            break;
        }
    }
    Ok(accepted)
}

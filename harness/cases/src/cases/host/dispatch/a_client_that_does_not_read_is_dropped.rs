//! A guest sends at its own pace; a client that stops reading must not make the host keep all of it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use vb_contract::{EndCause, PlayerError, PlayerErrorKind, RawPacket, VirtualBackendSession};

use super::lines::{self, Line};
use crate::case::Case;
use crate::cases::host::asking::{ask, carrier};
use crate::cases::host::bridge::probing::{id_of, pass};
use crate::lab::door::{Host, LOG_DELAY, Need, Plan};
use crate::lab::host::{HostLab, PROBE_NAME, may_play, uncompressed, with_config};
use crate::lab::native::{Kept, Told};
use crate::lab::player::{Player, secs};
use crate::verdict::{Outcome, Stop};

const CLAUSE: &str = "VB-DSP-14";

/// From the clause and the limits.
const PACKETS: usize = 4096;
const BYTES: usize = 8 << 20;
const STALL: Duration = Duration::from_secs(30);

/// What a host may take besides to notice.
const STALL_SLACK: Duration = Duration::from_millis(200);

/// What the connection itself holds, and the host on its way there.
const ON_ITS_WAY: usize = 256 << 10;

/// The same of a connection that the operating system keeps: both of its buffers, as large as they grow by themselves.
const ON_ITS_WAY_BY_TCP: usize = 24 << 20;

/// What the last moment is apart from the first one past it.
const MOMENT: Duration = Duration::from_millis(50);

/// Packets of one size, of which so many may wait.
struct Load {
    size: usize,
    may_wait: usize,
    limit: &'static str,
}

/// Each meets one limit while it is far from the other.
const LOADS: [Load; 2] = [
    Load {
        size: 1000,
        may_wait: PACKETS,
        limit: "4,096 packets",
    },
    Load {
        size: 64 << 10,
        may_wait: BYTES / (64 << 10),
        limit: "8 MiB",
    },
];

/// See the module. Without compression what is sent is what waits.
pub const CASE: Case<HostLab> = Case::new(
    "a-client-that-does-not-read-is-dropped",
    &["VB-DSP-14"],
    "Clients stop reading while a guest and a native handler send until they are refused; counts what was accepted, has a \
     client read again just in time, and then no more.",
    |lab| Box::pin(run(lab)),
)
.on_the_oldest();

async fn run(lab: &HostLab) -> Outcome {
    if lab.offers(Need::NativePlugins) {
        for load in &LOADS {
            bounded(lab, load).await?;
        }
        dropped(lab).await?;
        patient(lab).await?;
    }
    by_a_guest(lab).await
}

/// One client that does not read for each load, and one that does not either, but has nothing to read.
async fn by_a_guest(lab: &HostLab) -> Outcome {
    let mark = lab.recorder.mark();
    let plan = Plan::new(lab.uncompressed());
    let quiet = with_config(&[("packets", "quiet")]);
    let host = lab
        .start(plan.guest(PROBE_NAME, lab.probe(), quiet))
        .await?;
    let mut patient = lab.join(&host).await?;
    patient.stop_reading();
    let mut frozen = Vec::new();
    for load in &LOADS {
        let mut player = lab.join(&host).await?;
        ask(lab, &mut player, "acquire").await?;
        player.stop_reading();
        let began = lab.now();
        // Whoever has the guest send goes again, before the client gives up a server of which it hears nothing.
        let mut asks = lab.join(&host).await?;
        accepted(lab, &mut asks, load).await?;
        asks.leave().await;
        frozen.push((player, began..=lab.now()));
    }
    let last = frozen
        .last()
        .map_or(Duration::ZERO, |(_, filled)| *filled.end());
    let deadline = last + STALL + lab.within(STALL_SLACK) + LOG_DELAY;
    let mut players: Vec<&mut Player> = frozen.iter_mut().map(|(player, _)| player).collect();
    players.push(&mut patient);
    let ended =
        |lines: &[Line]| lines.iter().filter(|line| line.word() == "end").count() > 2 * LOADS.len();
    let left = deadline.saturating_sub(lab.now());
    lines::until(lab, &mut players, mark, left, ended).await;
    pass(&mut players, MOMENT).await;
    for (player, filled) in &frozen {
        must_be_dropped(lab, player, mark, filled)?;
    }
    if ends_in_a_guest(lab, &patient, mark)?.is_empty() {
        return Ok(());
    }
    let expected = "a client not to be dropped while nothing waits for it";
    let got = "it was dropped after half a minute of silence";
    Err(patient.broken(CLAUSE, expected, got))
}

/// As much as may wait and is on its way, and then `send-failed`.
async fn accepted(lab: &HostLab, asks: &mut Player, load: &Load) -> Outcome {
    let on_its_way = match lab.is_virtual() {
        true => ON_ITS_WAY,
        false => ON_ITS_WAY_BY_TCP,
    };
    let most = load.may_wait + on_its_way.div_ceil(load.size);
    let id = carrier(lab.protocol)?;
    let (accepted, refusal) = lines::fill(lab, asks, (id, load.size, most + 1)).await?;
    let refused = refusal.as_deref().unwrap_or("nothing was refused");
    if accepted <= most && refused.starts_with("err send-failed ") {
        return Ok(());
    }
    let expected = format!(
        "{} of {} bytes accepted for a client that does not read (at most {most} with what is on its way), and then \
         send-failed",
        load.limit, load.size
    );
    let got = format!("{accepted} packets were accepted, and the last answer was {refused}");
    Err(asks.broken(CLAUSE, expected, got))
}

fn ends_in_a_guest(lab: &HostLab, player: &Player, mark: usize) -> Result<Vec<Duration>, Stop> {
    let calls = lines::calls_of(lab, mark, id_of(player)?).into_iter();
    let ends = calls.filter(|call| call.word() == "end");
    Ok(ends.map(|end| end.at).collect())
}

/// Its connection took its last byte in the time in which the guest sent.
fn must_be_dropped(
    lab: &HostLab,
    player: &Player,
    mark: usize,
    filled: &RangeInclusive<Duration>,
) -> Outcome {
    let latest = *filled.end() + STALL + lab.within(STALL_SLACK) + LOG_DELAY;
    let due = *filled.start() + STALL..=latest;
    let ends = ends_in_a_guest(lab, player, mark)?;
    if matches!(ends.as_slice(), [at] if due.contains(at)) {
        return Ok(());
    }
    let expected = format!(
        "one end between {} and {} of a client whose connection took its last byte between {} and {}",
        secs(*due.start()),
        secs(*due.end()),
        secs(*filled.start()),
        secs(*filled.end())
    );
    let ends: Vec<String> = ends.into_iter().map(secs).collect();
    let got = match ends.as_slice() {
        [] => format!("none came by {}", secs(lab.now())),
        ends => format!("it came at {}", ends.join(" and ")),
    };
    Err(player.broken(CLAUSE, expected, got))
}

/// A client that has stopped reading, and the handler's handle.
struct Frozen {
    host: Host,
    player: Player,
    session: Arc<dyn VirtualBackendSession>,
    id: i32,
}

impl Frozen {
    async fn new(lab: &HostLab) -> Result<Self, Stop> {
        let kept = Kept::default();
        let plugin = Arc::new(lab.native("gate").keeping(&kept));
        let plan = Plan::new(uncompressed()).native("gate", plugin, may_play());
        let host = lab.start(plan).await?;
        let mut player = lab.join(&host).await?;
        let Some(session) = kept.newest() else {
            return Err(player.untestable("the handler kept no handle"));
        };
        player.stop_reading();
        Ok(Self {
            host,
            player,
            session,
            id: carrier(lab.protocol)?,
        })
    }

    /// Sends until that is refused or `most` have been accepted, with time for what the connection takes. How many were
    /// accepted, and the refusal.
    async fn fill(&mut self, size: usize, most: usize) -> (usize, Option<PlayerError>) {
        let mut accepted = 0;
        let mut refusal = None;
        let mut stuck = 0;
        // What the connection takes makes room again.
        while stuck < 2 && accepted < most {
            let packet = RawPacket {
                packet_id: self.id,
                data: vec![0x5a; size].into(),
            };
            match self.session.send_packet(packet) {
                Ok(()) => {
                    accepted += 1;
                    stuck = 0;
                }
                Err(error) => {
                    refusal = Some(error);
                    stuck += 1;
                    tokio::task::yield_now().await;
                    self.player.live(Duration::from_millis(1)).await;
                }
            }
        }
        (accepted, refusal)
    }
}

async fn bounded(lab: &HostLab, load: &Load) -> Outcome {
    let mut frozen = Frozen::new(lab).await?;
    let most = load.may_wait + ON_ITS_WAY.div_ceil(load.size);
    let (accepted, refusal) = frozen.fill(load.size, most + 1).await;
    // The frame around each packet counts too, where bytes do.
    let least = load.may_wait - load.may_wait.min(load.may_wait / 100 + 1);
    let expected = format!(
        "{} of {} bytes accepted for a client that does not read (at most {most} with what is on its way), and then \
         send-failed",
        load.limit, load.size
    );
    if accepted > most || accepted < least {
        let got = format!("{accepted} packets were accepted");
        return Err(frozen.player.broken(CLAUSE, expected, got));
    }
    match refusal {
        Some(error) if error.kind == PlayerErrorKind::SendFailed => {}
        Some(error) => return Err(frozen.player.broken(CLAUSE, expected, error.to_string())),
        None => {
            return Err(frozen
                .player
                .broken(CLAUSE, expected, "nothing was refused"));
        }
    }
    // What was accepted is kept, and what was refused does no harm.
    frozen.player.resume();
    frozen.player.live(Duration::from_secs(1)).await;
    let arrived = frozen
        .player
        .play()
        .filter(|(_, packet)| packet.id == frozen.id && packet.data.len() == load.size)
        .count();
    if arrived != accepted {
        let expected = format!("the {accepted} packets that were accepted, once the client reads");
        let got = format!("{arrived} came; {}", frozen.player.stands());
        return Err(frozen.player.broken(CLAUSE, expected, got));
    }
    let again = RawPacket {
        packet_id: frozen.id,
        data: vec![0x5a; 1].into(),
    };
    match frozen.session.send_packet(again) {
        Ok(()) => Ok(()),
        Err(error) => {
            let expected = "sends to be accepted again once the client has read";
            Err(frozen.player.broken(CLAUSE, expected, error.to_string()))
        }
    }
}

fn ends(lab: &HostLab, frozen: &Frozen) -> Vec<(Duration, Told)> {
    let id = frozen.session.player_id();
    let mut told = lab.notebook.sessions();
    let start = told
        .iter()
        .rposition(|(_, told)| matches!(told, Told::Start { player, .. } if *player == id));
    told.drain(..start.unwrap_or_default());
    told.retain(|(_, told)| matches!(told, Told::End(player) if *player == id));
    told
}

/// Dropped 30 s after the connection took its last byte, which a client that reads a little puts off.
async fn dropped(lab: &HostLab) -> Outcome {
    let mut frozen = Frozen::new(lab).await?;
    let (_, refusal) = frozen.fill(1000, 2 * PACKETS).await;
    if refusal.is_none() {
        return Err(frozen.player.untestable("nothing is refused"));
    }
    frozen.player.live(STALL - 2 * MOMENT).await;
    let expected = "a client dropped when its connection has taken no byte for 30 s";
    if let Some((at, _)) = ends(lab, &frozen).first() {
        let got = format!("it was dropped at {}, before the time", secs(*at));
        return Err(frozen.player.broken(CLAUSE, expected, got));
    }
    // One buffer, and no more.
    frozen.player.resume();
    frozen.player.until(|_| true, MOMENT).await;
    frozen.player.stop_reading();
    let last = lab.now();
    frozen.player.live(STALL - 2 * MOMENT).await;
    if let Some((at, _)) = ends(lab, &frozen).first() {
        let got = format!("it read at {} and was dropped at {}", secs(last), secs(*at));
        return Err(frozen.player.broken(CLAUSE, expected, got));
    }
    frozen.player.live(Duration::from_secs(2)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = ends(lab, &frozen);
    let due = last + STALL..=last + STALL + 4 * MOMENT;
    let cause = lab
        .recorder
        .session_ends()
        .last()
        .map(|(.., cause)| cause.clone());
    match (told.as_slice(), cause) {
        ([(at, _)], Some(EndCause::ClientStalled)) if due.contains(at) => {}
        ([(at, _)], Some(cause)) => {
            let got = format!(
                "it last took a byte at {} and was dropped at {}, because {cause}",
                secs(last),
                secs(*at)
            );
            return Err(frozen.player.broken(CLAUSE, expected, got));
        }
        _ => {
            let got = format!(
                "there were {} end callbacks by {}",
                told.len(),
                secs(lab.now())
            );
            return Err(frozen.player.broken(CLAUSE, expected, got));
        }
    }
    if frozen.host.connection_count().is_none_or(|open| open == 0) {
        return Ok(());
    }
    let got = "the session has ended, and its connection is still there";
    Err(frozen.player.broken(CLAUSE, expected, got))
}

/// A client that has nothing to read is not one that does not read.
async fn patient(lab: &HostLab) -> Outcome {
    let frozen = Frozen::new(lab).await?;
    tokio::time::sleep(STALL + STALL).await;
    if ends(lab, &frozen).is_empty() {
        return Ok(());
    }
    let expected = "a client not to be dropped while nothing waits for it";
    let got = "it was dropped after half a minute of silence";
    Err(frozen.player.broken(CLAUSE, expected, got))
}

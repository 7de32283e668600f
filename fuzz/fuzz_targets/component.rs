//! Loading of guests. Held, whatever the bytes:
//!
//! - an error or a component, never a panic or a hang, and no error without words;
//! - what loads is started with small limits and gets one client, and whatever it does: the host lives, the client is
//!   let go, a session that started ends once, and the host is empty after it.
//!
//! The input: bytes of a component after one byte that is not 0xff; or 0xff, a committed guest by its number, and edits
//! of it: place and bytes. The seeds are small guests written as text.
#![no_main]

use std::sync::{Arc, Mutex};

use arbitrary::Unstructured;
use libfuzzer_sys::{Corpus, fuzz_target};
use reference_backend::{GuestComponent, Host, HostConfig, HostEvent, Limits, LoadError, Observer};
use vbspec_fuzz::client::{LONG, RawClient, runtime};
use vbspec_fuzz::guests::{ARTIFACTS, ENGINE, granted};

/// The largest component here: the committed guests are below it.
const MAX_SIZE: u64 = 300 << 10;
/// Edits of a committed guest.
const MAX_EDITS: usize = 16;

fuzz_target!(init: drop(ENGINE.clone()), |data: &[u8]| -> Corpus {
    match data {
        [0xff, which, edits @ ..] => {
            let mut bytes = ARTIFACTS[usize::from(*which) % ARTIFACTS.len()].to_vec();
            edit(&mut bytes, &mut Unstructured::new(edits));
            load(&bytes);
            Corpus::Keep
        }
        [_, bytes @ ..] => {
            load(bytes);
            Corpus::Keep
        }
        [] => Corpus::Reject,
    }
});

/// Overwrites, or cuts off.
fn edit(bytes: &mut Vec<u8>, u: &mut Unstructured<'_>) {
    for _ in 0..MAX_EDITS {
        let (Ok(kind), Ok(place)) = (u.arbitrary::<u8>(), u.arbitrary::<u32>()) else {
            return;
        };
        let at = usize::try_from(place).unwrap_or_default() % bytes.len().max(1);
        match kind % 8 {
            0 => bytes.truncate(at),
            count => {
                for (index, byte) in bytes
                    .iter_mut()
                    .skip(at)
                    .take(usize::from(count))
                    .enumerate()
                {
                    match u.arbitrary::<u8>() {
                        Ok(new) if kind & 0x80 == 0 => *byte = new,
                        // One bit of each.
                        Ok(new) => *byte ^= 1 << (usize::from(new).wrapping_add(index) % 8),
                        Err(_) => return,
                    }
                }
            }
        }
        if u.is_empty() {
            return;
        }
    }
}

fn load(bytes: &[u8]) {
    let limits = Limits {
        component_bytes: MAX_SIZE,
        ..Limits::default()
    };
    match ENGINE.load_within("fuzz", bytes, &limits) {
        Ok(guest) => runtime().block_on(join(guest)),
        Err(LoadError::TooBig { size, limit, .. }) => {
            assert_eq!((size, limit), (bytes.len(), MAX_SIZE));
        }
        Err(error) => assert!(error.to_string().len() > "plugin fuzz: ".len(), "{error:?}"),
    }
}

/// One client for the guest, with little of everything.
async fn join(guest: GuestComponent) {
    let mut config = granted();
    config.limits.memory = 2 << 20;
    config.limits.fuel = 200_000;
    config.limits.queue_packets = 64;
    config.limits.queue_bytes = 64 << 10;
    config.limits.kept_sessions = 8;
    config.limits.tasks = 8;
    config.limits.log_lines = 8;
    let recorder = Arc::new(Recorder::default());
    let started = Host::builder(HostConfig::default())
        .guest("fuzz", guest, config)
        .observer(recorder.clone())
        .start()
        .await;
    let Ok(host) = started else {
        // A guest that cannot be linked, or that wants what it is not granted.
        return;
    };
    let visit = async {
        let mut client = RawClient::connect(&host, 340).await;
        if client.enter().await {
            let frame = client.encoder.encode(0x20, b"hello");
            client.write(&frame).await;
            // What the guest does with it, and with its tasks.
            let _ =
                tokio::time::timeout(LONG / 10, async { while client.next().await.is_some() {} })
                    .await;
        }
    };
    tokio::time::timeout(LONG, visit)
        .await
        .unwrap_or_else(|_| panic!("the client is not let go"));
    host.shutdown("done").await;
    assert_eq!((host.connection_count(), host.session_count()), (0, 0));
    recorder.check();
}

#[derive(Default)]
struct Recorder {
    /// Sessions started and ended, connections opened and closed.
    counts: Mutex<[usize; 4]>,
}

impl Observer for Recorder {
    fn on_event(&self, event: HostEvent) {
        let index = match event {
            HostEvent::SessionStarted { .. } => 0,
            HostEvent::SessionEnded { .. } => 1,
            HostEvent::Connected { .. } => 2,
            HostEvent::Closed { .. } => 3,
            _ => return,
        };
        self.counts
            .lock()
            .unwrap_or_else(|error| error.into_inner())[index] += 1;
    }
}

impl Recorder {
    fn check(&self) {
        let [started, ended, opened, closed] = *self
            .counts
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        assert_eq!(started, ended, "sessions started and ended");
        assert_eq!((opened, closed), (1, 1));
    }
}

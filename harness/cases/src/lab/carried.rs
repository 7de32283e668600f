//! Small guests that the harness carries as components, made of the texts in `fixtures/wat`.

use vb_contract::Callback;

/// A plugin of the baseline that answers every server-pre-connect with virtual-backend(1), which it may not.
pub const MARKER: &[u8] = include_bytes!("../../../../fixtures/wat/marker.wasm");

/// Plugins that look through WASI for what the host was started with and for its folders. They log what they find, and
/// then [`LOOKED`].
pub const SNOOPS: [(&str, &[u8]); 2] = [
    (
        "wasi:cli/environment",
        include_bytes!("../../../../fixtures/wat/snoop.wasm"),
    ),
    (
        "wasi:filesystem/preopens",
        include_bytes!("../../../../fixtures/wat/snoop_files.wasm"),
    ),
];

/// A plugin that connects through WASI to a port of the machine that it runs on: see `fixtures/wat/snoop_network.wat`.
#[must_use]
pub fn dialler(port: u16) -> Vec<u8> {
    with_numbers(
        include_bytes!("../../../../fixtures/wat/snoop_network.wasm"),
        b"port to look at",
        &port.to_le_bytes(),
    )
}

/// A plugin that does with its files what `do` in its configuration says: see `fixtures/guests/files`.
pub const FILES: &[u8] = include_bytes!("../../../../fixtures/artifacts/files.wasm");

/// A plugin of a contract with the names of ours, in which `on-scheduled-task` takes a u32.
pub const OTHER_TYPES: &[u8] = include_bytes!("../../../../fixtures/wat/other_types.wasm");

/// The last word of a plugin that looks around.
pub const LOOKED: &str = "looked";

const WORKER: &[u8] = include_bytes!("../../../../fixtures/wat/worker.wasm");

/// What stands in the worker's bytes before its numbers.
const NUMBERS: &[u8] = b"turns to be made";

/// The callbacks that the worker works in, in the order of its numbers, and what it logs when it has.
pub const CALLBACKS: [(Callback, &str); 8] = [
    (Callback::Metadata, "metadata"),
    (Callback::OnEnable, "on-enable"),
    (Callback::OnDisable, "on-disable"),
    (Callback::HandleEvent, "handle-event"),
    (Callback::OnScheduledTask, "on-task"),
    (Callback::SessionStart, "start"),
    (Callback::PacketReceived, "packet"),
    (Callback::SessionEnd, "end"),
];

/// A virtual backend that works: see `fixtures/wat/worker.wat`.
#[derive(Debug, Clone, Default)]
pub struct Worker {
    /// How often each callback counts down.
    turns: [u32; CALLBACKS.len()],
    /// Pages of 64 KiB that a packet asks for.
    pages: u32,
}

impl Worker {
    /// One that counts down as often in every callback.
    #[must_use]
    pub const fn everywhere(turns: u32) -> Self {
        Self {
            turns: [turns; CALLBACKS.len()],
            pages: 0,
        }
    }

    /// Counts down as often in this callback.
    #[must_use]
    pub fn working(mut self, at: Callback, turns: u32) -> Self {
        for (of, (callback, _)) in self.turns.iter_mut().zip(CALLBACKS) {
            if callback == at {
                *of = turns;
            }
        }
        self
    }

    /// Asks for as many pages at every packet.
    #[must_use]
    pub const fn growing(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// The component with these numbers.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let numbers = self.turns.iter().chain([&self.pages]);
        let numbers: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        with_numbers(WORKER, NUMBERS, &numbers)
    }
}

/// A component with these bytes behind a text that stands in it once.
fn with_numbers(component: &[u8], text: &[u8], numbers: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let place = bytes
        .windows(text.len())
        .position(|window| window == text)
        .map(|at| at + text.len());
    if let Some(place) = place.and_then(|at| bytes.get_mut(at..at + numbers.len())) {
        place.copy_from_slice(numbers);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_finds_its_place() {
        let pairs = dialler(0).into_iter().zip(dialler(0x0102));
        let differing: Vec<(u8, u8)> = pairs.filter(|(one, other)| one != other).collect();
        assert_eq!(differing, [(0, 2), (0, 1)]);
    }

    #[test]
    fn numbers_find_their_place() {
        let plain = Worker::default().bytes();
        assert_eq!(plain, WORKER);
        let differing = |other: Worker| {
            let bytes = other.bytes();
            let pairs = bytes.iter().zip(&plain);
            pairs.filter(|(theirs, ours)| theirs != ours).count()
        };
        assert_eq!(differing(Worker::everywhere(0x0101_0101)), 32);
        assert_eq!(differing(Worker::default().growing(0x0101_0101)), 4);
        let one = Worker::default().working(Callback::SessionEnd, 1);
        assert_eq!(differing(one), 1);
    }
}

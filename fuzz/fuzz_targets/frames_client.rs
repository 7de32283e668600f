//! Bytes from a server, as the client's side takes them apart. Held, whatever the bytes:
//!
//! - no panic, and the same frames, events and answers however the stream is cut into reads;
//! - memory by what has come, never by what is announced but for the few zeros that a client fills packets up with;
//! - every packet that is reported has the name that the tables give its id in the state in which it is reported, and
//!   nothing is reported after the end.
//!
//! The input: protocol, how far the client has come, compression, how to cut, then the stream.
#![no_main]

use std::fmt::Debug;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sim_proto::wire::{Frame, FrameDecoder, FrameError, FrameNote, MAX_FILLED};
use sim_proto::{Client, ClientConfig, Event, Intent, Version};
use vb_data::{Direction, packets};
use vbspec_fuzz::memory;
use vbspec_fuzz::split::split;
use vbspec_fuzz::wire::{NAME, Sum, protocol, threshold, welcome};

/// Beyond what the bytes themselves take.
const ALLOWANCE: usize = 512 << 10;
/// Heap for each byte of a stream: what costs most is a frame of no bytes, which is a remark; then a byte of a packet,
/// which may be a tag of NBT.
const PER_BYTE: usize = 1 << 10;

fuzz_target!(init: warm_up(), |data: &[u8]| {
    let [protocol_byte, start, compression, seed, stream @ ..] = data else {
        return;
    };
    let version = Version::new(protocol(*protocol_byte));
    let threshold = threshold(*compression);
    let inflated = if threshold.is_some() { version.max_uncompressed() + 1 } else { 0 };

    let bound = ALLOWANCE + 2 * (inflated + MAX_FILLED) + 64 * stream.len();
    let whole = memory::bounded(bound, || frames(version, threshold, std::iter::once(stream)));
    let pieces = memory::bounded(bound, || frames(version, threshold, split(stream, *seed)));
    assert_eq!(whole, pieces, "the way of cutting makes a difference to the frames");

    let bound = ALLOWANCE + 2 * inflated + PER_BYTE * (stream.len() + MAX_FILLED);
    let begin = || begin(version, *start, *compression);
    let mut whole = memory::bounded(bound, || {
        let mut run = begin();
        run.client.receive(stream, Duration::ZERO);
        run
    });
    // What it takes over from the other run is not counted as its own.
    memory::bounded(bound, || {
        let mut run = begin();
        for piece in split(stream, *seed) {
            run.client.receive(piece, Duration::ZERO);
            run.compare(&mut whole);
        }
        assert_same(&whole.client.verdict(), &run.client.verdict());
        whole.client.connection_closed(Duration::ZERO);
        run.client.connection_closed(Duration::ZERO);
        run.compare(&mut whole);
        assert!(run.ended);
        assert_eq!(whole.client.poll_event(), None, "only when it comes at once");
        whole.send();
        assert_eq!(whole.sent.value(), run.sent.value(), "the way of cutting makes a difference to the answers");
    });
});

fn warm_up() {
    for byte in 0..4 {
        begin(Version::new(47), 1, byte).send();
    }
}

#[derive(Debug, PartialEq)]
struct Frames {
    found: Vec<(i32, (u32, u32), Option<FrameNote>)>,
    end: Option<FrameError>,
    empty: u64,
    pending: usize,
}

fn frames<'a>(
    version: Version,
    threshold: Option<u32>,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Frames {
    let mut decoder = FrameDecoder::new(version);
    decoder.set_threshold(threshold.and_then(|n| usize::try_from(n).ok()));
    let mut all = Frames {
        found: Vec::new(),
        end: None,
        empty: 0,
        pending: 0,
    };
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(Frame { id, data, note })) => all.found.push((id, Sum::of(&data), note)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(
                        decoder.next_frame(),
                        Err(error.clone()),
                        "an error is final"
                    );
                    all.end = Some(error);
                    break;
                }
            }
        }
        // What follows an error is nobody's.
        if all.end.is_some() {
            break;
        }
    }
    all.empty = decoder.empty_frames();
    if all.end.is_none() {
        all.pending = decoder.pending();
    }
    all
}

/// A client, and what it has done.
struct Run {
    client: Client,
    version: Version,
    sent: Sum,
    ended: bool,
}

/// A client that has come some way: new, logged in, or one that asks for the status.
fn begin(version: Version, start: u8, compression: u8) -> Run {
    let mut config = ClientConfig::new(version.protocol(), NAME);
    if start % 3 == 2 {
        config.intent = Intent::Status;
    }
    let mut client = Client::new(config, Duration::ZERO);
    if start % 3 == 1 {
        client.receive(welcome(version.protocol(), compression), Duration::ZERO);
        assert!(
            client.state() >= vb_data::State::Configuration,
            "the welcome does not do"
        );
    }
    Run {
        client,
        version,
        sent: Sum::default(),
        ended: false,
    }
}

impl Run {
    /// Takes what has happened, which must be what happens next in the other run.
    fn compare(&mut self, whole: &mut Run) {
        while let Some(event) = self.client.poll_event() {
            assert!(!self.ended, "after the end: {event:?}");
            self.ended = matches!(event, Event::Closed(_));
            check_name(self.version, &event);
            assert_same(&whole.client.poll_event(), &Some(event));
        }
        self.send();
    }

    fn send(&mut self) {
        while let Some(bytes) = self.client.poll_transmit() {
            self.sent.add(&bytes);
        }
    }
}

/// Equal, or the same as text: what is not a number is not equal to itself.
fn assert_same<T: PartialEq + Debug>(whole: &T, pieces: &T) {
    let same = whole == pieces || format!("{whole:?}") == format!("{pieces:?}");
    assert!(
        same,
        "the way of cutting makes a difference to the client: {whole:?}, in pieces {pieces:?}"
    );
}

fn check_name(version: Version, event: &Event) {
    if let Event::Received(received) = event {
        let table = packets(version.protocol(), received.state, Direction::Clientbound);
        let name = table.and_then(|table| table.name(received.id));
        assert_eq!(name.unwrap_or("(unknown)"), received.name, "{event:?}");
    }
}

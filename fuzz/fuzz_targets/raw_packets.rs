//! The raw-packet path: packets of a client through the machine, the host and the bridge into a WebAssembly guest that
//! sends each of them back. Held, on every protocol, with and without compression, however the stream is cut:
//!
//! - every packet comes back once, in order, id and data byte for byte;
//! - the packets that only the host may send are refused and nothing else is, and the session goes on;
//! - the session ends once, and the host is empty after it.
//!
//! The input: protocol, compression, how to cut, then packets: an id, and bytes as they are or repeated.
#![no_main]

use std::sync::{Arc, Mutex};

use arbitrary::Unstructured;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use reference_backend::{Host, HostConfig, HostEvent, Observer};
use sim_proto::wire::{FrameEncoder, Writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vb_data::{Direction, State};
use vbspec_fuzz::client::{LONG, RawClient, runtime};
use vbspec_fuzz::guests::{COMMAND, PROBE, granted};
use vbspec_fuzz::split::split;
use vbspec_fuzz::wire::{id, protocol, threshold};

/// What the client sends last: when it comes back, the session has started and all before it is through.
const LAST: (i32, &[u8]) = (0x7778, b"last");
/// Packets of one run: a quarter of what the host buffers, and some of them.
const MAX_PACKETS: usize = 300;
/// Bytes of one run, below what the host lets wait for a client.
const MAX_BYTES: usize = 1 << 20;

fuzz_target!(init: drop(PROBE.clone()), |data: &[u8]| {
    let mut u = Unstructured::new(data);
    if let Ok(plan) = Plan::read(&mut u) {
        runtime().block_on(plan.run());
    }
});

struct Plan {
    protocol: i32,
    threshold: Option<u32>,
    seed: u8,
    packets: Vec<Packet>,
}

struct Packet {
    id: i32,
    data: Vec<u8>,
    /// Uncompressed whatever its size, which the protocol allows.
    bare: bool,
}

impl Plan {
    fn read(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let mut plan = Self {
            protocol: protocol(u.arbitrary()?),
            threshold: threshold(u.arbitrary()?),
            seed: u.arbitrary()?,
            packets: Vec::new(),
        };
        let mut bytes = 0;
        let answers = id(
            plan.protocol,
            State::Play,
            Direction::Serverbound,
            "configuration_acknowledged",
        );
        while !u.is_empty() && plan.packets.len() < MAX_PACKETS {
            let packet = Packet::read(u)?;
            bytes += packet.data.len();
            if bytes > MAX_BYTES {
                break;
            }
            // A command would be carried out, and the answer to a question that the host has not asked ends the
            // session.
            if packet.id != COMMAND && Some(packet.id) != answers {
                plan.packets.push(packet);
            }
        }
        Ok(plan)
    }

    /// What comes back: all but what only the host may send, and the last packet.
    fn expected(&self) -> Vec<(i32, Bytes)> {
        let reserved = ["start_configuration", "set_compression"]
            .map(|name| id(self.protocol, State::Play, Direction::Clientbound, name));
        self.packets
            .iter()
            .filter(|packet| !reserved.contains(&Some(packet.id)))
            .map(|packet| (packet.id, Bytes::from(packet.data.clone())))
            .chain([(LAST.0, Bytes::from_static(LAST.1))])
            .collect()
    }

    async fn run(self) {
        let expected = self.expected();
        let recorder = Arc::new(Recorder::default());
        let mut probe = granted();
        probe
            .config
            .insert("packets".to_owned(), "quiet".to_owned());
        let config = HostConfig {
            compression_threshold: self
                .threshold
                .map_or(-1, |n| i32::try_from(n).unwrap_or(i32::MAX)),
            ..HostConfig::default()
        };
        let host = Host::builder(config)
            .guest("probe", PROBE.clone(), probe)
            .observer(recorder.clone())
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let mut client = RawClient::connect(&host, self.protocol).await;
        assert!(client.enter().await, "{}: not let in", self.protocol);

        let mut stream = client.encoder.encode(COMMAND, b"echo on").to_vec();
        for packet in &self.packets {
            stream.extend(packet.frame(&client.encoder, client.threshold.is_some()));
        }
        stream.extend(client.encoder.encode(LAST.0, LAST.1));
        let found = self.exchange(client, stream, expected.len()).await;
        assert_eq!(found.len(), expected.len(), "packets are lost");
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "packet {index}");
        }
        host.shutdown("done").await;
        assert_eq!((host.connection_count(), host.session_count()), (0, 0));
        recorder.check(self.packets.len() + 1 - expected.len());
    }

    /// Sends the stream in pieces and reads what comes back, both at once, then leaves.
    async fn exchange(
        &self,
        client: RawClient,
        stream: Vec<u8>,
        count: usize,
    ) -> Vec<(i32, Bytes)> {
        let RawClient {
            stream: connection,
            mut decoder,
            ..
        } = client;
        let Some(connection) = connection else {
            return Vec::new();
        };
        let (mut reader, mut writer) = tokio::io::split(connection);
        let write = async {
            for piece in split(&stream, self.seed) {
                let written = writer.write_all(piece).await;
                written.unwrap_or_else(|error| panic!("the host does not read on: {error}"));
            }
        };
        let read = async {
            let mut found = Vec::new();
            let mut buffer = [0; 16 << 10];
            loop {
                while let Some(frame) = decoder
                    .next_frame()
                    .unwrap_or_else(|error| panic!("{error}"))
                {
                    found.push((frame.id, frame.data));
                }
                if found.len() >= count {
                    return found;
                }
                match reader.read(&mut buffer).await {
                    Ok(read) if read > 0 => decoder.push(&buffer[..read]),
                    _ => return found,
                }
            }
        };
        let both = async { tokio::join!(write, read).1 };
        tokio::time::timeout(LONG, both)
            .await
            .unwrap_or_else(|_| panic!("the host hangs"))
    }
}

impl Packet {
    fn read(u: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let kind: u8 = u.arbitrary()?;
        let id = match kind & 3 {
            0 => i32::from(u.arbitrary::<u8>()?),
            1 => i32::from(u.arbitrary::<u16>()?),
            2 => u.arbitrary::<i32>()? & i32::MAX,
            _ => 0,
        };
        let length = usize::from(u.arbitrary::<u8>()?);
        let data = match kind >> 2 & 3 {
            // As it is.
            0 | 1 => u.bytes(length.min(u.len()))?.to_vec(),
            // One byte, up to 4 KiB times.
            2 => vec![u.arbitrary()?; length * 16],
            // A few bytes, up to a quarter of a MiB of them.
            _ => u.bytes(4.min(u.len()))?.repeat(length * 256),
        };
        Ok(Self {
            id,
            data,
            bare: kind & 0x80 != 0,
        })
    }

    fn frame(&self, encoder: &FrameEncoder, compresses: bool) -> Bytes {
        if !self.bare || !compresses {
            return encoder.encode(self.id, &self.data);
        }
        let mut body = Writer::new();
        body.varint(0).varint(self.id).raw(&self.data);
        let body = body.into_bytes();
        let mut frame = Writer::new();
        frame.length(body.len()).raw(&body);
        frame.into_bytes().into()
    }
}

/// Counts what happened.
#[derive(Default)]
struct Recorder {
    counts: Mutex<Counts>,
}

#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    started: usize,
    ended: usize,
    refused: usize,
    traps: usize,
}

impl Observer for Recorder {
    fn on_event(&self, event: HostEvent) {
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        match event {
            HostEvent::SessionStarted { .. } => counts.started += 1,
            HostEvent::SessionEnded { .. } => counts.ended += 1,
            HostEvent::CallRefused { .. } => counts.refused += 1,
            HostEvent::Trap { .. } => counts.traps += 1,
            _ => {}
        }
    }
}

impl Recorder {
    fn check(&self, refused: usize) {
        let found = *self
            .counts
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        let expected = Counts {
            started: 1,
            ended: 1,
            refused,
            traps: 0,
        };
        assert_eq!(found, expected);
    }
}

//! Writes the seed corpora of the fuzz targets: `cargo run --example seeds -- fuzz/corpus`.
//!
//! Most of them come from real sessions: a simulated client of every protocol in the committed lobby, on a host in
//! memory. What many protocols have alike is kept once. Same code, same files.

#[path = "../reference-backend/tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use reference_backend::{Host, HostConfig};
use sim_client::{Driver, PacketRecord, Record};
use sim_proto::ClientConfig;
use support::wat::{BUS, ECHO, LOG, Wat};
use support::{LONG, artifact, component, granted, peer};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use vb_data::{Direction, State};

/// Longest seed: the fuzzer tries longer inputs less often, and each costs it more.
const MAX_SEED: usize = 8 << 10;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: seeds FOLDER");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let written = runtime.and_then(|runtime| runtime.block_on(write(Path::new(&folder))));
    match written {
        Ok(count) => {
            println!("{count} seeds in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Seeds of one target: numbered files, no two alike.
struct Seeds {
    folder: PathBuf,
    known: BTreeSet<Vec<u8>>,
}

impl Seeds {
    fn new(folder: &Path, target: &str) -> io::Result<Self> {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            known: BTreeSet::new(),
        })
    }

    /// Keeps a seed: its head, and of its body what is not too long. `alike` tells it from others.
    fn add(&mut self, alike: &[u8], head: &[u8], body: &[u8]) -> io::Result<()> {
        if !self.known.insert(alike.to_vec()) {
            return Ok(());
        }
        let body = &body[..body.len().min(MAX_SEED)];
        let name = format!("seed-{:04}", self.known.len());
        std::fs::write(self.folder.join(name), [head, body].concat())
    }
}

async fn write(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for seeds in [
        sessions(folder).await?,
        registries(folder)?,
        layouts(folder)?,
        texts(folder)?,
        packets(folder)?,
        steps(folder)?,
        components(folder)?,
    ] {
        count += seeds;
    }
    Ok(count)
}

/// Frames and packets of real sessions.
async fn sessions(folder: &Path) -> io::Result<usize> {
    let mut server = Seeds::new(folder, "frames_server")?;
    let mut client = Seeds::new(folder, "frames_client")?;
    let mut packets = Seeds::new(folder, "clientbound")?;
    for (index, protocol) in (0..).zip(vb_data::supported()) {
        // The third kind of compression is packets of 64 bytes and more, as the targets have it.
        for (kind, threshold) in [(0, -1), (2, 64)] {
            let session = session(*protocol, threshold).await?;
            let tap = session
                .tap
                .lock()
                .unwrap_or_else(|error| error.into_inner());
            server.add(&tap.written, &[index, 0, kind, 3], &tap.written)?;
            // The login tells the client itself of compression.
            client.add(&tap.read, &[index, 0, 0, 3], &tap.read)?;
            for packet in &session.packets {
                // 130 leaves the same remainder as 0 where the target takes the state.
                let way = match packet.direction {
                    Direction::Clientbound => 0,
                    Direction::Serverbound => 130,
                };
                let state = State::ALL.iter().position(|state| *state == packet.state);
                let state = u8::try_from(state.unwrap_or_default());
                let (Ok(state), Ok(id)) = (state, u8::try_from(packet.id)) else {
                    continue;
                };
                let alike = [packet.name.unwrap_or_default().as_bytes(), &packet.data].concat();
                packets.add(&alike, &[index, way + state, id, 0x31], &packet.data)?;
            }
        }
    }
    other_ways_in(&mut server)?;
    Ok(server.known.len() + client.known.len() + packets.known.len())
}

/// What no session in the lobby has: the legacy pings, a status, and first packets of a client that is logged in.
fn other_ways_in(server: &mut Seeds) -> io::Result<()> {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    // 1.6: channel, length of the rest, protocol 74, host, port 25565.
    let ping = [
        &[0xfe, 0x01, 0xfa, 0, 11][..],
        &utf16("MC|PingHost"),
        &[0, 25, 74, 0, 9],
        &utf16("localhost"),
        &[0, 0, 0x63, 0xdd],
    ]
    .concat();
    let last = u8::try_from(vb_data::supported().len() - 1).unwrap_or(u8::MAX);
    for index in [0, last / 2, last] {
        for (start, kind, bytes) in [
            (0, 0, &[0xfe][..]),
            (0, 0, &[0xfe, 0x01]),
            (0, 0, &ping),
            (1, 0, &[1, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 7]),
            (2, 0, &[3, 1, b'h', b'i']),
            (2, 2, &[4, 0, 1, b'h', b'i']),
        ] {
            let head = [index, start, kind, 3];
            server.add(&[&head[..], bytes].concat(), &head, bytes)?;
        }
    }
    Ok(())
}

struct Session {
    packets: Vec<PacketRecord>,
    tap: Arc<Mutex<Tap>>,
}

/// One client in the lobby, for long enough to see a keep-alive.
async fn session(protocol: i32, threshold: i32) -> io::Result<Session> {
    let mut config = granted();
    config
        .config
        .insert("greeting".to_owned(), "hello".to_owned());
    let host = Host::builder(HostConfig {
        compression_threshold: threshold,
        ..HostConfig::default()
    })
    .guest("lobby", artifact("lobby"), config)
    .start()
    .await
    .map_err(io::Error::other)?;
    let tap = Arc::default();
    let stream = Tapped {
        inner: host.connect(peer()),
        tap: Arc::clone(&tap),
    };
    let mut client = Driver::new(stream, ClientConfig::new(protocol, "Seed"));
    client
        .run_until_in_world(LONG)
        .await
        .map_err(|not_seen| io::Error::other(format!("{protocol}: {not_seen:?}")))?;
    client.run_for(Duration::from_secs(30)).await;
    client.chat("/leave").map_err(io::Error::other)?;
    client
        .run_to_end(LONG)
        .await
        .map_err(|not_seen| io::Error::other(format!("{protocol}: {not_seen:?}")))?;
    let packets = client
        .trace()
        .entries()
        .filter_map(|entry| match &entry.record {
            Record::Packet(packet) => Some(packet.clone()),
            Record::Note { .. } => None,
        });
    Ok(Session {
        packets: packets.collect(),
        tap,
    })
}

/// What went over a connection.
#[derive(Default)]
struct Tap {
    written: Vec<u8>,
    read: Vec<u8>,
}

struct Tapped {
    inner: DuplexStream,
    tap: Arc<Mutex<Tap>>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if read.is_ready() {
            let mut tap = self.tap.lock().unwrap_or_else(|error| error.into_inner());
            tap.read.extend_from_slice(&buffer.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            let mut tap = self.tap.lock().unwrap_or_else(|error| error.into_inner());
            tap.written.extend_from_slice(&bytes[..count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// NBT: the elements of vanilla's registries as nameless roots.
fn registries(folder: &Path) -> io::Result<usize> {
    let mut seeds = Seeds::new(folder, "nbt")?;
    // The newest protocol, whose roots have no name.
    let Some((index, protocol)) = (0..).zip(vb_data::supported()).last() else {
        return Ok(0);
    };
    for registry in vb_data::registries(*protocol) {
        for entry in registry.entries.iter().take(2) {
            seeds.add(entry.element, &[index, 10], entry.element)?;
        }
    }
    // A named root, with every type.
    let all = b"\x0a\0\x04root\x01\0\x01a\x01\x02\0\x01b\0\x02\x03\0\x01c\0\0\0\x03\x04\0\x01d\0\0\0\0\0\0\0\x04\x05\0\x01e\x3f\x80\0\0\x06\0\x01f\x3f\xf0\0\0\0\0\0\0\x07\0\x01g\0\0\0\x01\x07\x08\0\x01h\0\x02\xc0\x80\x09\0\x01i\x0a\0\0\0\x01\0\x0b\0\x01k\0\0\0\x01\0\0\0\x0b\x0c\0\x01l\0\0\0\x01\0\0\0\0\0\0\0\x0c\0";
    seeds.add(all, &[0], all)?;
    Ok(seeds.known.len())
}

/// Layouts: zeroes for every packet of the oldest and the newest protocol, which most layouts take for a while.
fn layouts(folder: &Path) -> io::Result<usize> {
    let mut seeds = Seeds::new(folder, "layouts")?;
    let newest = vb_data::supported().len() - 1;
    for (index, protocol) in (0..=u8::MAX).zip(vb_data::supported()) {
        if index != 0 && usize::from(index) != newest {
            continue;
        }
        for (state, of) in (0..).zip(State::ALL) {
            for (packet, _) in (0..=u8::MAX).zip(vb_data::layouts(*protocol, of)) {
                let head = [index, state, packet];
                seeds.add(&head, &head, &[0; 64])?;
            }
        }
    }
    Ok(seeds.known.len())
}

/// Text components of every kind.
fn texts(folder: &Path) -> io::Result<usize> {
    let mut seeds = Seeds::new(folder, "text")?;
    for json in [
        r#""text""#,
        r#"["a",{"text":"b"},["c"]]"#,
        r#"{"text":"a","bold":true,"color":"red","extra":["b",{"translate":"c","with":["d",1,true,{"text":"e"}]}]}"#,
        r#"{"translate":"chat.type.text","fallback":"f","with":[{"keybind":"key.jump"},0.5,300]}"#,
        r##"{"score":{"name":"*","objective":"o"},"color":"#00ff00"}"##,
        r#"{"selector":"@a","separator":{"text":", "}}"#,
        r#"{"text":"","hoverEvent":{"action":"show_text","contents":["a"]},"x":[1,{"":2},[]]}"#,
        r#"{"nbt":"a.b","entity":"@s","interpret":false}"#,
        "\"\\u0000\\ud834\\udd1e\u{20ac}\"",
    ] {
        seeds.add(json.as_bytes(), &[0], json.as_bytes())?;
    }
    let plain = "\u{a7}4plain \"text\" {} \0 \u{1d11e}";
    seeds.add(plain.as_bytes(), &[1], plain.as_bytes())?;
    for nbt in [
        &b"\x08\0\x04text"[..],
        b"\x09\x08\0\0\0\x02\0\x01a\0\x01b",
        b"\x0a\x08\0\x04text\0\x01a\x09\0\x05extra\x0a\0\0\0\x02\x08\0\0\0\x01b\0\x08\0\x04text\0\x01c\0\0",
        b"\x0a\x08\0\x09translate\0\x01k\x09\0\x04with\x0a\0\0\0\x02\x01\0\0\x01\0\x08\0\0\0\x01b\0\0",
    ] {
        seeds.add(nbt, &[2], nbt)?;
    }
    Ok(seeds.known.len())
}

/// Packets of every kind for the echoing guest: protocol, compression, cut, then kind, id, length, bytes.
fn packets(folder: &Path) -> io::Result<usize> {
    let mut seeds = Seeds::new(folder, "raw_packets")?;
    let count = u8::try_from(vb_data::supported().len()).unwrap_or(u8::MAX);
    for index in 0..count {
        let packets = [
            &[0, 0x10, 5][..],
            b"hello",
            // Ids of two bytes, a packet without data, one of zeros, one of four bytes over and over.
            &[1, 0x34, 0x12, 0],
            &[8, 0x20, 255, 0],
            &[0x8c, 0x21, 40, 1, 2, 3, 4],
            &[2, 0xff, 0xff, 0xff, 0x7f, 1, 9],
        ]
        .concat();
        seeds.add(&[index], &[index, index, index / 4], &packets)?;
    }
    Ok(seeds.known.len())
}

/// Steps of a host's session: a generator's bytes, one plan that sends, reads and disconnects, and one whose client reads
/// nothing.
fn steps(folder: &Path) -> io::Result<usize> {
    let mut seeds = Seeds::new(folder, "host_session")?;
    let count = u8::try_from(vb_data::supported().len()).unwrap_or(u8::MAX);
    for index in (0..count).step_by(5) {
        let plan = [
            // No script. A packet of the client, one of the handler, a read, a message, the end.
            &[0, 0, 7, 5, 0, 1][..],
            &[6, 0, 9, 100, 0],
            &[12, 0, 4],
            &[6, 4, 2, b'h', b'i', 1],
            &[9, 3, 1, 9, 5, 0],
            &[0, 8, 3, 0, 2],
            &[11, 3],
            &[14, 0],
        ]
        .concat();
        seeds.add(&[index, 0], &[index, index / 5, 1], &plan)?;
        // A batch with a packet that no client could read, then more than may wait.
        let plan = [
            &[0, 6, 3, 2, 9, 5, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 5, 0][..],
            &[6, 0, 9, 0xff, 0xff].repeat(8),
        ]
        .concat();
        seeds.add(&[index, 1], &[index, index / 5, 1], &plan)?;
    }
    Ok(seeds.known.len())
}

/// Small guests, each with something that the committed ones do not do, and edits of those.
fn components(folder: &Path) -> io::Result<usize> {
    let mut seeds = Seeds::new(folder, "component")?;
    let spin = "(loop $again (br $again))";
    let guests = [
        Wat::default(),
        Wat {
            packet: ECHO,
            ..Wat::default()
        },
        Wat {
            enable: "unreachable",
            ..Wat::default()
        },
        Wat {
            start: spin,
            ..Wat::default()
        },
        Wat {
            pages: 64,
            task: spin,
            ..Wat::default()
        },
    ];
    for guest in guests {
        let bytes = component::bytes(&guest.text(true), "virtual-backend-plugin");
        seeds.add(&bytes, &[0], &bytes)?;
    }
    let plain = Wat {
        imports: BUS,
        enable: "(call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))",
        start: "",
        packet: "",
        ..Wat::default()
    };
    let bytes = component::bytes(&plain.text(false), "plugin");
    seeds.add(&bytes, &[0], &bytes)?;
    let logging = Wat {
        imports: LOG,
        enable: "(call $log (i32.const 2) (i32.const 32) (i32.const 3))",
        event: "(i32.const 192)",
        ..plain
    };
    let bytes = component::bytes(&logging.text(false), "plugin");
    seeds.add(&bytes, &[0], &bytes)?;
    for which in 0..3 {
        let edit = [3, 0, 1, 0, 0, 1, 2, 3];
        seeds.add(&[which], &[0xff, which], &edit)?;
    }
    Ok(seeds.known.len())
}

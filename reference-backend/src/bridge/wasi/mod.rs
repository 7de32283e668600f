//! WASI 0.2 for guests in other languages, whose runtimes import it whether they need it or not.
//!
//! Clocks are the host's own, random numbers come from the system or from the host's seed, what is written to the
//! streams goes to the log within its rate. The plugin's data folder is there where the host has one for it. Environment
//! and arguments are there and empty. Everything else, the network among it, is there and traps when it is called: a
//! callback can neither wait nor reach out.
//!
//! | Module | Holds |
//! |---|---|
//! | `folder` | a plugin's data folder, and how much of it is in use |
//! | `node` | what is open of it, and what can be done with it |
//! | `own` | whether a file that has been opened is the folder's own |
//! | `handles` | what one instance has open |
//! | `files` | `wasi:filesystem` on top of these |
//! | `streams` | `wasi:io`: streams into the log, from files and into files |
//! | `types` | the types of both |
//! | `inherited` | the host's environment and network, for a host that is broken on purpose |

mod files;
mod folder;
mod handles;
#[cfg(feature = "faults")]
mod inherited;
mod node;
mod own;
mod streams;
mod types;

pub(crate) use folder::DataFolder;
pub use folder::DataFolderError;
pub(super) use handles::Files;

use super::GuestEngine;
use super::state::GuestState;
use crate::config::limits::WASI_RANDOM_BYTES;
#[cfg(feature = "faults")]
use crate::fault::Fault;
use types::Datetime;
use wasmtime::StoreContextMut;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceType};

/// The packages whose interfaces are linked. Another import of WASI is refused when the guest is loaded.
const PACKAGES: [&str; 6] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// The versions that are linked: 0.2 and what is compatible with it.
const VERSION: &str = "0.2.";

/// Whether something is linked under this name.
pub(super) fn is_linked(import: &str) -> bool {
    interface(import).is_some()
}

/// Whether this is the interface that lends folders.
pub(super) fn asks_for_folders(import: &str) -> bool {
    interface(import) == Some("wasi:filesystem/preopens")
}

/// The name without its version, where it is one that is linked.
fn interface(import: &str) -> Option<&str> {
    let (interface, version) = import.split_once('@')?;
    let (package, _) = interface.split_once('/')?;
    (PACKAGES.contains(&package) && version.starts_with(VERSION)).then_some(interface)
}

/// `output-stream`. Its number says which: 1 as in POSIX for what is said, 2 for errors, others for files.
struct Output;
/// `input-stream`. The number 0 is the standard one, which is at its end; others are of files.
struct Input;
/// `error` of streams. Its number is the code's, so that no table is needed.
struct StreamFault;
/// `pollable`: of a stream, and so always ready.
struct Pollable;
/// `descriptor`.
struct Descriptor;
/// `directory-entry-stream`.
struct Entries;
/// Every other resource. There is none of it.
struct Absent;

const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Links what the component imports of WASI, and nothing that it does not import.
pub(super) fn link(
    linker: &mut Linker<GuestState>,
    engine: &GuestEngine,
    component: &Component,
) -> wasmtime::Result<()> {
    // Everything is there first as what traps, and then some of it again as what it is.
    linker.allow_shadowing(true);
    for (name, import) in component.component_type().imports(&engine.engine) {
        let Some(interface) = interface(name) else {
            continue;
        };
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            wasmtime::bail!("{name} is no interface");
        };
        let mut linked = linker.instance(name)?;
        for (item, exported) in instance.exports(&engine.engine) {
            match exported.ty {
                ComponentItem::ComponentFunc(_) => absent(&mut linked, name, item)?,
                ComponentItem::Resource(_) => {
                    let in_table = IN_TABLE.contains(&item);
                    linked.resource(item, resource(item), move |mut store, number| {
                        let state: &mut GuestState = store.data_mut();
                        state.resources -= 1;
                        if in_table {
                            state.files.remove(number);
                        }
                        Ok(())
                    })?;
                }
                _ => {}
            }
        }
        present(&mut linked, interface)?;
        #[cfg(feature = "faults")]
        if engine.faults.has(Fault::InheritsEverything) {
            inherited::link(&mut linked, interface)?;
        }
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// The resources whose numbers [`Files`] gives.
const IN_TABLE: [&str; 4] = [
    "descriptor",
    "directory-entry-stream",
    "input-stream",
    "output-stream",
];

fn resource(name: &str) -> ResourceType {
    match name {
        "output-stream" => ResourceType::host::<Output>(),
        "input-stream" => ResourceType::host::<Input>(),
        "error" => ResourceType::host::<StreamFault>(),
        "pollable" => ResourceType::host::<Pollable>(),
        "descriptor" => ResourceType::host::<Descriptor>(),
        "directory-entry-stream" => ResourceType::host::<Entries>(),
        _ => ResourceType::host::<Absent>(),
    }
}

fn absent(
    linked: &mut LinkerInstance<'_, GuestState>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<()> {
    let name = format!("{interface}, function `{function}`");
    linked.func_new(function, move |_, _, _, _| {
        wasmtime::bail!("a guest has no {name}")
    })
}

type Store<'a> = StoreContextMut<'a, GuestState>;

/// A handle for the guest, which counts until it is dropped: each is memory of the host.
fn own<T: 'static>(mut store: Store<'_>, number: u32) -> wasmtime::Result<Resource<T>> {
    let state = store.data_mut();
    let limit = state.plugin.config.limits.resources;
    if state.resources >= limit {
        wasmtime::bail!("the limit of {limit} resources is reached");
    }
    state.resources += 1;
    Ok(Resource::new_own(number))
}

fn present(linked: &mut LinkerInstance<'_, GuestState>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "wasi:cli/environment" => environment(linked),
        "wasi:cli/exit" => linked.func_wrap(
            "exit",
            |_: Store<'_>, (_,): (Result<(), ()>,)| -> wasmtime::Result<()> {
                wasmtime::bail!("a guest does not end by itself, but with `on-disable`")
            },
        ),
        "wasi:cli/stdin" => linked.func_wrap("get-stdin", |store: Store<'_>, ()| {
            Ok((own::<Input>(store, 0)?,))
        }),
        "wasi:cli/stdout" => linked.func_wrap("get-stdout", |store: Store<'_>, ()| {
            Ok((own::<Output>(store, STDOUT)?,))
        }),
        "wasi:cli/stderr" => linked.func_wrap("get-stderr", |store: Store<'_>, ()| {
            Ok((own::<Output>(store, STDERR)?,))
        }),
        "wasi:cli/terminal-stdin" => no_terminal(linked, "get-terminal-stdin"),
        "wasi:cli/terminal-stdout" => no_terminal(linked, "get-terminal-stdout"),
        "wasi:cli/terminal-stderr" => no_terminal(linked, "get-terminal-stderr"),
        "wasi:clocks/monotonic-clock" => {
            linked.func_wrap("now", |store: Store<'_>, ()| {
                let now = store.data().plugin.services.clock.monotonic();
                Ok((u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),))
            })?;
            linked.func_wrap("resolution", |_: Store<'_>, ()| Ok((1_u64,)))
        }
        "wasi:clocks/wall-clock" => {
            linked.func_wrap("now", |store: Store<'_>, ()| {
                let now = store.data().plugin.services.clock.wall();
                Ok((Datetime {
                    seconds: now.as_secs(),
                    nanoseconds: now.subsec_nanos(),
                },))
            })?;
            linked.func_wrap("resolution", |_: Store<'_>, ()| {
                Ok((Datetime {
                    seconds: 0,
                    nanoseconds: 1,
                },))
            })
        }
        "wasi:filesystem/preopens" => files::preopens(linked),
        "wasi:filesystem/types" => files::types(linked),
        "wasi:io/error" => streams::errors(linked),
        "wasi:io/poll" => poll(linked),
        "wasi:io/streams" => streams::streams(linked),
        "wasi:random/random" => random(linked, "get-random-bytes", "get-random-u64"),
        "wasi:random/insecure" => random(
            linked,
            "get-insecure-random-bytes",
            "get-insecure-random-u64",
        ),
        "wasi:random/insecure-seed" => linked
            .func_wrap("insecure-seed", |mut store: Store<'_>, ()| {
                Ok(((number(&mut store)?, number(&mut store)?),))
            }),
        _ => Ok(()),
    }
}

fn environment(linked: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    linked.func_wrap("get-environment", |_: Store<'_>, ()| {
        Ok((Vec::<(String, String)>::new(),))
    })?;
    linked.func_wrap("get-arguments", |_: Store<'_>, ()| {
        Ok((Vec::<String>::new(),))
    })?;
    linked.func_wrap("initial-cwd", |_: Store<'_>, ()| Ok((None::<String>,)))
}

fn no_terminal(linked: &mut LinkerInstance<'_, GuestState>, name: &str) -> wasmtime::Result<()> {
    linked.func_wrap(name, |_: Store<'_>, ()| Ok((None::<Resource<Absent>>,)))
}

/// What can be waited for is a stream, and that is ready.
fn poll(linked: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "[method]pollable.ready",
        |_: Store<'_>, (_,): (Resource<Pollable>,)| Ok((true,)),
    )?;
    linked.func_wrap(
        "[method]pollable.block",
        |_: Store<'_>, (_,): (Resource<Pollable>,)| Ok(()),
    )?;
    linked.func_wrap(
        "poll",
        |_: Store<'_>, (all,): (Vec<Resource<Pollable>>,)| {
            let all: Vec<u32> = (0..).take(all.len()).collect();
            Ok((all,))
        },
    )
}

fn random(
    linked: &mut LinkerInstance<'_, GuestState>,
    bytes: &str,
    number_name: &str,
) -> wasmtime::Result<()> {
    linked.func_wrap(bytes, |mut store: Store<'_>, (length,): (u64,)| {
        if length > WASI_RANDOM_BYTES {
            wasmtime::bail!("at most {WASI_RANDOM_BYTES} random bytes at a time");
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        store.data_mut().random.fill(&mut bytes)?;
        Ok((bytes,))
    })?;
    linked.func_wrap(number_name, |mut store: Store<'_>, ()| {
        Ok((number(&mut store)?,))
    })
}

fn number(store: &mut Store<'_>) -> wasmtime::Result<u64> {
    let mut bytes = [0; 8];
    store.data_mut().random.fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Where random numbers come from.
pub(crate) enum Random {
    /// The system, for what serves players.
    System,
    /// A seed, where runs must repeat exactly.
    Seeded(u64),
}

impl Random {
    /// The source of one instance: each has numbers of its own.
    pub fn new(seed: Option<u64>, plugin: &str, incarnation: u32) -> Self {
        let Some(seed) = seed else {
            return Self::System;
        };
        let own = plugin.bytes().fold(u64::from(incarnation), |own, byte| {
            own.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte)
        });
        Self::Seeded(seed ^ own.rotate_left(32))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> wasmtime::Result<()> {
        match self {
            Self::System => getrandom::fill(bytes)
                .map_err(|error| wasmtime::format_err!("no random numbers: {error}")),
            Self::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    let drawn = splitmix(state).to_le_bytes();
                    let length = chunk.len();
                    chunk.copy_from_slice(&drawn[..length]);
                }
                Ok(())
            }
        }
    }
}

/// SplitMix64, by Steele, Lea and Flood.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

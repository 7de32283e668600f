//! `wasi:filesystem`: the functions, each a call of [`Node`]'s.

use super::handles::Handle;
use super::node::Node;
use super::types::{
    Advice, DescriptorFlags, DescriptorStat, DirectoryEntry, ErrorCode, MetadataHash, NewTimestamp,
    OpenFlags, PathFlags,
};
use super::{Descriptor, Entries, Input, Output, Store, StreamFault, own};
use crate::bridge::CpuMeter;
use crate::bridge::state::GuestState;
use crate::config::limits::WASI_FILE_CALL_FUEL;
use crate::host::give_way;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime::{Trap, bail};

/// What WASI calls the plugin's folder. It is the root, so that the absolute paths of wasi-libc, Go and Python lead into
/// it as their relative ones do, whose working folder is the root.
const ROOT: &str = "/";

pub(super) type Answer<T> = Result<T, ErrorCode>;
/// As a guest is answered.
type Answered<T> = wasmtime::Result<(Answer<T>,)>;
type Linked<'a> = LinkerInstance<'a, GuestState>;
type This = Resource<Descriptor>;

/// Makes a call for files, which costs fuel where that is counted, and has its own time where that is measured.
pub(super) fn call<R>(
    store: &mut Store<'_>,
    act: impl FnOnce(&mut GuestState) -> Answer<R>,
) -> wasmtime::Result<Answer<R>> {
    if store.data().plugin.engine.meter == CpuMeter::Fuel {
        let left = store.get_fuel()?.checked_sub(WASI_FILE_CALL_FUEL);
        store.set_fuel(left.ok_or(Trap::OutOfFuel)?)?;
        return Ok(act(store.data_mut()));
    }
    let state = store.data_mut();
    let limit = state.plugin.config.limits.data_time();
    if !state.files.time.is_left(limit) {
        return Ok(Err(ErrorCode::Busy));
    }
    let began = Instant::now();
    let answer = act(state);
    state.files.time.spend(began.elapsed());
    Ok(answer)
}

fn node(state: &mut GuestState, this: &This) -> Answer<Arc<Node>> {
    match state.files.get(this.rep()) {
        Some(Handle::Descriptor(node)) => Ok(Arc::clone(node)),
        _ => Err(ErrorCode::BadDescriptor),
    }
}

/// A call for one descriptor.
fn on<R>(mut store: Store<'_>, this: &This, act: impl FnOnce(&Node) -> Answer<R>) -> Answered<R> {
    let answer = call(&mut store, |state| act(&*node(state, this)?))?;
    Ok((answer,))
}

/// A call for a descriptor that makes a handle.
fn made<T: 'static>(
    mut store: Store<'_>,
    this: &This,
    act: impl FnOnce(&mut GuestState, Arc<Node>) -> Answer<Handle>,
) -> Answered<Resource<T>> {
    let made = call(&mut store, |state| {
        let node = node(state, this)?;
        act(state, node)
    })?;
    Ok((match made {
        Ok(handle) => Ok(keep(store, handle)?),
        Err(code) => Err(code),
    },))
}

fn keep<T: 'static>(mut store: Store<'_>, handle: Handle) -> wasmtime::Result<Resource<T>> {
    let number = store.data_mut().files.insert(handle);
    own(store, number)
}

pub(super) fn preopens(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap("get-directories", |store: Store<'_>, ()| {
        let mut folders = Vec::new();
        if let Some(folder) = store.data().plugin.folder.get() {
            match Node::root(folder) {
                Ok(root) => {
                    let root = keep::<Descriptor>(store, Handle::Descriptor(Arc::new(root)))?;
                    folders.push((root, ROOT.to_owned()));
                }
                Err(code) => bail!("the data folder cannot be opened: {}", code.name()),
            }
        }
        Ok((folders,))
    })
}

pub(super) fn types(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "filesystem-error-code",
        |_: Store<'_>, (error,): (Resource<StreamFault>,)| Ok((ErrorCode::of_number(error.rep()),)),
    )?;
    contents(linked)?;
    descriptors(linked)?;
    paths(linked)?;
    links(linked)?;
    directories(linked)
}

/// What is in a file.
fn contents(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "[method]descriptor.read",
        |store: Store<'_>, (this, length, offset): (This, u64, u64)| {
            on(store, &this, |node| node.read(length, offset))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.write",
        |store: Store<'_>, (this, bytes, offset): (This, Vec<u8>, u64)| {
            on(store, &this, |node| {
                let (written, _) = node.write(Some(offset), &bytes)?;
                Ok(written)
            })
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.read-via-stream",
        |store: Store<'_>, (this, offset): (This, u64)| {
            made::<Input>(store, &this, |_, node| Ok(Handle::Input(node, offset)))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.write-via-stream",
        |store: Store<'_>, (this, offset): (This, u64)| {
            made::<Output>(store, &this, |_, node| {
                Ok(Handle::Output(node, Some(offset)))
            })
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.append-via-stream",
        |store: Store<'_>, (this,): (This,)| {
            made::<Output>(store, &this, |_, node| Ok(Handle::Output(node, None)))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.set-size",
        |store: Store<'_>, (this, size): (This, u64)| on(store, &this, |node| node.set_size(size)),
    )?;
    for (name, data_only) in [("sync", false), ("sync-data", true)] {
        linked.func_wrap(
            &format!("[method]descriptor.{name}"),
            move |store: Store<'_>, (this,): (This,)| {
                on(store, &this, |node| {
                    // The one call that is sure to wait.
                    give_way(|| node.sync(data_only))
                })
            },
        )?;
    }
    linked.func_wrap(
        "[method]descriptor.advise",
        |_: Store<'_>, _: (This, u64, u64, Advice)| Ok((Answer::Ok(()),)),
    )
}

/// What is open.
fn descriptors(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "[method]descriptor.get-flags",
        |store: Store<'_>, (this,): (This,)| on(store, &this, |node| Ok(node.flags())),
    )?;
    linked.func_wrap(
        "[method]descriptor.get-type",
        |store: Store<'_>, (this,): (This,)| on(store, &this, |node| Ok(node.kind())),
    )?;
    linked.func_wrap(
        "[method]descriptor.stat",
        |store: Store<'_>, (this,): (This,)| -> Answered<DescriptorStat> {
            let dates = has_dates(&store);
            on(store, &this, |node| node.stat(dates))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.set-times",
        |store: Store<'_>, (this, accessed, modified): (This, NewTimestamp, NewTimestamp)| {
            on(store, &this, |node| node.set_times(accessed, modified))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.metadata-hash",
        |store: Store<'_>, (this,): (This,)| on(store, &this, |node| Ok(node.hash())),
    )?;
    linked.func_wrap(
        "[method]descriptor.is-same-object",
        |mut store: Store<'_>, (this, other): (This, This)| {
            let state = store.data_mut();
            let both = node(state, &this).and_then(|one| Ok((one, node(state, &other)?)));
            Ok((both.is_ok_and(|(one, other)| one.id() == other.id()),))
        },
    )
}

/// Dates are the machine's: where runs must repeat there are none.
fn has_dates(store: &Store<'_>) -> bool {
    store.data().plugin.services.seed.is_none()
}

/// What a path names.
fn paths(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "[method]descriptor.open-at",
        |store: Store<'_>,
         (this, at, path, open, flags): (
            This,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            made::<Descriptor>(store, &this, |_, node| {
                let opened = node.open_at(follows(at), &path, open, flags)?;
                Ok(Handle::Descriptor(Arc::new(opened)))
            })
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.stat-at",
        |store: Store<'_>,
         (this, at, path): (This, PathFlags, String)|
         -> Answered<DescriptorStat> {
            let dates = has_dates(&store);
            on(store, &this, |node| node.stat_at(follows(at), &path, dates))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.set-times-at",
        |store: Store<'_>,
         (this, at, path, accessed, modified): (
            This,
            PathFlags,
            String,
            NewTimestamp,
            NewTimestamp,
        )| {
            on(store, &this, |node| {
                node.set_times_at(follows(at), &path, accessed, modified)
            })
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.metadata-hash-at",
        |store: Store<'_>, (this, at, path): (This, PathFlags, String)| -> Answered<MetadataHash> {
            on(store, &this, |node| node.hash_at(follows(at), &path))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.unlink-file-at",
        |store: Store<'_>, (this, path): (This, String)| {
            on(store, &this, |node| node.unlink_file(&path))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.rename-at",
        |mut store: Store<'_>, (this, path, to, new): (This, String, This, String)| {
            let renamed = call(&mut store, |state| {
                let to = node(state, &to)?;
                node(state, &this)?.rename(&path, &to, &new)
            })?;
            Ok((renamed,))
        },
    )
}

fn follows(at: PathFlags) -> bool {
    at.contains(PathFlags::SYMLINK_FOLLOW)
}

/// Links are there to be read: why guests make none stands at the head of [`super::node`].
fn links(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    const REFUSED: Answer<()> = Err(ErrorCode::NotPermitted);
    linked.func_wrap(
        "[method]descriptor.readlink-at",
        |store: Store<'_>, (this, path): (This, String)| {
            on(store, &this, |node| node.read_link(&path))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.symlink-at",
        |_: Store<'_>, _: (This, String, String)| Ok((REFUSED,)),
    )?;
    linked.func_wrap(
        "[method]descriptor.link-at",
        |_: Store<'_>, _: (This, PathFlags, String, This, String)| Ok((REFUSED,)),
    )
}

fn directories(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "[method]descriptor.create-directory-at",
        |store: Store<'_>, (this, path): (This, String)| {
            on(store, &this, |node| node.create_directory(&path))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.remove-directory-at",
        |store: Store<'_>, (this, path): (This, String)| {
            on(store, &this, |node| node.remove_directory(&path))
        },
    )?;
    linked.func_wrap(
        "[method]descriptor.read-directory",
        |store: Store<'_>, (this,): (This,)| {
            made::<Entries>(store, &this, |state, node| {
                // A walk through the whole folder holds each name once, and no guest holds more.
                let most = state.plugin.config.limits.data_entries;
                let mut entries = node.entries(most.saturating_sub(state.files.names()))?;
                entries.reverse();
                let names = entries.len() as u64;
                Ok(Handle::Entries(entries, names))
            })
        },
    )?;
    linked.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: Store<'_>, (stream,): (Resource<Entries>,)| {
            let next: Answer<Option<DirectoryEntry>> =
                match store.data_mut().files.get(stream.rep()) {
                    Some(Handle::Entries(left, _)) => Ok(left.pop()),
                    _ => Err(ErrorCode::BadDescriptor),
                };
            Ok((next,))
        },
    )
}

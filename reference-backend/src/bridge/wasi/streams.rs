//! `wasi:io`: streams into the log, from files and into files. None of them waits for anybody.

use super::files::{Answer, call};
use super::handles::Handle;
use super::node::Node;
use super::types::{ErrorCode, StreamError};
use super::{Input, Output, Pollable, STDERR, STDOUT, Store, StreamFault, own};
use crate::api::LogLevel;
use crate::bridge::state::GuestState;
use crate::config::limits::LOG_LINE_BYTES;
use std::sync::Arc;
use wasmtime::component::{LinkerInstance, Resource};

type Streamed<T> = Result<T, StreamError>;
type Linked<'a> = LinkerInstance<'a, GuestState>;

pub(super) fn streams(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    for name in ["read", "blocking-read"] {
        linked.func_wrap(
            &format!("[method]input-stream.{name}"),
            |mut store: Store<'_>, (stream, length): (Resource<Input>, u64)| {
                let read = read(&mut store, &stream, length)?;
                streamed(store, read)
            },
        )?;
    }
    for name in ["skip", "blocking-skip"] {
        linked.func_wrap(
            &format!("[method]input-stream.{name}"),
            |mut store: Store<'_>, (stream, length): (Resource<Input>, u64)| {
                let skipped = skip(&mut store, &stream, length)?;
                streamed(store, skipped)
            },
        )?;
    }
    linked.func_wrap(
        "[method]input-stream.subscribe",
        |store: Store<'_>, (_,): (Resource<Input>,)| Ok((own::<Pollable>(store, 0)?,)),
    )?;
    linked.func_wrap(
        "[method]output-stream.check-write",
        |store: Store<'_>, (stream,): (Resource<Output>,)| {
            Ok((Streamed::Ok(permitted(store.data(), &stream)),))
        },
    )?;
    for name in ["write", "blocking-write-and-flush"] {
        linked.func_wrap(
            &format!("[method]output-stream.{name}"),
            |mut store: Store<'_>, (stream, bytes): (Resource<Output>, Vec<u8>)| {
                let written = write(&mut store, &stream, &bytes)?;
                streamed(store, written)
            },
        )?;
    }
    for name in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        linked.func_wrap(
            &format!("[method]output-stream.{name}"),
            |mut store: Store<'_>, (stream, length): (Resource<Output>, u64)| {
                permits(store.data(), &stream, length)?;
                let zeroes = vec![0; usize::try_from(length).unwrap_or_default()];
                let written = write(&mut store, &stream, &zeroes)?;
                streamed(store, written)
            },
        )?;
    }
    for name in ["flush", "blocking-flush"] {
        linked.func_wrap(
            &format!("[method]output-stream.{name}"),
            |_: Store<'_>, (_,): (Resource<Output>,)| Ok((Streamed::Ok(()),)),
        )?;
    }
    linked.func_wrap(
        "[method]output-stream.subscribe",
        |store: Store<'_>, (_,): (Resource<Output>,)| Ok((own::<Pollable>(store, 0)?,)),
    )
}

pub(super) fn errors(linked: &mut Linked<'_>) -> wasmtime::Result<()> {
    linked.func_wrap(
        "[method]error.to-debug-string",
        |_: Store<'_>, (error,): (Resource<StreamFault>,)| {
            let code = ErrorCode::of_number(error.rep());
            Ok((code.map_or("unknown", ErrorCode::name).to_owned(),))
        },
    )
}

/// What a guest is answered: nothing more of a stream that is at its end, and a handle of what failed.
fn streamed<T>(store: Store<'_>, answer: Answer<Option<T>>) -> wasmtime::Result<(Streamed<T>,)> {
    Ok((match answer {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(StreamError::Closed),
        Err(code) => {
            let fault = own::<StreamFault>(store, code.number())?;
            Err(StreamError::LastOperationFailed(fault))
        }
    },))
}

/// The file of a stream and where the stream is; none of the standard one.
fn source(state: &mut GuestState, stream: &Resource<Input>) -> Option<(Arc<Node>, u64)> {
    match state.files.get(stream.rep()) {
        Some(Handle::Input(node, at)) => Some((Arc::clone(node), *at)),
        _ => None,
    }
}

fn moved(state: &mut GuestState, number: u32, to: u64) {
    if let Some(Handle::Input(_, at) | Handle::Output(_, Some(at))) = state.files.get(number) {
        *at = to;
    }
}

fn read(
    store: &mut Store<'_>,
    stream: &Resource<Input>,
    length: u64,
) -> wasmtime::Result<Answer<Option<Vec<u8>>>> {
    let Some((node, at)) = source(store.data_mut(), stream) else {
        return Ok(Ok(None));
    };
    call(store, |state| {
        let (bytes, end) = node.read(length, at)?;
        moved(state, stream.rep(), at + bytes.len() as u64);
        Ok((!end).then_some(bytes))
    })
}

fn skip(
    store: &mut Store<'_>,
    stream: &Resource<Input>,
    length: u64,
) -> wasmtime::Result<Answer<Option<u64>>> {
    let Some((node, at)) = source(store.data_mut(), stream) else {
        return Ok(Ok(None));
    };
    call(store, |state| {
        let left = node.stat(false)?.size.saturating_sub(at);
        let skipped = left.min(length);
        moved(state, stream.rep(), at + skipped);
        Ok((skipped > 0 || length == 0).then_some(skipped))
    })
}

fn write(
    store: &mut Store<'_>,
    stream: &Resource<Output>,
    bytes: &[u8],
) -> wasmtime::Result<Answer<Option<()>>> {
    let state = store.data_mut();
    let number = stream.rep();
    if matches!(number, STDOUT | STDERR) {
        state.written(number == STDERR, bytes);
        return Ok(Ok(Some(())));
    }
    permits(state, stream, bytes.len() as u64)?;
    let Some(Handle::Output(node, at)) = state.files.get(number) else {
        return Ok(Ok(None));
    };
    let (node, mut at) = (Arc::clone(node), *at);
    call(store, |state| {
        let mut left = bytes;
        while !left.is_empty() {
            let (written, next) = node.write(at, left)?;
            if written == 0 {
                return Err(ErrorCode::Io);
            }
            left = &left[usize::try_from(written).unwrap_or(left.len())..];
            at = at.map(|_| next);
            moved(state, number, next);
        }
        Ok(Some(()))
    })
}

/// How many bytes may be written at a time.
fn permitted(state: &GuestState, stream: &Resource<Output>) -> u64 {
    match stream.rep() {
        STDOUT | STDERR => LOG_LINE_BYTES as u64,
        _ => state.plugin.config.limits.data_call_bytes,
    }
}

/// As WASI has it, a guest that writes more than it may is trapped.
fn permits(state: &GuestState, stream: &Resource<Output>, length: u64) -> wasmtime::Result<()> {
    let most = permitted(state, stream);
    if length > most {
        wasmtime::bail!("at most {most} bytes at a time, as `check-write` says");
    }
    Ok(())
}

impl GuestState {
    /// Text for a stream: each whole line is a line of the log, and so is what would be longer than one may be.
    fn written(&mut self, error: bool, bytes: &[u8]) {
        let level = if error {
            LogLevel::Warn
        } else {
            LogLevel::Info
        };
        for &byte in bytes {
            let line = &mut self.lines[usize::from(error)];
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() >= LOG_LINE_BYTES {
                let line = std::mem::take(line);
                self.write_line(level, String::from_utf8_lossy(&line).into_owned());
            }
        }
    }
}

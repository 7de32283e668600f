//! The npm package `minecraft-packets`: what is in it, and where.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

/// Where the package keeps the packets of each version of the game.
const DATA: &str = "minecraft-packets/minecraft-packets/data/pc";
/// What servers sent; the package has nothing from clients.
const FROM_SERVER: &str = "from-server";

/// A package that is not as it should be.
#[derive(Debug, Error)]
pub(crate) enum PackageError {
    /// A file or folder cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file that should be JSON is not.
    #[error("{}: {error}", path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
    /// A folder is named after no release of the game.
    #[error("the package has packets of `{0}`, which is no release with packet tables")]
    UnknownVersion(String),
    /// A file's name is not a number.
    #[error("{}: named after no number", .0.display())]
    Name(PathBuf),
}

/// What one vanilla server sent.
#[derive(Debug)]
pub(crate) struct Server {
    /// The game's version: `1.16.5`.
    pub(crate) version: String,
    /// Its protocol.
    pub(crate) protocol: i32,
    /// In the order in which the first of each kind came; those of a kind in theirs.
    pub(crate) captures: Vec<Capture>,
}

/// One packet of a vanilla server.
#[derive(Debug)]
pub(crate) struct Capture {
    /// The package's name for it.
    pub(crate) name: String,
    /// Which of this name, from 1.
    pub(crate) number: u32,
    /// Its bytes, from the id on.
    pub(crate) raw: Vec<u8>,
    json: PathBuf,
}

impl Capture {
    /// The package's own reading of it; null for a packet without fields, whose file is empty.
    pub(crate) fn json(&self) -> Result<Value, PackageError> {
        let text = read_file(&self.json)?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        parse(&self.json, &text)
    }
}

/// All that is in the package, oldest protocol first.
pub(crate) fn read(modules: &Path) -> Result<Vec<Server>, PackageError> {
    let folder = modules.join(DATA);
    let mut servers = names(&folder)?
        .into_iter()
        .filter(|name| folder.join(name).is_dir())
        .map(|version| read_server(&folder.join(&version), version))
        .collect::<Result<Vec<_>, _>>()?;
    servers.sort_by_key(|server| server.protocol);
    Ok(servers)
}

fn read_server(folder: &Path, version: String) -> Result<Server, PackageError> {
    let release = vb_data::releases()
        .iter()
        .find(|release| release.versions.contains(&version.as_str()));
    let Some(protocol) = release.map(|release| release.protocol) else {
        return Err(PackageError::UnknownVersion(version));
    };
    let info = read_json(&folder.join("metadata/packets_info.json"))?;
    let collected: Vec<_> = info["collected"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let sent = folder.join(FROM_SERVER);
    let mut kinds = names(&sent)?;
    // A kind that the list does not name comes last.
    kinds.sort_by_key(|kind| {
        collected
            .iter()
            .position(|name| name == kind)
            .unwrap_or(usize::MAX)
    });
    let mut captures = Vec::new();
    for kind in kinds {
        captures.extend(read_kind(&sent.join(&kind), &kind)?);
    }
    Ok(Server {
        version,
        protocol,
        captures,
    })
}

fn read_kind(folder: &Path, name: &str) -> Result<Vec<Capture>, PackageError> {
    let mut captures = Vec::new();
    for file in names(folder)? {
        let path = folder.join(&file);
        let Some(number) = file.strip_suffix(".raw") else {
            continue;
        };
        let number = number
            .parse()
            .map_err(|_| PackageError::Name(path.clone()))?;
        captures.push(Capture {
            name: name.to_owned(),
            number,
            json: path.with_extension("json"),
            raw: read_file(&path)?,
        });
    }
    captures.sort_by_key(|capture| capture.number);
    Ok(captures)
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Result<Vec<String>, PackageError> {
    let failed = |error| PackageError::Read {
        path: folder.to_owned(),
        error,
    };
    let mut names = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| {
            Ok(entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .collect::<Result<Vec<_>, _>>()?;
    names.sort();
    Ok(names)
}

fn read_json(path: &Path) -> Result<Value, PackageError> {
    parse(path, &read_file(path)?)
}

fn read_file(path: &Path) -> Result<Vec<u8>, PackageError> {
    fs::read(path).map_err(|error| PackageError::Read {
        path: path.to_owned(),
        error,
    })
}

fn parse(path: &Path, text: &[u8]) -> Result<Value, PackageError> {
    serde_json::from_slice(text).map_err(|error| PackageError::Json {
        path: path.to_owned(),
        error,
    })
}

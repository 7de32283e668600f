//! A plugin's data folder: where it lies, and what of it is in use.
//!
//! What the folder holds is counted when the host starts, by walking through it, and from then on by what the guest
//! does: each change says by how much before it is made. A file counts by its length, every file, folder and link as
//! an entry. One that is removed while it is open counts until it is closed. What others do to the folder while the
//! host runs is not noticed before the next start.

use super::types::ErrorCode;
use crate::config::limits::Limits;
use crate::config::{PLUGIN_NAME_RULE, is_plugin_name};
use crate::host::lock;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// A file's device and number there: the same for all its names.
pub(super) type FileId = (u64, u64);

/// One plugin's folder, which its instances share.
pub(crate) struct DataFolder {
    pub(super) path: PathBuf,
    pub(super) root: Arc<Dir>,
    pub(super) limits: FolderLimits,
    /// Lets the guest out, in a host that is broken in this way.
    pub(super) open_to_all: bool,
    usage: Mutex<Usage>,
}

/// What a plugin may use of its folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct FolderLimits {
    pub bytes: u64,
    pub entries: u64,
    pub open: u64,
    pub call_bytes: u64,
}

impl From<&Limits> for FolderLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            bytes: limits.data_bytes,
            entries: limits.data_entries,
            open: limits.data_open,
            call_bytes: limits.data_call_bytes,
        }
    }
}

/// Why a plugin's data folder cannot be used. Displays what is wrong with which folder, and help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolderError {
    /// Where it should lie.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// How to mend it.
    pub help: String,
}

impl std::error::Error for DataFolderError {}

impl fmt::Display for DataFolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            problem,
            help,
        } = self;
        let path = path.display();
        write!(f, "its data folder {path} {problem}\n  = help: {help}")
    }
}

impl DataFolder {
    /// Makes the folder `NAME` in `data_dir` where there is none, and counts what is in it.
    pub fn open(
        data_dir: &Path,
        name: &str,
        limits: &Limits,
        open_to_all: bool,
    ) -> Result<Self, DataFolderError> {
        let path = place(data_dir, name)?;
        let fails = |doing: &str, error: io::Error| DataFolderError {
            path: path.clone(),
            problem: format!("cannot be {doing}: {error}"),
            help: "give the host's user the right to it, or set `data_dir` to another folder"
                .to_owned(),
        };
        std::fs::create_dir_all(&path).map_err(|error| fails("made", error))?;
        let root = Dir::open_ambient_dir(&path, ambient_authority())
            .map_err(|error| fails("opened", error))?;
        let limits = FolderLimits::from(limits);
        let mut usage = Usage::default();
        if let Err(error) = usage.count(&root) {
            tracing::warn!(
                plugin = name,
                "its data folder {} cannot be counted and counts as full: {error}",
                path.display()
            );
            usage.bytes = usage.bytes.max(limits.bytes);
            usage.entries = usage.entries.max(limits.entries);
        }
        Ok(Self {
            path,
            root: Arc::new(root),
            limits,
            open_to_all,
            usage: Mutex::new(usage),
        })
    }

    /// Whether [`open`](Self::open) could make the folder, as far as can be seen without making it.
    pub fn check(data_dir: &Path, name: &str) -> Result<(), DataFolderError> {
        place(data_dir, name).map(drop)
    }

    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        lock(&self.usage)
    }
}

/// Where a plugin's folder lies.
fn place(data_dir: &Path, name: &str) -> Result<PathBuf, DataFolderError> {
    let path = data_dir.join(name);
    if !is_plugin_name(name) {
        return Err(DataFolderError {
            path,
            problem: format!("cannot be named after the plugin \"{name}\""),
            help: PLUGIN_NAME_RULE.to_owned(),
        });
    }
    for part in [data_dir, &path] {
        if part.exists() && !part.is_dir() {
            let problem = if part == path {
                "is no folder".to_owned()
            } else {
                format!("cannot be made: {} is no folder", part.display())
            };
            return Err(DataFolderError {
                path: path.clone(),
                problem,
                help: "move away what is there, or set `data_dir` to a folder".to_owned(),
            });
        }
    }
    Ok(path)
}

/// What of a folder is in use.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub bytes: u64,
    pub entries: u64,
    /// Descriptors of the system, over all instances.
    open: u64,
    /// How often each file is open.
    files: BTreeMap<FileId, OpenFile>,
}

#[derive(Debug, Default)]
struct OpenFile {
    times: u32,
    /// Has no name any more, and counts until it is closed.
    removed: bool,
}

impl Usage {
    fn count(&mut self, root: &Dir) -> io::Result<()> {
        let mut left = vec![PathBuf::from(".")];
        while let Some(folder) = left.pop() {
            for entry in root.read_dir(&folder)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                self.entries += 1;
                if metadata.is_dir() {
                    left.push(folder.join(entry.file_name()));
                } else if metadata.is_file() {
                    self.bytes += metadata.len();
                }
            }
        }
        Ok(())
    }

    /// Takes room for so many bytes more.
    pub fn grow(&mut self, limits: FolderLimits, bytes: u64) -> Result<(), ErrorCode> {
        let grown = self.bytes.saturating_add(bytes);
        if bytes > 0 && grown > limits.bytes {
            return Err(ErrorCode::Quota);
        }
        self.bytes = grown;
        Ok(())
    }

    pub fn shrink(&mut self, bytes: u64) {
        // Others may have taken something away or made it smaller.
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Takes room for one entry more.
    pub fn enter(&mut self, limits: FolderLimits) -> Result<(), ErrorCode> {
        if self.entries >= limits.entries {
            return Err(ErrorCode::Quota);
        }
        self.entries += 1;
        Ok(())
    }

    pub fn leave(&mut self) {
        self.entries = self.entries.saturating_sub(1);
    }

    /// Takes room for one descriptor more.
    pub fn open(&mut self, limits: FolderLimits) -> Result<(), ErrorCode> {
        if self.open >= limits.open {
            return Err(ErrorCode::InsufficientMemory);
        }
        self.open += 1;
        Ok(())
    }

    /// The one that was taken room for could not be opened.
    pub fn not_opened(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// The one that was taken room for is of this file.
    pub fn opened(&mut self, id: FileId) {
        self.files.entry(id).or_default().times += 1;
    }

    /// One descriptor of the file is closed; `bytes` is how long the file is then.
    pub fn closed(&mut self, id: FileId, bytes: u64) {
        self.not_opened();
        let Some(file) = self.files.get_mut(&id) else {
            return;
        };
        file.times -= 1;
        if file.times > 0 {
            return;
        }
        if self.files.remove(&id).is_some_and(|file| file.removed) {
            self.shrink(bytes);
            self.leave();
        }
    }

    /// A name of the file is gone.
    pub fn removed(&mut self, id: FileId, bytes: u64) {
        match self.files.get_mut(&id) {
            Some(file) => file.removed = true,
            None => {
                self.shrink(bytes);
                self.leave();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FolderLimits = FolderLimits {
        bytes: 10,
        entries: 2,
        open: 1,
        call_bytes: 4,
    };

    #[test]
    fn bytes_entries_and_open_files_have_edges() {
        let mut usage = Usage::default();
        assert_eq!(usage.grow(LIMITS, 10), Ok(()));
        assert_eq!(usage.grow(LIMITS, 1), Err(ErrorCode::Quota));
        assert_eq!(usage.grow(LIMITS, 0), Ok(()));
        usage.shrink(1);
        assert_eq!(usage.grow(LIMITS, 1), Ok(()));
        assert_eq!(usage.grow(LIMITS, u64::MAX), Err(ErrorCode::Quota));
        assert_eq!(usage.enter(LIMITS), Ok(()));
        assert_eq!(usage.enter(LIMITS), Ok(()));
        assert_eq!(usage.enter(LIMITS), Err(ErrorCode::Quota));
        assert_eq!(usage.open(LIMITS), Ok(()));
        assert_eq!(usage.open(LIMITS), Err(ErrorCode::InsufficientMemory));
        usage.not_opened();
        assert_eq!(usage.open(LIMITS), Ok(()));
    }

    #[test]
    fn what_is_removed_while_it_is_open_counts_until_the_last_descriptor_is_closed() {
        let mut usage = Usage {
            bytes: 10,
            entries: 2,
            open: 2,
            ..Usage::default()
        };
        usage.opened((1, 1));
        usage.opened((1, 1));
        usage.removed((1, 1), 4);
        usage.removed((1, 2), 1);
        assert_eq!((usage.bytes, usage.entries), (9, 1));
        usage.closed((1, 1), 4);
        assert_eq!((usage.bytes, usage.entries), (9, 1));
        usage.closed((1, 1), 7);
        assert_eq!((usage.bytes, usage.entries, usage.open), (2, 0, 0));
        assert!(usage.files.is_empty());
    }
}

//! Reading a file that an operator has named, which may be anything.

use std::fs::{FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system says no.
    #[error(transparent)]
    System(#[from] io::Error),
    /// It is no file.
    #[error("it is {0}, expected a file")]
    Kind(&'static str),
    /// It is longer than it may be, and was not read.
    #[error("{size} bytes or more, at most {limit} are allowed")]
    TooBig {
        /// Its size in bytes, or one more than is allowed where it told another one.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::System(error) => error,
            other => Self::other(other.to_string()),
        }
    }
}

/// The contents of a file of at most `limit` bytes. Never waits for somebody to write, and holds no more than the limit:
/// what was opened is asked what it is and how long, before anything of it is read.
///
/// # Errors
/// See [`FileError`].
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe without a writer would keep the open waiting.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if let Some(kind) = no_file(&metadata) {
        return Err(FileError::Kind(kind));
    }
    let too_big = |size| FileError::TooBig { size, limit };
    if metadata.len() > limit {
        return Err(too_big(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    // It may grow while it is read, and files of the system tell no size.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_big(bytes.len() as u64));
    }
    Ok(bytes)
}

/// What it is instead of a file.
fn no_file(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_file() {
        return None;
    }
    Some(if metadata.is_dir() {
        "a folder"
    } else {
        special(metadata.file_type())
    })
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn the_limit_has_an_edge_and_is_looked_at_before_reading() {
        let path = std::env::temp_dir().join(format!("read-file-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        file.set_len(8).unwrap();
        assert_eq!(read_file(&path, 8).unwrap(), [0; 8]);
        let size = |limit| match read_file(&path, limit) {
            Err(FileError::TooBig { size, .. }) => size,
            other => panic!("{other:?}"),
        };
        assert_eq!(size(7), 8);
        // More than any machine can hold: were it read, this would not return.
        file.set_len(1 << 42).unwrap();
        assert_eq!(size(1 << 20), 1 << 42);
        std::fs::remove_file(&path).unwrap();
    }

    /// What tells no size is read no further than the limit.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_tells_no_size_is_read_up_to_the_limit() {
        let path = Path::new("/proc/self/status");
        assert!(matches!(
            read_file(path, 10),
            Err(FileError::TooBig { size: 11, .. })
        ));
        assert!(read_file(path, 1 << 20).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named() {
        let said = |path: &str| read_file(Path::new(path), 10).unwrap_err().to_string();
        assert_eq!(said("/"), "it is a folder, expected a file");
        assert_eq!(said("/dev/zero"), "it is a device, expected a file");
        assert!(said("/nowhere").contains("No such file"));
    }
}

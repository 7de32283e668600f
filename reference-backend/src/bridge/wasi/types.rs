//! The types of `wasi:filesystem` and of WASI's streams, as the host sees them.

use super::StreamFault;
use std::io::{Error, ErrorKind};
use wasmtime::component::{ComponentType, Lift, Lower, Resource, flags};

/// Defines [`ErrorCode`] with the numbers by which the resource `error` of a stream stands for one.
macro_rules! error_codes {
    ($($variant:ident = $name:literal,)+) => {
        /// `error-code`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
        #[component(enum)]
        #[repr(u8)]
        #[allow(dead_code, reason = "part of the type; not each of them happens")]
        pub(super) enum ErrorCode {
            $(#[component(name = $name)] $variant,)+
        }

        impl ErrorCode {
            const ALL: &[(Self, &str)] = &[$((Self::$variant, $name)),+];
        }
    };
}

error_codes! {
    Access = "access",
    WouldBlock = "would-block",
    Already = "already",
    BadDescriptor = "bad-descriptor",
    Busy = "busy",
    Deadlock = "deadlock",
    Quota = "quota",
    Exist = "exist",
    FileTooLarge = "file-too-large",
    IllegalByteSequence = "illegal-byte-sequence",
    InProgress = "in-progress",
    Interrupted = "interrupted",
    Invalid = "invalid",
    Io = "io",
    IsDirectory = "is-directory",
    Loop = "loop",
    TooManyLinks = "too-many-links",
    MessageSize = "message-size",
    NameTooLong = "name-too-long",
    NoDevice = "no-device",
    NoEntry = "no-entry",
    NoLock = "no-lock",
    InsufficientMemory = "insufficient-memory",
    InsufficientSpace = "insufficient-space",
    NotDirectory = "not-directory",
    NotEmpty = "not-empty",
    NotRecoverable = "not-recoverable",
    Unsupported = "unsupported",
    NoTty = "no-tty",
    NoSuchDevice = "no-such-device",
    Overflow = "overflow",
    NotPermitted = "not-permitted",
    Pipe = "pipe",
    ReadOnly = "read-only",
    InvalidSeek = "invalid-seek",
    TextFileBusy = "text-file-busy",
    CrossDevice = "cross-device",
}

impl ErrorCode {
    pub fn of_number(number: u32) -> Option<Self> {
        let at = usize::try_from(number).ok()?;
        Self::ALL.get(at).map(|(code, _)| *code)
    }

    pub fn number(self) -> u32 {
        self as u32
    }

    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl From<Error> for ErrorCode {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for ErrorCode {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::NoEntry,
            // What the system refuses because of the file's mode; all else is a way out of the folder.
            ErrorKind::PermissionDenied if is_system(error, system::NO_ACCESS) => Self::Access,
            ErrorKind::PermissionDenied => Self::NotPermitted,
            ErrorKind::AlreadyExists => Self::Exist,
            ErrorKind::InvalidInput => Self::Invalid,
            ErrorKind::WouldBlock => Self::WouldBlock,
            ErrorKind::Interrupted => Self::Interrupted,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::OutOfMemory => Self::InsufficientMemory,
            ErrorKind::NotADirectory => Self::NotDirectory,
            ErrorKind::IsADirectory => Self::IsDirectory,
            ErrorKind::DirectoryNotEmpty => Self::NotEmpty,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            ErrorKind::StorageFull => Self::InsufficientSpace,
            ErrorKind::QuotaExceeded => Self::Quota,
            ErrorKind::FileTooLarge => Self::FileTooLarge,
            ErrorKind::ResourceBusy => Self::Busy,
            ErrorKind::ExecutableFileBusy => Self::TextFileBusy,
            ErrorKind::CrossesDevices => Self::CrossDevice,
            ErrorKind::TooManyLinks => Self::TooManyLinks,
            ErrorKind::InvalidFilename => Self::NameTooLong,
            _ if is_system(error, system::LINKS_IN_A_RING) => Self::Loop,
            _ if system::NO_MORE_OPEN
                .iter()
                .any(|code| is_system(error, *code)) =>
            {
                Self::InsufficientMemory
            }
            _ => Self::Io,
        }
    }
}

fn is_system(error: &Error, code: i32) -> bool {
    cfg!(unix) && error.raw_os_error() == Some(code)
}

/// The numbers that `ErrorKind` has no stable name for, from the headers of the systems.
mod system {
    /// EACCES.
    pub const NO_ACCESS: i32 = 13;
    /// ELOOP, on Linux and on the BSDs.
    pub const LINKS_IN_A_RING: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };
    /// ENFILE and EMFILE.
    pub const NO_MORE_OPEN: [i32; 2] = [23, 24];
}

/// `descriptor-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(super) enum DescriptorType {
    #[component(name = "unknown")]
    Unknown,
    #[component(name = "block-device")]
    BlockDevice,
    #[component(name = "character-device")]
    CharacterDevice,
    #[component(name = "directory")]
    Directory,
    #[component(name = "fifo")]
    Fifo,
    #[component(name = "symbolic-link")]
    SymbolicLink,
    #[component(name = "regular-file")]
    RegularFile,
    #[component(name = "socket")]
    Socket,
}

/// `advice`, which is not taken.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "part of the type; the guest chooses")]
pub(super) enum Advice {
    #[component(name = "normal")]
    Normal,
    #[component(name = "sequential")]
    Sequential,
    #[component(name = "random")]
    Random,
    #[component(name = "will-need")]
    WillNeed,
    #[component(name = "dont-need")]
    DontNeed,
    #[component(name = "no-reuse")]
    NoReuse,
}

flags! {
    DescriptorFlags {
        #[component(name = "read")]
        const READ;
        #[component(name = "write")]
        const WRITE;
        #[component(name = "file-integrity-sync")]
        const FILE_INTEGRITY_SYNC;
        #[component(name = "data-integrity-sync")]
        const DATA_INTEGRITY_SYNC;
        #[component(name = "requested-write-sync")]
        const REQUESTED_WRITE_SYNC;
        #[component(name = "mutate-directory")]
        const MUTATE_DIRECTORY;
    }
}

flags! {
    PathFlags {
        #[component(name = "symlink-follow")]
        const SYMLINK_FOLLOW;
    }
}

flags! {
    OpenFlags {
        #[component(name = "create")]
        const CREATE;
        #[component(name = "directory")]
        const DIRECTORY;
        #[component(name = "exclusive")]
        const EXCLUSIVE;
        #[component(name = "truncate")]
        const TRUNCATE;
    }
}

/// `datetime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct Datetime {
    pub seconds: u64,
    pub nanoseconds: u32,
}

/// `new-timestamp`.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "part of the type; the guest chooses")]
pub(super) enum NewTimestamp {
    #[component(name = "no-change")]
    NoChange,
    #[component(name = "now")]
    Now,
    #[component(name = "timestamp")]
    Timestamp(Datetime),
}

/// `descriptor-stat`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(super) struct DescriptorStat {
    #[component(name = "type")]
    pub kind: DescriptorType,
    #[component(name = "link-count")]
    pub link_count: u64,
    pub size: u64,
    #[component(name = "data-access-timestamp")]
    pub accessed: Option<Datetime>,
    #[component(name = "data-modification-timestamp")]
    pub modified: Option<Datetime>,
    #[component(name = "status-change-timestamp")]
    pub changed: Option<Datetime>,
}

/// `directory-entry`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(super) struct DirectoryEntry {
    #[component(name = "type")]
    pub kind: DescriptorType,
    pub name: String,
}

/// `metadata-hash-value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lower)]
#[component(record)]
pub(super) struct MetadataHash {
    pub lower: u64,
    pub upper: u64,
}

/// `stream-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(super) enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<StreamFault>),
    #[component(name = "closed")]
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_number() {
        for (number, (code, name)) in (0..).zip(ErrorCode::ALL) {
            assert_eq!(code.number(), number);
            assert_eq!(ErrorCode::of_number(number), Some(*code));
            assert_eq!(code.name(), *name);
        }
        assert_eq!(ErrorCode::of_number(37), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_systems_errors_have_their_codes() {
        for (number, code) in [
            (1, ErrorCode::NotPermitted),
            (2, ErrorCode::NoEntry),
            (5, ErrorCode::Io),
            (13, ErrorCode::Access),
            (17, ErrorCode::Exist),
            (20, ErrorCode::NotDirectory),
            (21, ErrorCode::IsDirectory),
            (24, ErrorCode::InsufficientMemory),
            (28, ErrorCode::InsufficientSpace),
            (30, ErrorCode::ReadOnly),
            (system::LINKS_IN_A_RING, ErrorCode::Loop),
        ] {
            assert_eq!(ErrorCode::from(Error::from_raw_os_error(number)), code);
        }
    }
}

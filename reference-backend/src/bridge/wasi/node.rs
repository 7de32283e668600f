//! What a guest has open of its folder, and what it can do with it.
//!
//! cap-std resolves each path from an open folder and refuses what leads out of it: absolute paths, `..` past the top,
//! links to outside. Two ways out are left to this module. A hard link looks like the file that it is, so no file with
//! more than one name is opened, and guests make none; see `own`. A guest makes no symbolic links either: whoever else
//! walks through its folder might follow one. Pipes, sockets and devices are not kept open, since they would block.
//!
//! Files are opened first, without waiting, then looked at, and what is done is done to what was opened: a name may stand
//! for something else a moment later.

use super::folder::{DataFolder, FileId};
use super::own::{looks_gone, own};
use super::types::{
    Datetime, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHash, NewTimestamp, OpenFlags,
};
use crate::config::limits::WASI_PATH_BYTES;
use cap_fs_ext::{
    DirExt, FileTypeExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt,
    SystemTimeSpec,
};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, FileType, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type Answer<T> = Result<T, ErrorCode>;

/// A file or a folder that is open.
pub(super) struct Node {
    folder: Arc<DataFolder>,
    what: What,
    id: FileId,
    flags: DescriptorFlags,
}

enum What {
    /// The plugin's folder itself, which is open once for all.
    Root(Arc<Dir>),
    Dir(Dir),
    File(File),
}

impl Drop for Node {
    fn drop(&mut self) {
        // With the lock held, so that nobody writes in between.
        let mut usage = self.folder.usage();
        let bytes = match &self.what {
            What::Root(_) => return,
            What::Dir(_) => 0,
            What::File(file) => file.metadata().map_or(0, |metadata| metadata.len()),
        };
        usage.closed(self.id, bytes);
    }
}

impl Node {
    /// The folder itself.
    pub fn root(folder: &Arc<DataFolder>) -> Answer<Self> {
        Ok(Self {
            folder: Arc::clone(folder),
            id: id(&folder.root.dir_metadata()?),
            what: What::Root(Arc::clone(&folder.root)),
            flags: DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
        })
    }

    fn dir(&self) -> Answer<&Dir> {
        match &self.what {
            What::Root(dir) => Ok(dir),
            What::Dir(dir) => Ok(dir),
            What::File(_) => Err(ErrorCode::NotDirectory),
        }
    }

    fn file(&self, needs: DescriptorFlags) -> Answer<&File> {
        match &self.what {
            What::File(file) if self.flags.contains(needs) => Ok(file),
            What::File(_) => Err(ErrorCode::BadDescriptor),
            What::Root(_) | What::Dir(_) => Err(ErrorCode::IsDirectory),
        }
    }

    fn look(&self, path: &str, follow: bool) -> Answer<Metadata> {
        let dir = self.dir()?;
        check(path)?;
        Ok(if follow {
            dir.metadata(path)?
        } else {
            dir.symlink_metadata(path)?
        })
    }

    fn metadata(&self) -> Answer<Metadata> {
        Ok(match &self.what {
            What::Root(dir) => dir.dir_metadata()?,
            What::Dir(dir) => dir.dir_metadata()?,
            What::File(file) => file.metadata()?,
        })
    }

    pub fn id(&self) -> FileId {
        self.id
    }

    pub fn flags(&self) -> DescriptorFlags {
        self.flags
    }

    pub fn kind(&self) -> DescriptorType {
        match self.what {
            What::File(_) => DescriptorType::RegularFile,
            What::Root(_) | What::Dir(_) => DescriptorType::Directory,
        }
    }

    /// Opens what the path names, from this folder.
    pub fn open_at(
        &self,
        follow: bool,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Self> {
        self.folder.usage().open(self.folder.limits)?;
        let opened = if self.folder.open_to_all {
            self.open_anywhere(path, flags)
        } else {
            self.open_within(follow, path, open, flags)
        };
        opened.inspect_err(|_| self.folder.usage().not_opened())
    }

    fn open_within(
        &self,
        follow: bool,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Self> {
        for synchronized in [
            DescriptorFlags::FILE_INTEGRITY_SYNC,
            DescriptorFlags::DATA_INTEGRITY_SYNC,
            DescriptorFlags::REQUESTED_WRITE_SYNC,
        ] {
            if flags.contains(synchronized) {
                return Err(ErrorCode::Unsupported);
            }
        }
        let creates = open.contains(OpenFlags::CREATE);
        let changes =
            creates || open.contains(OpenFlags::TRUNCATE) || flags.contains(DescriptorFlags::WRITE);
        let wants_dir = open.contains(OpenFlags::DIRECTORY);
        if wants_dir && creates {
            return Err(ErrorCode::Invalid);
        }
        // Looked at before it is opened, since opening a pipe or a device may do something, and once more when it is open.
        match self.look(path, follow) {
            Ok(_) if creates && open.contains(OpenFlags::EXCLUSIVE) => Err(ErrorCode::Exist),
            Ok(found) if found.is_symlink() => Err(ErrorCode::Loop),
            Ok(found) if found.is_dir() && changes => Err(ErrorCode::IsDirectory),
            Ok(found) if found.is_dir() => self.open_dir(path, follow),
            Ok(_) if wants_dir => Err(ErrorCode::NotDirectory),
            Ok(found) if found.is_file() => self.open_file(path, follow, open, flags),
            Ok(_) => Err(ErrorCode::NotPermitted),
            Err(ErrorCode::NoEntry) if creates => self.create(path, flags),
            Err(why) => Err(why),
        }
    }

    fn open_dir(&self, path: &str, follow: bool) -> Answer<Self> {
        let dir = self.dir()?;
        let dir = if follow {
            dir.open_dir(path)?
        } else {
            dir.open_dir_nofollow(path)?
        };
        let metadata = dir.dir_metadata()?;
        let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
        Ok(self.opened(What::Dir(dir), &metadata, flags))
    }

    fn open_file(
        &self,
        path: &str,
        follow: bool,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Self> {
        let truncates = open.contains(OpenFlags::TRUNCATE);
        let writes = truncates || flags.contains(DescriptorFlags::WRITE);
        let mut options = OpenOptions::new();
        options
            .read(flags.contains(DescriptorFlags::READ) || !writes)
            .write(writes);
        let (file, metadata) = self.open_own(path, follow, options)?;
        if truncates {
            let mut usage = self.folder.usage();
            let bytes = file.metadata()?.len();
            file.set_len(0)?;
            usage.shrink(bytes);
        }
        Ok(self.opened(What::File(file), &metadata, of_file(flags)))
    }

    /// Opens a file that is the folder's own. With the lock held: what removes and moves names takes it too, so that no
    /// other instance takes the name away between the two.
    fn open_own(
        &self,
        path: &str,
        follow: bool,
        mut options: OpenOptions,
    ) -> Answer<(File, Metadata)> {
        options.nonblock(true).follow(if follow {
            FollowSymlinks::Yes
        } else {
            FollowSymlinks::No
        });
        let _names = self.folder.usage();
        let file = self.dir()?.open_with(path, &options)?;
        let metadata = own(&file)?;
        Ok((file, metadata))
    }

    fn create(&self, path: &str, flags: DescriptorFlags) -> Answer<Self> {
        if looks_gone(path) {
            return Err(ErrorCode::NotPermitted);
        }
        let limits = self.folder.limits;
        self.folder.usage().enter(limits)?;
        let mut options = OpenOptions::new();
        options
            .read(flags.contains(DescriptorFlags::READ))
            .write(true)
            .create_new(true);
        let create = || -> Answer<Self> {
            let file = self.dir()?.open_with(path, &options)?;
            let metadata = file.metadata()?;
            Ok(self.opened(What::File(file), &metadata, of_file(flags)))
        };
        create().inspect_err(|_| self.folder.usage().leave())
    }

    fn opened(&self, what: What, metadata: &Metadata, flags: DescriptorFlags) -> Self {
        let id = id(metadata);
        self.folder.usage().opened(id);
        Self {
            folder: Arc::clone(&self.folder),
            what,
            id,
            flags,
        }
    }

    /// For a host that is broken on purpose: whatever the path names.
    fn open_anywhere(&self, path: &str, flags: DescriptorFlags) -> Answer<Self> {
        let path = self.folder.path.join(path);
        if path.is_dir() {
            let dir = Dir::open_ambient_dir(path, ambient_authority())?;
            let metadata = dir.dir_metadata()?;
            return Ok(self.opened(What::Dir(dir), &metadata, flags));
        }
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(flags.contains(DescriptorFlags::WRITE));
        let file = File::open_ambient_with(path, &options, ambient_authority())?;
        let metadata = file.metadata()?;
        Ok(self.opened(What::File(file), &metadata, flags))
    }

    /// At most one call's bytes, and whether the end is reached.
    pub fn read(&self, length: u64, offset: u64) -> Answer<(Vec<u8>, bool)> {
        let mut file = self.file(DescriptorFlags::READ)?;
        let length = length.min(self.folder.limits.call_bytes);
        if length == 0 {
            return Ok((Vec::new(), false));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        // The file's position belongs to all its descriptors' streams: whoever holds the lock sets it first.
        let _position = self.folder.usage();
        file.seek(SeekFrom::Start(offset))?;
        let read = file.read(&mut bytes)?;
        bytes.truncate(read);
        Ok((bytes, read == 0))
    }

    /// Writes at most one call's bytes there, or at the end. Answers how many, and where the next would go.
    pub fn write(&self, offset: Option<u64>, bytes: &[u8]) -> Answer<(u64, u64)> {
        let mut file = self.file(DescriptorFlags::WRITE)?;
        let limits = self.folder.limits;
        let most = usize::try_from(limits.call_bytes).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(most)];
        let mut usage = self.folder.usage();
        let before = file.metadata()?.len();
        let offset = offset.unwrap_or(before);
        if bytes.is_empty() {
            return Ok((0, offset));
        }
        let end = offset
            .checked_add(bytes.len() as u64)
            .ok_or(ErrorCode::FileTooLarge)?;
        let more = end.saturating_sub(before);
        usage.grow(limits, more)?;
        let written = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| file.write(bytes));
        let end = offset + *written.as_ref().unwrap_or(&0) as u64;
        let grown = match written {
            Ok(written) if written > 0 => end.saturating_sub(before),
            _ => 0,
        };
        usage.shrink(more - grown);
        Ok((written? as u64, end))
    }

    pub fn set_size(&self, size: u64) -> Answer<()> {
        let file = self.file(DescriptorFlags::WRITE)?;
        let mut usage = self.folder.usage();
        let before = file.metadata()?.len();
        let more = size.saturating_sub(before);
        usage.grow(self.folder.limits, more)?;
        if let Err(why) = file.set_len(size) {
            usage.shrink(more);
            return Err(why.into());
        }
        usage.shrink(before.saturating_sub(size));
        Ok(())
    }

    /// Waits until the disk has it.
    pub fn sync(&self, data_only: bool) -> Answer<()> {
        match &self.what {
            What::File(file) if data_only => Ok(file.sync_data()?),
            What::File(file) => Ok(file.sync_all()?),
            // Not every system can do this with a folder.
            What::Root(_) | What::Dir(_) => Ok(()),
        }
    }

    pub fn stat(&self, dates: bool) -> Answer<DescriptorStat> {
        Ok(stat(&self.metadata()?, dates))
    }

    pub fn stat_at(&self, follow: bool, path: &str, dates: bool) -> Answer<DescriptorStat> {
        Ok(stat(&self.look(path, follow)?, dates))
    }

    pub fn hash(&self) -> MetadataHash {
        hash(self.id)
    }

    pub fn hash_at(&self, follow: bool, path: &str) -> Answer<MetadataHash> {
        Ok(hash(id(&self.look(path, follow)?)))
    }

    pub fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Answer<()> {
        let (accessed, modified) = (time(accessed)?, time(modified)?);
        match &self.what {
            What::Root(dir) => dir.set_times(".", spec(accessed), spec(modified))?,
            What::Dir(dir) => dir.set_times(".", spec(accessed), spec(modified))?,
            What::File(file) => set_file_times(file, accessed, modified)?,
        }
        Ok(())
    }

    pub fn set_times_at(
        &self,
        follow: bool,
        path: &str,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Answer<()> {
        let (accessed, modified) = (time(accessed)?, time(modified)?);
        let found = self.look(path, follow)?;
        if found.is_dir() {
            let dir = if follow {
                self.dir()?.open_dir(path)?
            } else {
                self.dir()?.open_dir_nofollow(path)?
            };
            return Ok(dir.set_times(".", spec(accessed), spec(modified))?);
        }
        // A link itself cannot be opened, and its name may stand for something else by the time it is used.
        if !found.is_file() {
            return Err(ErrorCode::NotPermitted);
        }
        let mut options = OpenOptions::new();
        options.read(true);
        let (file, _) = self.open_own(path, follow, options)?;
        Ok(set_file_times(&file, accessed, modified)?)
    }

    pub fn create_directory(&self, path: &str) -> Answer<()> {
        let dir = self.dir()?;
        check(path)?;
        let mut usage = self.folder.usage();
        usage.enter(self.folder.limits)?;
        dir.create_dir(path).map_err(|why| {
            usage.leave();
            why.into()
        })
    }

    pub fn remove_directory(&self, path: &str) -> Answer<()> {
        let dir = self.dir()?;
        check(path)?;
        let mut usage = self.folder.usage();
        dir.remove_dir(path)?;
        usage.leave();
        Ok(())
    }

    pub fn unlink_file(&self, path: &str) -> Answer<()> {
        let mut usage = self.folder.usage();
        let found = self.look(path, false)?;
        if found.is_dir() {
            return Err(ErrorCode::IsDirectory);
        }
        self.dir()?.remove_file_or_symlink(path)?;
        usage.removed(id(&found), counted(&found));
        Ok(())
    }

    pub fn rename(&self, path: &str, to: &Self, new: &str) -> Answer<()> {
        let target = to.dir()?;
        check(new)?;
        if looks_gone(new) {
            return Err(ErrorCode::NotPermitted);
        }
        let mut usage = self.folder.usage();
        let moved = id(&self.look(path, false)?);
        let replaced = to.look(new, false).ok();
        self.dir()?.rename(path, target, new)?;
        match replaced {
            Some(replaced) if id(&replaced) == moved => {}
            Some(replaced) if replaced.is_dir() => usage.leave(),
            Some(replaced) => usage.removed(id(&replaced), counted(&replaced)),
            None => {}
        }
        Ok(())
    }

    pub fn read_link(&self, path: &str) -> Answer<String> {
        let dir = self.dir()?;
        check(path)?;
        let target = dir.read_link(path)?.into_os_string();
        target
            .into_string()
            .map_err(|_| ErrorCode::IllegalByteSequence)
    }

    /// Names and types in the order of the names, so that runs repeat. Names that are no UTF-8, which no guest can
    /// say, are left out; more names than `most` are an error.
    pub fn entries(&self, most: u64) -> Answer<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in self.dir()?.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if entries.len() as u64 >= most {
                return Err(ErrorCode::InsufficientMemory);
            }
            let kind = kind(entry.file_type()?);
            entries.push(DirectoryEntry { kind, name });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }
}

fn set_file_times(
    file: &File,
    accessed: Option<SystemTime>,
    modified: Option<SystemTime>,
) -> std::io::Result<()> {
    let mut times = std::fs::FileTimes::new();
    if let Some(accessed) = accessed {
        times = times.set_accessed(accessed);
    }
    if let Some(modified) = modified {
        times = times.set_modified(modified);
    }
    file.try_clone()?.into_std().set_times(times)
}

/// What the guest asked for, of what means anything for a file.
fn of_file(flags: DescriptorFlags) -> DescriptorFlags {
    flags & (DescriptorFlags::READ | DescriptorFlags::WRITE)
}

fn check(path: &str) -> Answer<()> {
    match path {
        _ if path.len() > WASI_PATH_BYTES => Err(ErrorCode::NameTooLong),
        _ if path.contains('\0') => Err(ErrorCode::Invalid),
        "" => Err(ErrorCode::NoEntry),
        _ => Ok(()),
    }
}

fn id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// By how much it counts.
fn counted(metadata: &Metadata) -> u64 {
    if metadata.is_file() {
        metadata.len()
    } else {
        0
    }
}

fn kind(found: FileType) -> DescriptorType {
    if found.is_dir() {
        DescriptorType::Directory
    } else if found.is_file() {
        DescriptorType::RegularFile
    } else if found.is_symlink() {
        DescriptorType::SymbolicLink
    } else if found.is_fifo() {
        DescriptorType::Fifo
    } else if found.is_socket() {
        DescriptorType::Socket
    } else if found.is_block_device() {
        DescriptorType::BlockDevice
    } else if found.is_char_device() {
        DescriptorType::CharacterDevice
    } else {
        DescriptorType::Unknown
    }
}

/// Without dates where runs must repeat: they are the machine's.
fn stat(metadata: &Metadata, dates: bool) -> DescriptorStat {
    let date = |time: std::io::Result<cap_std::time::SystemTime>| {
        let time = time.ok().filter(|_| dates)?.into_std();
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        Some(Datetime {
            seconds: since.as_secs(),
            nanoseconds: since.subsec_nanos(),
        })
    };
    DescriptorStat {
        kind: kind(metadata.file_type()),
        link_count: metadata.nlink(),
        size: metadata.len(),
        accessed: date(metadata.accessed()),
        modified: date(metadata.modified()),
        changed: None,
    }
}

fn time(time: NewTimestamp) -> Answer<Option<SystemTime>> {
    match time {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(SystemTime::now())),
        NewTimestamp::Timestamp(date) => UNIX_EPOCH
            .checked_add(Duration::new(date.seconds, 0))
            .and_then(|time| time.checked_add(Duration::from_nanos(date.nanoseconds.into())))
            .map(Some)
            .ok_or(ErrorCode::Overflow),
    }
}

fn spec(time: Option<SystemTime>) -> Option<SystemTimeSpec> {
    time.map(|time| SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time)))
}

fn hash(id: FileId) -> MetadataHash {
    let half = |half: u8| {
        let mut hasher = DefaultHasher::new();
        (half, id).hash(&mut hasher);
        hasher.finish()
    };
    MetadataHash {
        lower: half(0),
        upper: half(1),
    }
}

//! Whether a file that has been opened is the folder's own, and nobody else's by another name.
//!
//! A hard link looks like the file that it is, so a file with more than one name is not the folder's own. Its link count
//! alone does not say so: when the name by which it was opened is removed before the count is looked at, the count is one,
//! and the name that is left may lie anywhere. So the count is looked at first, and then whether the name is still there:
//! if it is, it was there when they were counted, and was the only one.
//!
//! Linux tells of each open file by what name it was opened, and that the name is gone for as long as it is open, whatever
//! comes in its place. Where the system tells no such thing, nothing but the lock of the folder stands between the two
//! looks: a plugin's own instances are kept apart by it, other processes are not.

use super::types::ErrorCode;
use cap_fs_ext::MetadataExt;
use cap_std::fs::{File, Metadata};

/// How Linux ends the name of a file whose name is gone. A name of a guest's must not look so.
const GONE: &str = " (deleted)";

/// What the file is, when it is a file and nobody else's. Called with the folder's lock held.
pub(super) fn own(file: &File) -> Result<Metadata, ErrorCode> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 || name_is_gone(file) {
        return Err(ErrorCode::NotPermitted);
    }
    Ok(metadata)
}

/// Whether a file of this name could not be told from one whose name is gone.
pub(super) fn looks_gone(path: &str) -> bool {
    cfg!(target_os = "linux") && path.ends_with(GONE)
}

#[cfg(target_os = "linux")]
fn name_is_gone(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    // Without /proc nothing is told, as on other systems.
    std::fs::read_link(link)
        .is_ok_and(|name| name.as_os_str().as_bytes().ends_with(GONE.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn name_is_gone(_: &File) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    /// As another process would while the file is being opened.
    #[test]
    fn a_link_whose_name_is_removed_once_it_is_open_is_not_the_folders_own() {
        let base = std::env::temp_dir().join(format!("own-{}", std::process::id()));
        std::fs::create_dir_all(base.join("folder")).unwrap();
        std::fs::write(base.join("outside"), "secret").unwrap();
        let link = || std::fs::hard_link(base.join("outside"), base.join("folder/x"));
        let unlink = || std::fs::remove_file(base.join("folder/x"));
        let dir = Dir::open_ambient_dir(base.join("folder"), ambient_authority()).unwrap();

        link().unwrap();
        let file = dir.open("x").unwrap();
        assert_eq!(own(&file).unwrap_err(), ErrorCode::NotPermitted);
        unlink().unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 1);
        assert_eq!(own(&file).unwrap_err(), ErrorCode::NotPermitted);
        // Nor when something else has the name, the same file included.
        link().unwrap();
        assert_eq!(own(&file).unwrap_err(), ErrorCode::NotPermitted);
        unlink().unwrap();
        std::fs::write(base.join("folder/x"), "mine").unwrap();
        assert_eq!(own(&file).unwrap_err(), ErrorCode::NotPermitted);
        assert!(own(&dir.open("x").unwrap()).is_ok());
        std::fs::rename(base.join("folder/x"), base.join("outside")).unwrap();
        assert_eq!(own(&file).unwrap_err(), ErrorCode::NotPermitted);
        std::fs::remove_dir_all(&base).unwrap();
    }
}

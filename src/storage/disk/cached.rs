//! Reading, and looking for files, where all is in memory already, on the thread that asks.
//!
//! A read of a disk belongs on a thread that may block, and to hand it over takes two switches of threads,
//! which is longer than to copy a page that the page cache has. Linux tells the two apart: a path is opened
//! only if all of it is cached (`RESOLVE_CACHED`, Linux 5.12), and bytes are read only if they are
//! (`RWF_NOWAIT`, Linux 4.14, not on all file systems). Elsewhere nothing is known to be in memory.

use std::fs::Metadata;
use std::ops::Range;
use std::path::Path;

/// The most bytes that are copied at once: more would keep the thread as long as a switch does.
const BYTES_MAX: u64 = 4 << 20;

/// The bytes of a file in these ranges; none unless all of them are in memory.
pub(super) fn read(path: &Path, ranges: &[Range<u64>]) -> Option<Vec<Vec<u8>>> {
    let sizes = ranges
        .iter()
        .map(|range| range.end.checked_sub(range.start));
    let size: u64 = sizes.sum::<Option<u64>>()?;
    match size <= BYTES_MAX {
        true => linux::read(path, ranges),
        false => None,
    }
}

/// What the system knows in memory of the file or folder at a path, or that there is none.
pub(super) fn metadata(path: &Path) -> Option<Option<Metadata>> {
    linux::metadata(path)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{File, Metadata};
    use std::io::IoSliceMut;
    use std::ops::Range;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    use crate::narrow;

    pub(super) fn read(path: &Path, ranges: &[Range<u64>]) -> Option<Vec<Vec<u8>>> {
        let how = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat2(CWD, path, how, Mode::empty(), ResolveFlags::CACHED).ok()?;
        let read = ranges.iter().map(|range| read_range(file.as_fd(), range));
        read.collect()
    }

    pub(super) fn metadata(path: &Path) -> Option<Option<Metadata>> {
        let how = OFlags::PATH | OFlags::CLOEXEC;
        match openat2(CWD, path, how, Mode::empty(), ResolveFlags::CACHED) {
            Ok(found) => File::from(found).metadata().ok().map(Some),
            // That a name is not there is in memory, too, once it was looked for.
            Err(Errno::NOENT) => Some(None),
            Err(_) => None,
        }
    }

    fn read_range(file: BorrowedFd<'_>, range: &Range<u64>) -> Option<Vec<u8>> {
        let mut bytes = vec![0; narrow::to_usize(range.end - range.start)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = range.start + narrow::to_u64(filled);
            let read = preadv2(
                file,
                &mut [IoSliceMut::new(rest)],
                at,
                ReadWriteFlags::NOWAIT,
            );
            match read.ok()? {
                // The file ends before the range does: whoever reads it then says what that means.
                0 => return None,
                read => filled += read,
            }
        }
        Some(bytes)
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    use std::fs::Metadata;
    use std::ops::Range;
    use std::path::Path;

    pub(super) fn metadata(_path: &Path) -> Option<Option<Metadata>> {
        None
    }

    pub(super) fn read(_path: &Path, _ranges: &[Range<u64>]) -> Option<Vec<Vec<u8>>> {
        None
    }
}

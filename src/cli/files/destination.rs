//! What the name of an output stands for.
//!
//! A file has a name to which a whole file can be moved. Everything else is written to as it is: a
//! pipe, a device, and what a process has open (`/dev/stdout`, `/dev/fd/3`, `/proc/…/fd/1`), even if
//! that is a file. For others write to that one, too, at a place that they share:
//! `(echo a; tidegate query … -o /dev/stdout; echo b) > file`.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// The most links on the way to what a name stands for, as in the kernel.
const LINKS_MAX: usize = 40;

/// The folder of this process in the system's list of them.
const OWN: &str = "/proc/self";

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A file, or none yet. Links have been followed.
    File(PathBuf),
    /// A descriptor of this process that is open on a file.
    Descriptor(RawFd),
    /// What is written to directly.
    Direct(PathBuf),
}

impl Destination {
    /// The destination with this name.
    pub(super) fn of(wanted: &Path) -> io::Result<Self> {
        let is_file = match fs::metadata(wanted) {
            Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(there) => there.is_file(),
            Err(_) => true,
        };
        if !is_file {
            return Ok(Self::Direct(wanted.to_owned()));
        }
        Ok(open_already(wanted).unwrap_or_else(|| {
            Self::File(fs::canonicalize(wanted).unwrap_or_else(|_| wanted.to_owned()))
        }))
    }
}

/// The destination with a name that leads to a file through a list of what is open.
fn open_already(wanted: &Path) -> Option<Destination> {
    let mut path = wanted.to_owned();
    for _ in 0..LINKS_MAX {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let folder = fs::canonicalize(parent.unwrap_or_else(|| Path::new("."))).ok()?;
        let name = path.file_name()?;
        if folder.starts_with("/proc") && folder.ends_with("fd") {
            let is_own = fs::canonicalize(OWN).is_ok_and(|own| folder.starts_with(own));
            let number = name.to_str()?.parse().ok();
            return Some(match number.filter(|_| is_own) {
                Some(number) => Destination::Descriptor(number),
                None => Destination::Direct(wanted.to_owned()),
            });
        }
        path = folder.join(fs::read_link(folder.join(name)).ok()?);
    }
    None
}

/// The same open file, with the place in it that its writers share: opened again, it would be
/// written to from its start.
pub(super) fn shared(number: RawFd) -> io::Result<File> {
    let shared = match number {
        0 => io::stdin().as_fd().try_clone_to_owned()?,
        1 => io::stdout().as_fd().try_clone_to_owned()?,
        2 => io::stderr().as_fd().try_clone_to_owned()?,
        number => other(number)?,
    };
    Ok(shared.into())
}

/// Through the system, as a number alone is no proof that something is open.
#[cfg(target_os = "linux")]
fn other(number: RawFd) -> io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(own, number, PidfdGetfdFlags::empty())?)
}

#[cfg(not(target_os = "linux"))]
fn other(_: RawFd) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn a_name_of_what_is_open_is_not_the_name_of_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        let file = File::create(&path).expect("writable");
        let number = file.as_raw_fd();
        let name = format!("/dev/fd/{number}");
        std::os::unix::fs::symlink(&name, &link).expect("linked");
        let of = |path: &Path| Destination::of(path).expect("a place");
        for name in [&name, &format!("/proc/self/fd/{number}")] {
            assert_eq!(of(Path::new(name)), Destination::Descriptor(number));
        }
        assert_eq!(of(&link), Destination::Descriptor(number));
        let parent = format!("/proc/{}/fd/{number}", std::process::id());
        assert_eq!(of(Path::new(&parent)), Destination::Descriptor(number));
        let canonical = fs::canonicalize(&path).expect("there");
        assert_eq!(of(&path), Destination::File(canonical));
        let new = folder.path().join("new");
        assert_eq!(of(&new), Destination::File(new.clone()));
        let null = Path::new("/dev/null");
        assert_eq!(of(null), Destination::Direct(null.to_owned()));
    }
}

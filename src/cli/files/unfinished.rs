//! An output that has its wanted name only when it is whole.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::destination::{Destination, shared};
use super::outlet::Outlet;
use crate::cli::CliError;

/// The permissions of a file: those of its owner, of its group, and of others.
const PERMISSIONS: u32 = 0o777;

/// Those of its owner and of others: what is left where a file cannot be given to the same group.
const WITHOUT_GROUP: u32 = 0o707;

/// A file that is being written under a temporary name. It gets the wanted name when it is
/// complete, and is removed if it never is. It has the permissions, and if possible the owner, of the
/// file that it replaces; if the wanted name is a symbolic link, the link's target is replaced, not the
/// link. What is no plain file (`/dev/stdout`, a named pipe) is written to directly and never
/// replaced.
#[derive(Debug)]
pub(in crate::cli) struct Unfinished {
    outlet: Outlet,
    /// None if the wanted name is written to directly.
    temporary: Option<PathBuf>,
    wanted: PathBuf,
}

impl Unfinished {
    /// Opens what has the wanted name. For a named pipe that takes until someone reads it.
    pub(in crate::cli) async fn create(wanted: &Path) -> Result<Self, CliError> {
        let created = Self::open(wanted).await;
        created.map_err(|error| CliError::file("write", wanted, error))
    }

    async fn open(wanted: &Path) -> io::Result<Self> {
        let (file, temporary, wanted) = match Destination::of(wanted)? {
            Destination::File(target) => {
                let temporary = temporary_name(&target)?;
                let file = create_like(&temporary, fs::metadata(&target).ok().as_ref())?;
                (file, Some(temporary), target)
            }
            Destination::Descriptor(number) => (shared(number)?, None, wanted.to_owned()),
            Destination::Direct(path) => {
                let open = move || File::options().append(true).open(path);
                (spawn_blocking(open).await??, None, wanted.to_owned())
            }
        };
        Ok(Self {
            outlet: Outlet::new(file),
            temporary,
            wanted,
        })
    }

    /// Where its bytes go.
    pub(in crate::cli) fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// Syncs the file and gives it its name.
    pub(in crate::cli) fn finish(mut self) -> Result<(), CliError> {
        // A pipe or a device has its name already, and often cannot be synced.
        let Some(temporary) = &self.temporary else {
            return Ok(());
        };
        self.outlet
            .file()
            .sync_all()
            .and_then(|()| fs::rename(temporary, &self.wanted))
            .map_err(|error| CliError::file("write", &self.wanted, error))?;
        self.temporary = None;
        Ok(())
    }
}

/// Creates a file that nobody may read who may not read the one that it will replace.
fn create_like(path: &Path, replaced: Option<&Metadata>) -> io::Result<File> {
    let Some(replaced) = replaced else {
        return File::create_new(path);
    };
    let mut options = File::options();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let given = file.metadata()?;
    let is_alike = |of: &Metadata| (of.uid(), of.gid()) == (replaced.uid(), replaced.gid());
    let is_same =
        is_alike(&given) || fchown(&file, Some(replaced.uid()), Some(replaced.gid())).is_ok();
    let kept = if is_same { PERMISSIONS } else { WITHOUT_GROUP };
    let mode = replaced.permissions().mode() & kept;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(file)
}

/// Beside the wanted file, so that it can be renamed.
fn temporary_name(wanted: &Path) -> io::Result<PathBuf> {
    let name = wanted
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.unfinished", std::process::id()));
    Ok(wanted.with_file_name(temporary))
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // A leftover does no harm, and its name says what it is.
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    async fn create(wanted: &Path) -> Result<Unfinished, CliError> {
        Unfinished::create(wanted).await
    }

    /// From a bug: a file that was for its owner alone became readable for everybody.
    #[tokio::test]
    async fn a_file_that_is_replaced_keeps_who_may_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted = folder.path().join("a");
        for mode in [0o600, 0o640, 0o444, 0o666] {
            fs::write(&wanted, "old").expect("writable");
            fs::set_permissions(&wanted, fs::Permissions::from_mode(mode)).expect("permitted");
            let whole = create(&wanted).await.expect("writable");
            whole.outlet().write(b"new").await.expect("writable");
            whole.finish().expect("renamed");
            let there = fs::metadata(&wanted).expect("there");
            assert_eq!(there.permissions().mode() & 0o7777, mode);
            assert_eq!(fs::read(&wanted).expect("readable"), b"new");
            fs::remove_file(&wanted).expect("there");
        }
    }

    /// From a bug: what was written through `/dev/stdout` replaced the file that standard output
    /// goes to, with all that others had written there.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_open_is_written_to_at_the_place_where_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let mut file = File::create(&path).expect("writable");
        file.write_all(b"a\n").expect("writable");
        let name = format!("/dev/fd/{}", file.as_raw_fd());
        let through = create(Path::new(&name)).await.expect("writable");
        through.outlet().write(b"x\n").await.expect("writable");
        through.finish().expect("nothing to do");
        file.write_all(b"b\n").expect("writable");
        assert_eq!(fs::read(&path).expect("readable"), b"a\nx\nb\n");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[tokio::test]
    async fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted = folder.path().join("a");
        fs::write(&wanted, "old").expect("writable");
        let entries = || fs::read_dir(folder.path()).expect("readable").count();

        let cut = create(&wanted).await.expect("writable");
        cut.outlet().write(b"ne").await.expect("writable");
        assert_eq!(entries(), 2);
        drop(cut);
        assert_eq!(fs::read(&wanted).expect("readable"), b"old");
        assert_eq!(entries(), 1);

        let whole = create(&wanted).await.expect("writable");
        whole.outlet().write(b"new").await.expect("writable");
        whole.finish().expect("renamed");
        assert_eq!(fs::read(&wanted).expect("readable"), b"new");
        assert_eq!(entries(), 1);
    }

    /// From a bug: `-o /dev/null`, as root, put a file in the place of the device.
    #[tokio::test]
    async fn what_is_no_file_is_written_to_and_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt as _;

        // A pipe in a folder of our own: a device would be gone for everybody where this fails.
        let folder = tempfile::tempdir().expect("a folder");
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        std::os::unix::fs::symlink("pipe", &link).expect("linked");
        for wanted in [&pipe, &link] {
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe).expect("readable")
            });
            let through = create(wanted).await.expect("writable");
            through.outlet().write(b"x").await.expect("writable");
            through.finish().expect("nothing to do");
            assert_eq!(reader.join().expect("ends"), b"x");
        }
        let kind = fs::symlink_metadata(&pipe).expect("there").file_type();
        assert!(kind.is_fifo() && link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
        for wrong in [
            folder.path(),
            Path::new(""),
            Path::new("/no/such/folder/file"),
        ] {
            let error = create(wrong).await.expect_err("not writable");
            let shown = format!("cannot write {}", wrong.display());
            assert_eq!(error.to_string(), shown);
        }
    }

    #[tokio::test]
    async fn behind_a_link_the_file_is_replaced_and_the_link_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("writable");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        let whole = create(&link).await.expect("writable");
        whole.outlet().write(b"new").await.expect("writable");
        whole.finish().expect("renamed");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).expect("readable"), b"new");
    }
}

//! The real folder: modes, the lock, and refusals.

#[cfg(target_os = "linux")]
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::slice;

use super::{DiskStorage, explain};
use crate::storage::{Operation, Storage, StorageError, read, replace};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .expect("exists")
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn folders_are_0700_and_files_0600_whatever_was_there_before() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("deep/data");
    std::fs::create_dir_all(&root).expect("created");
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).expect("set");
    let storage = DiskStorage::open(&root).expect("opened");
    storage.create_dir_all("wal/deep").expect("created");
    storage.create_new("wal/deep/file").expect("created");
    replace(&storage, "state", b"x").expect("written");
    for folder in ["", "wal", "wal/deep"] {
        assert_eq!(mode(&storage.locate(folder)), 0o700, "{folder}");
    }
    for file in ["wal/deep/file", "state", "format", "lock", "reserve"] {
        assert_eq!(mode(&storage.locate(file)), 0o600, "{file}");
    }
}

#[test]
fn a_second_open_is_refused_naming_folder_and_pid_until_the_first_is_gone() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("data");
    let first = DiskStorage::open(&root).expect("opened");
    let refused = DiskStorage::open(&root).expect_err("in use");
    let pid = std::process::id();
    assert!(matches!(refused, StorageError::InUse { pid: Some(found), .. } if found == pid));
    let text = refused.to_string();
    assert!(
        text.contains(&format!(
            "{} is in use by another tidegate process (pid {pid})",
            root.display()
        )),
        "{text}"
    );
    drop(first);
    DiskStorage::open(&root).expect("free again");
}

#[test]
fn somebody_elses_folder_is_left_alone() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
    std::fs::File::create_new(scratch.path().join("thesis.tex")).expect("created");
    let refused = DiskStorage::open(scratch.path()).expect_err("foreign");
    assert!(refused.to_string().contains("`thesis.tex`"), "{refused}");
    assert_eq!(mode(scratch.path()), 0o755);
    let below = scratch.path().join("thesis.tex/data");
    let refused = DiskStorage::open(below).expect_err("below a file");
    assert!(
        matches!(refused, StorageError::NotAFolder { .. }),
        "{refused}"
    );
}

#[test]
#[allow(clippy::disallowed_methods, reason = "writes behind the folder's back")]
fn a_folder_of_a_newer_version_is_refused_and_stays_as_it_was() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("data");
    let storage = DiskStorage::open(&root).expect("opened");
    drop(storage);
    let lines = "tidegate data format 7\n";
    let checksum = crc32c::crc32c(lines.as_bytes());
    let text = format!("{lines}crc32c {checksum:08x}\n");
    std::fs::write(root.join("format"), text).expect("written");
    let refused = DiskStorage::open(&root).expect_err("newer");
    assert!(
        matches!(refused, StorageError::NewerFormat { found: 7, .. }),
        "{refused}"
    );
}

#[test]
fn what_is_written_is_read_listed_renamed_cut_and_removed() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let storage = DiskStorage::open(scratch.path().join("data")).expect("opened");
    storage.create_dir_all("a").expect("created");
    let file = storage.create_new("a/b").expect("created");
    file.write_all_at(b"hello world", 2).expect("written");
    file.sync_data().expect("synced");
    assert_eq!(
        read(&storage, "a/b").expect("read").as_deref(),
        Some(&b"\0\0hello world"[..])
    );
    file.set_len(7).expect("cut");
    file.sync_all().expect("synced");
    assert_eq!(
        (file.len().expect("known"), file.is_empty().expect("known")),
        (7, false)
    );
    assert!(storage.create_new("a/b").is_err(), "it is there");
    storage.rename("a/b", "a/c").expect("renamed");
    assert_eq!(storage.list("a").expect("listed"), ["c"]);
    assert_eq!(storage.len("a/b").expect("known"), None);
    let again = storage.open("a/c").expect("opened");
    again.write_all_at(b"H", 2).expect("written");
    let mut bytes = [0; 3];
    assert_eq!(again.read_at(&mut bytes, 5).expect("read"), 2);
    assert_eq!(&bytes, b"lo\0");
    storage.remove("a/c").expect("removed");
    storage.sync_dir("a").expect("synced");
    assert_eq!(read(&storage, "a/c").expect("read"), None);
}

#[test]
fn folders_are_made_with_those_above_them_or_not_at_all() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let storage = DiskStorage::open(scratch.path().join("data")).expect("opened");
    let made = |folder: &str| storage.create_dir_all(folder).expect("made");
    assert_eq!(made("a/deep/deeper"), 3);
    assert_eq!(made("a/deep/deeper"), 0, "it is there");
    assert_eq!(made("a/deep/other"), 1);
    let too_long = format!("b/c/{}/d", "x".repeat(300));
    storage.create_dir_all(&too_long).expect_err("refused");
    // Whoever found them would take them for durable.
    assert_eq!(storage.entry("b").expect("known"), None);
    assert_eq!(made("b/c"), 2);
}

/// In a folder that may be changed but not read, as some that are shared, nothing can be synced: whoever
/// needs it durable must learn that.
#[test]
fn a_folder_that_cannot_be_synced_is_made_but_does_not_count() {
    if rustix::process::geteuid().is_root() {
        // Who may read everything.
        return;
    }
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("lake");
    std::fs::create_dir(&root).expect("created");
    let set = |mode| std::fs::set_permissions(&root, std::fs::Permissions::from_mode(mode));
    set(0o300).expect("set");
    let storage = DiskStorage::shared(&root).expect("opened");
    let made = storage.create_dir_all("bucket/table/log").expect("made");
    storage.sync_dir("").expect_err("refused");
    set(0o700).expect("set");
    assert_eq!(made, 2, "of the bucket nobody knows");
    assert!(root.join("bucket/table/log").is_dir());
}

#[test]
fn entries_are_files_with_their_lengths_and_times_and_folders_without() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let storage = DiskStorage::open(scratch.path().join("data")).expect("opened");
    storage.create_dir_all("a/deep/deeper").expect("created");
    let file = storage.create_new("a/file").expect("created");
    file.write_all_at(b"hello", 0).expect("written");
    std::os::unix::fs::symlink("deep", storage.locate("a/link")).expect("linked");
    let entries = storage.entries("a").expect("listed");
    let told = entries.iter().map(|entry| {
        let has_time = entry.modified_ms > 0;
        (&*entry.name, entry.is_folder, entry.bytes, has_time)
    });
    // A link to a folder is none: what is in it would be listed twice.
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("deep", true, 0, false),
            ("file", false, 5, true),
            ("link", false, 4, true)
        ]
    );
    for entry in &entries[..2] {
        let one = storage.entry(&format!("a/{}", entry.name));
        assert_eq!(one.expect("looked").as_ref(), Some(entry));
    }
    assert_eq!(storage.entries("none").expect("listed"), []);
}

#[test]
fn errors_name_operation_and_path_and_no_path_leads_out() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let storage = DiskStorage::open(scratch.path().join("data")).expect("opened");
    let missing = storage.open("wal/none").expect_err("missing");
    let text = missing.chain();
    assert!(
        text.starts_with("cannot open /") && text.contains("data/wal/none: No such"),
        "{text}"
    );
    assert!(storage.list("none").is_err() && storage.remove("none").is_err());
    assert!(storage.rename("none", "other").is_err() && storage.sync_dir("none").is_err());
    for path in ["../x", "/etc/passwd", "a/../../x", "./x"] {
        let refused = storage.open_read(path).expect_err("outside");
        assert!(matches!(refused, StorageError::BadPath { .. }), "{path}");
    }
}

#[test]
fn a_folder_without_write_permission_is_told_from_other_failures() {
    // As root there is no such folder, so the system's answers are made up.
    let told = |kind: std::io::ErrorKind| {
        explain(Path::new("/data"), Operation::CreateDir, kind.into()).to_string()
    };
    for kind in [
        std::io::ErrorKind::PermissionDenied,
        std::io::ErrorKind::ReadOnlyFilesystem,
    ] {
        assert!(told(kind).starts_with("data folder /data is not writable for this user"));
    }
    assert_eq!(
        told(std::io::ErrorKind::StorageFull),
        "cannot create the folder /data"
    );
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "takes a file away behind the folder's back"
)]
fn looking_at_a_folder_changes_nothing_and_keeps_servers_out() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("data");
    let missing = DiskStorage::inspect(&root).expect_err("nothing there");
    assert!(matches!(missing, StorageError::NoDataFolder { .. }));
    let missing = DiskStorage::open_existing(&root).expect_err("nothing there");
    assert!(matches!(missing, StorageError::NoDataFolder { .. }));
    assert!(!root.exists());
    let server = DiskStorage::open(&root).expect("opened");
    let in_use = DiskStorage::inspect(&root).expect_err("in use");
    assert!(matches!(in_use, StorageError::InUse { .. }));
    drop(server);
    let lock = std::fs::metadata(root.join("lock")).expect("there");
    for without_lock in [false, true] {
        if without_lock {
            std::fs::remove_file(root.join("lock")).expect("removed");
        } else {
            let looking = DiskStorage::inspect(&root).expect("free");
            let in_use = DiskStorage::open(&root).expect_err("in use");
            assert!(matches!(in_use, StorageError::InUse { .. }));
            drop(looking);
            let after = std::fs::metadata(root.join("lock")).expect("there");
            let modified = |found: std::fs::Metadata| found.modified().expect("known");
            assert_eq!(modified(after), modified(lock.clone()));
        }
        let names = DiskStorage::inspect(&root).expect("free").list("");
        let names = names.expect("listed");
        assert_eq!(names.iter().any(|name| name == "lock"), !without_lock);
    }
    DiskStorage::open_existing(&root).expect("opened");
}

#[test]
fn a_folder_to_be_filled_is_new_or_empty_and_no_data_folder_before_its_format_is_written() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("out");
    let storage = DiskStorage::create(&root).expect("made");
    storage.create_dir_all("wal").expect("made");
    drop(storage);
    let foreign = DiskStorage::open(&root).expect_err("no data folder yet");
    assert!(matches!(foreign, StorageError::Foreign { .. }), "{foreign}");
    let taken = DiskStorage::create(&root).expect_err("not empty");
    assert!(matches!(taken, StorageError::NotEmpty { .. }), "{taken}");
}

/// From a bug: one start, or one `token reset-operator`, as root left files that the service's user
/// could not read.
#[test]
fn what_root_writes_in_the_folder_of_another_user_is_that_users() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can give files away, and these tests do not run as root");
        return;
    }
    let (user, group) = (4321, 8765);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("data");
    std::fs::create_dir(&root).expect("made");
    chown(&root, Some(user), Some(group)).expect("given away");
    type Open = fn(&Path) -> Result<DiskStorage, StorageError>;
    let open: [Open; 2] = [
        |root| DiskStorage::open(root),
        |root| DiskStorage::shared(root.join("lake")),
    ];
    for open in open {
        let storage = open(&root).expect("opened");
        replace(&storage, "catalog.json", b"x").expect("written");
        replace(&storage, "catalog.json", b"y").expect("replaced");
        storage.create_dir_all("wal/deep/down").expect("made");
        storage.create_new("wal/deep/file").expect("made");
        storage.create_dir_all("lake").expect("made");
    }
    let mut folders = vec![root];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable") {
            let path = entry.expect("readable").path();
            let found = std::fs::metadata(&path).expect("there");
            assert_eq!(
                (found.uid(), found.gid()),
                (user, group),
                "{}",
                path.display()
            );
            seen += 1;
            if found.is_dir() {
                folders.push(path);
            }
        }
    }
    assert!(seen > 12, "{seen}");
}

/// Anybody with write access to the folder could have put a link there.
#[test]
#[allow(clippy::disallowed_methods, reason = "a file behind the folder's back")]
fn a_lock_file_that_is_there_stays_whose_it_is() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can give files away, and these tests do not run as root");
        return;
    }
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (root, other) = (scratch.path().join("data"), scratch.path().join("other"));
    std::fs::create_dir(&root).expect("made");
    std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(&other)
        .expect("made");
    std::fs::hard_link(&other, root.join("lock")).expect("linked");
    chown(&root, Some(4321), Some(8765)).expect("given away");
    DiskStorage::open(&root).expect("opened");
    assert_eq!(std::fs::metadata(&other).expect("there").uid(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_just_written_is_read_from_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = DiskStorage::shared(folder.path()).expect("opened");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let file = storage.create_new("file").expect("made");
    file.write_all_at(&bytes, 0).expect("written");
    let all = [10..20, 0..100_000, 99_999..100_000, 7..7];
    let Some(read) = storage.read_cached("file", &all) else {
        eprintln!("SKIPPED: the file system of {folder:?} tells nothing of its cache");
        return;
    };
    let expected = [&bytes[10..20], &bytes[..], &bytes[99_999..], &[]];
    assert_eq!(read, expected);
    // Whatever is not there, and what is long, is left to who may wait.
    let read_one =
        |name: &str, range: Range<u64>| storage.read_cached(name, slice::from_ref(&range));
    assert_eq!(read_one("file", 99_999..100_001), None);
    assert_eq!(read_one("file", 0..u64::MAX), None);
    assert_eq!(read_one("none", 0..1), None);
    assert_eq!(read_one("../file", 0..1), None);
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_just_looked_for_is_known_in_memory_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = DiskStorage::shared(folder.path()).expect("opened");
    storage.create_dir_all("a/b").expect("made");
    let file = storage.create_new("a/file").expect("made");
    let known = |path: &str| {
        let told = storage.entry(path).expect("looked for");
        let known = storage.entry_cached(path);
        assert!(known.is_none() || known == Some(told), "{path}: {known:?}");
        known.is_some()
    };
    let all = ["a/b", "a/file", "a/none", "none/none"].map(known);
    if all != [true; 4] {
        eprintln!("SKIPPED: the file system of {folder:?} tells not all of its cache: {all:?}");
    }
    // What is known is what there is now.
    file.write_all_at(b"hello", 0).expect("written");
    storage.create_new("a/none").expect("made");
    storage.remove_dir("a/b").expect("removed");
    for path in ["a/b", "a/file", "a/none"] {
        known(path);
    }
    assert_eq!(storage.entry_cached("../file"), None);
}

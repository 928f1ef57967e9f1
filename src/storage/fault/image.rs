//! The disk in memory: per file a live image, a durable image, and what is pending between them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::random::SplitMix;
use super::trap::{Fault, Trap};
use crate::certain::Certain;
use crate::narrow;
use crate::storage::error::Operation;
use crate::storage::traits::folder_of;

/// Names a file whatever it is called (an inode number).
pub(super) type FileId = usize;

/// The size in bytes of a piece that a disk writes whole or not at all, unless it garbles it.
const SECTOR_BYTES: usize = 512;

/// The steps in which the disk's space is handed out.
const BLOCK_BYTES: u64 = 4096;

/// The reason why there is a file.
const MADE: &str = "ids are those of files that were made, and none is ever taken out";

#[derive(Clone, Debug, Default)]
struct Image {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// A pending change of names: what each path leads to afterwards.
type Naming = Vec<(String, Option<FileId>)>;

#[derive(Debug)]
pub(super) struct Disk {
    files: Vec<Image>,
    names: BTreeMap<String, FileId>,
    durable_names: BTreeMap<String, FileId>,
    pending_names: Vec<Naming>,
    pub(super) faults: Vec<Trap>,
    pub(super) capacity_bytes: Option<u64>,
    /// True if names that differ only in case are the same.
    pub(super) folds_case: bool,
    /// Folders made while case is folded. Otherwise, a folder exists as long as something is in it.
    folders: BTreeSet<String>,
    /// Operations until the power goes, if it is to go.
    pub(super) power: Option<u64>,
    random: SplitMix,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            faults: Vec::new(),
            capacity_bytes: None,
            folds_case: false,
            folders: BTreeSet::new(),
            power: None,
            random: SplitMix::new(seed),
        }
    }

    pub(super) fn check(&mut self, operation: Operation) -> io::Result<()> {
        self.check_fault(operation).map_err(|(error, _)| error)
    }

    pub(super) fn check_write(&mut self) -> Result<(), (io::Error, Option<Fault>)> {
        self.check_fault(Operation::Write)
    }

    fn check_fault(&mut self, operation: Operation) -> Result<(), (io::Error, Option<Fault>)> {
        if is_change(operation) && self.power == Some(0) {
            return Err((io::Error::other("the power is off"), None));
        }
        self.power = match self.power {
            Some(left) if is_change(operation) => Some(left - 1),
            power => power,
        };
        let mut traps = self.faults.iter_mut().enumerate();
        let Some((at, trap)) = traps.find(|(_, trap)| trap.operation == operation) else {
            return Ok(());
        };
        if trap.after > 0 {
            trap.after -= 1;
            return Ok(());
        }
        let fault = trap.fault;
        if !trap.forever {
            self.faults.remove(at);
        }
        Err((fault.error(), Some(fault)))
    }

    pub(super) fn find(&self, path: &str) -> io::Result<FileId> {
        self.names
            .get(&self.key(path))
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, path: &str) -> io::Result<FileId> {
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.files.len();
        self.files.push(Image::default());
        self.rename_all(vec![(path.to_owned(), Some(id))]);
        Ok(id)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let id = self.find(from)?;
        self.rename_all(vec![(from.to_owned(), None), (to.to_owned(), Some(id))]);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &str) -> io::Result<()> {
        self.find(path)?;
        self.rename_all(vec![(path.to_owned(), None)]);
        Ok(())
    }

    /// Returns the form in which a path is stored.
    fn key(&self, path: &str) -> String {
        match self.folds_case {
            true => path.to_lowercase(),
            false => path.to_owned(),
        }
    }

    pub(super) fn create_folder(&mut self, path: &str) {
        if self.folds_case {
            let mut folder = self.key(path);
            while !folder.is_empty() {
                self.folders.insert(folder.clone());
                folder = folder_of(&folder).to_owned();
            }
        }
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(&self.key(path))
    }

    fn rename_all(&mut self, naming: Naming) {
        let keys = naming.into_iter();
        let naming: Naming = keys.map(|(path, id)| (self.key(&path), id)).collect();
        apply_names(&mut self.names, &naming);
        self.pending_names.push(naming);
    }

    /// A good sync of a folder makes the names in it durable. A failed one chooses, and forgets the
    /// rest: the program continues to see them, and no later sync makes them durable.
    pub(super) fn sync_dir(&mut self, folder: &str, good: bool) {
        if self.power == Some(0) && !good {
            return;
        }
        let pending = std::mem::take(&mut self.pending_names);
        for naming in pending {
            let is_inside = |(path, _): &(String, _)| folder_of(path) == folder;
            match naming.iter().any(is_inside) {
                true if good || self.random.chance(2) => {
                    apply_names(&mut self.durable_names, &naming);
                }
                true => {}
                false => self.pending_names.push(naming),
            }
        }
    }

    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{}/", self.key(folder))
        };
        let inside = self
            .names
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<String> = inside
            .map(|rest| {
                rest.split_once('/')
                    .map_or(rest, |(folder, _)| folder)
                    .to_owned()
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn len(&self, id: FileId) -> io::Result<u64> {
        let image = self.files.get(id).ok_or(io::ErrorKind::NotFound)?;
        Ok(narrow::to_u64(image.live.len()))
    }

    pub(super) fn read(&self, id: FileId, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let image = self.files.get(id).ok_or(io::ErrorKind::NotFound)?;
        let from = image.live.get(position(offset)..).unwrap_or_default();
        let len = from.len().min(buffer.len());
        for (to, byte) in buffer.iter_mut().zip(from) {
            *to = *byte;
        }
        Ok(len)
    }

    pub(super) fn used_bytes(&self) -> u64 {
        let blocks = |id: &FileId| self.len(*id).unwrap_or(0).div_ceil(BLOCK_BYTES);
        self.names.values().map(|id| blocks(id) * BLOCK_BYTES).sum()
    }

    pub(super) fn write(&mut self, id: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let fits = self.fitting(id, offset, bytes.len());
        let part = bytes.get(..fits).certain("no more fits than there is");
        self.change(
            id,
            Change::Write {
                offset: position(offset),
                bytes: part.to_vec(),
            },
        );
        match fits < bytes.len() {
            true => Err(Fault::Full.error()),
            false => Ok(()),
        }
    }

    /// Returns how many of `len` bytes at `offset` fit.
    fn fitting(&self, id: FileId, offset: u64, len: usize) -> usize {
        let Some(capacity) = self.capacity_bytes else {
            return len;
        };
        let own = self.len(id).unwrap_or(0).div_ceil(BLOCK_BYTES) * BLOCK_BYTES;
        let free = capacity.saturating_sub(self.used_bytes()) / BLOCK_BYTES * BLOCK_BYTES;
        len.min(position((own + free).saturating_sub(offset)))
    }

    /// Writes, and breaks off somewhere.
    pub(super) fn write_part(&mut self, id: FileId, offset: u64, bytes: &[u8]) {
        let part = self.random.below(bytes.len() + 1);
        // That there is no space either does not matter: it failed anyway.
        let part = bytes.get(..part).certain("it is a part of them");
        let _ = self.write(id, offset, part);
    }

    pub(super) fn set_len(&mut self, id: FileId, len: u64) -> io::Result<()> {
        self.change(id, Change::SetLen(position(len)));
        Ok(())
    }

    fn change(&mut self, id: FileId, change: Change) {
        let image = self.files.get_mut(id).certain(MADE);
        change.apply(&mut image.live);
        image.pending.push(change);
    }

    /// A good sync makes what is pending durable, a failed one chooses and forgets the rest.
    pub(super) fn sync(&mut self, id: FileId, good: bool) {
        if self.power == Some(0) && !good {
            return;
        }
        let image = self.files.get_mut(id).certain(MADE);
        for change in std::mem::take(&mut image.pending) {
            match good {
                true => change.apply(&mut image.durable),
                false => change.apply_by_chance(&mut image.durable, &mut self.random, false),
            }
        }
    }

    pub(super) fn crash(&mut self) -> Self {
        let seed = self.random.next();
        let mut names = self.durable_names.clone();
        // Journals keep the order of names, others do not.
        let in_order = self.random.chance(2);
        for naming in &self.pending_names {
            if self.random.chance(2) {
                apply_names(&mut names, naming);
            } else if in_order {
                break;
            }
        }
        let temper = self.random.below(4);
        let random = &mut self.random;
        let files = self
            .files
            .iter()
            .map(|image| image.crash(temper, random))
            .collect();
        Self {
            files,
            durable_names: names.clone(),
            names,
            capacity_bytes: self.capacity_bytes,
            folds_case: self.folds_case,
            folders: self.folders.clone(),
            ..Self::new(seed)
        }
    }

    pub(super) fn flip(&mut self, path: &str, offset: usize, mask: u8) -> bool {
        let Ok(id) = self.find(path) else {
            return false;
        };
        let image = self.files.get_mut(id).certain(MADE);
        for bytes in [&mut image.live, &mut image.durable] {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= mask;
            }
        }
        offset < image.live.len()
    }

    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) {
        let id = self.files.len();
        let (live, durable) = (bytes.to_vec(), bytes.to_vec());
        self.files.push(Image {
            live,
            durable,
            pending: Vec::new(),
        });
        self.names.insert(path.to_owned(), id);
        self.durable_names.insert(path.to_owned(), id);
    }

    pub(super) fn take(&mut self, path: &str) {
        self.names.remove(path);
        self.durable_names.remove(path);
    }

    pub(super) fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let id = self.find(path).ok()?;
        self.files.get(id).map(|image| image.live.clone())
    }
}

impl Image {
    /// Returns what a power cut leaves of the file: one of four tempers, from mild to harsh.
    fn crash(&self, temper: usize, random: &mut SplitMix) -> Self {
        let mut durable = self.durable.clone();
        let kept = match temper {
            0 => 0,
            1 => self.pending.len(),
            _ => random.below(self.pending.len() + 1),
        };
        for (at, change) in self.pending.iter().enumerate() {
            match temper {
                3 => change.apply_by_chance(&mut durable, random, true),
                _ if at < kept => change.apply(&mut durable),
                2 if at == kept => change.apply_by_chance(&mut durable, random, false),
                _ => {}
            }
        }
        Self {
            live: durable.clone(),
            durable,
            pending: Vec::new(),
        }
    }
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => image.resize(*len, 0),
            Self::Write { offset, bytes } => put_at(image, *offset, bytes),
        }
    }

    /// Each sector of a write is kept or lost; with `garble` some turn into noise.
    fn apply_by_chance(&self, image: &mut Vec<u8>, random: &mut SplitMix, garble: bool) {
        let Self::Write { offset, bytes } = self else {
            if random.chance(2) {
                self.apply(image);
            }
            return;
        };
        let mut at = *offset;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let len = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len());
            let (sector, after) = rest.split_at(len);
            match random.below(if garble { 5 } else { 4 }) {
                0 | 1 => {}
                2 | 3 => put_at(image, at, sector),
                _ => {
                    let noise: Vec<u8> = sector
                        .iter()
                        .map(|_| random.next().to_le_bytes()[0])
                        .collect();
                    put_at(image, at, &noise);
                }
            }
            at += len;
            rest = after;
        }
    }
}

fn put_at(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    if let Some(place) = image.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

fn apply_names(names: &mut BTreeMap<String, FileId>, naming: &Naming) {
    for (path, id) in naming {
        match id {
            Some(id) => names.insert(path.clone(), *id),
            None => names.remove(path),
        };
    }
}

fn is_change(operation: Operation) -> bool {
    use Operation::{Create, CreateDir, Remove, Rename, SetLen, Sync, SyncDir, Write};
    matches!(
        operation,
        Create | CreateDir | Remove | Rename | SetLen | Sync | SyncDir | Write
    )
}

fn position(offset: u64) -> usize {
    narrow::to_usize(offset)
}

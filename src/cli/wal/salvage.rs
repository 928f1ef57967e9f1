//! `tidegate wal salvage`: makes a new data folder with everything that can be read of a damaged one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::error::WalCommandError;
use crate::catalog;
use crate::storage::{
    DiskStorage, FLUSHES_FILE, Storage, StorageError, TABLES_FOLDER, data_format, finish_copy,
    missing_parts, new_node_id, read, replace,
};
use crate::wal::{Loss, Salvaged, WalOptions, salvage};

const HELP: &str = "\
For a data folder that a server refuses to start on because its log is damaged. The server must \
be stopped. The damaged folder is not changed; keep it until you know what was lost.

What was lost is named by segment, bytes and the sequences of the writes around it. Every write \
that can be read is in the new folder, with the buckets and the tokens. Points that were flushed \
are in the tables: if those lie in the folder `lake` of the data folder, it has to be copied or \
moved to the new folder before the first start there; the command says so.

Exit status: 0 if the new folder is complete, whatever was lost: every loss is a line of standard \
output that begins with `lost:`; 1 if it is not complete, and then no server starts on it.

Examples:
  tidegate wal salvage --data-dir tidegate-data \\
    --out tidegate-salvaged
  cp -r tidegate-data/lake tidegate-salvaged/lake
  tidegate serve --data-dir tidegate-salvaged";

/// Save what can be read of a damaged log into a new data folder.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Salvage {
    /// The damaged data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The data folder to make; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Salvage {
    pub(super) fn run(self) -> Result<(), WalCommandError> {
        self.refuse_inside()?;
        let from = DiskStorage::inspect(&self.data_dir)?;
        let to: Arc<dyn Storage> = Arc::new(DiskStorage::create(&self.out)?);
        let salvaged = copy(&from, &to)?;
        let mut out = io::stdout().lock();
        write_losses(&salvaged, &mut out)?;
        if from.entry(TABLES_FOLDER)?.is_some() {
            self.write_tables(&mut out)?;
        }
        let out_dir = self.out.display();
        writeln!(
            out,
            "{} frames ({} bytes) up to sequence {} are in {out_dir}: tidegate serve --data-dir {out_dir}",
            salvaged.frames, salvaged.payload_bytes, salvaged.last
        )?;
        Ok(out.flush()?)
    }

    /// Explains what to do with the tables. They can be large, and are not damaged, so they are not
    /// copied here. But the new folder is the same node, and relies on what was flushed.
    fn write_tables(&self, out: &mut dyn Write) -> io::Result<()> {
        let tables = self.data_dir.join(TABLES_FOLDER);
        writeln!(
            out,
            "the tables are still in {0}, and points that were flushed only there: before the first \
             start, copy that folder, `cp -r {0} {1}`, or move it",
            tables.display(),
            self.out.join(TABLES_FOLDER).display()
        )
    }

    fn refuse_inside(&self) -> Result<(), WalCommandError> {
        let (out, data_dir) = (absolute(&self.out)?, absolute(&self.data_dir)?);
        match out.starts_with(&data_dir) {
            false => Ok(()),
            true => Err(WalCommandError::OutInside {
                out: self.out.display().to_string(),
                data_dir: self.data_dir.display().to_string(),
            }),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, WalCommandError> {
    std::path::absolute(path).map_err(|source| WalCommandError::Path {
        path: path.display().to_string(),
        source,
    })
}

/// Copies everything that can be read. The format comes last: without it no server takes the folder for
/// a data folder, so a salvage that was cut short is never taken for a complete one.
pub(super) fn copy(from: &dyn Storage, to: &Arc<dyn Storage>) -> Result<Salvaged, WalCommandError> {
    let missing = missing_parts(from)?;
    let is_lost = |path| missing.iter().any(|part| part.path() == path);
    // Without tables nothing is flushed. If they have only moved elsewhere, it is as if the file were
    // lost: tables refuse a node that does not know what it flushed. A new node may flush all of it
    // again: equal points merge.
    let knows_flushes = !is_lost(FLUSHES_FILE) && !is_lost(TABLES_FOLDER);
    let node_id = match knows_flushes {
        true => data_format(from)?.node_id,
        false => new_node_id()?,
    };
    let salvaged = salvage(from, (Arc::clone(to), node_id), WalOptions::default())?;
    for file in catalog::FILES {
        copy_file(from, to.as_ref(), file)?;
    }
    if knows_flushes {
        copy_file(from, to.as_ref(), FLUSHES_FILE)?;
    }
    finish_copy(from, to.as_ref(), node_id)?;
    Ok(salvaged)
}

fn copy_file(from: &dyn Storage, to: &dyn Storage, path: &str) -> Result<(), StorageError> {
    match read(from, path)? {
        Some(bytes) => replace(to, path, &bytes),
        None => Ok(()),
    }
}

pub(super) fn write_losses(salvaged: &Salvaged, out: &mut dyn Write) -> io::Result<()> {
    for Loss {
        path,
        offset,
        bytes,
        what,
        after,
        before,
    } in &salvaged.losses
    {
        write!(out, "lost: {}", path.display())?;
        if *bytes > 0 {
            write!(
                out,
                " from offset {offset} to {} ({bytes} bytes)",
                offset + bytes
            )?;
        }
        match before {
            Some(before) if before.0 == after.0 + 1 => {
                writeln!(
                    out,
                    ": {what}; no write is missing, {after} and {before} are there"
                )?;
            }
            Some(before) => writeln!(out, ": {what}; between the writes {after} and {before}")?,
            None => writeln!(out, ": {what}; after the write {after}")?,
        }
    }
    if salvaged.losses.is_empty() {
        writeln!(out, "nothing was lost: every frame of the log can be read")?;
    }
    Ok(())
}

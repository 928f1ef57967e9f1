//! The data folder's format version (design decision D15) and the identity of the node that
//! writes it, in one small text file at its top:
//!
//! ```text
//! tidegate data format 1
//! node 5f1c0a9be2d34876
//! ```
//!
//! The node id is a random number, made when the folder is. It is not a secret on disk, but is
//! never shown to clients: the log's checksums are seeded with it, so that no payload can pose
//! as a frame.

use super::{Storage, StorageError, read, replace};

/// The version that this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// The file that makes a folder a data folder.
pub const FORMAT_FILE: &str = "format";

/// The file that says up to which frame of the log each table is flushed. Whoever copies a log has
/// to copy it too, even in a build without tables: else frames would be replayed that the tables
/// have.
pub const FLUSHES_FILE: &str = "flushes.json";

/// The folder of the tables, unless they lie elsewhere.
pub const TABLES_FOLDER: &str = "lake";

/// What the format file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataFormat {
    /// The version of the folder's layout.
    pub version: u32,
    /// Names the node that owns the folder, for ever.
    pub node_id: u64,
}

/// Reads the format file, or writes one into a new folder. Versions that are not ours are
/// refused by name.
pub fn data_format(storage: &dyn Storage) -> Result<DataFormat, StorageError> {
    if let Some(bytes) = read(storage, FORMAT_FILE)? {
        return parse(storage, &bytes);
    }
    let node_id = random_id()
        .map_err(|source| StorageError::io(super::Operation::Create, FORMAT_FILE, source))?;
    let text = format!("tidegate data format {FORMAT_VERSION}\nnode {node_id:016x}\n");
    replace(storage, FORMAT_FILE, text.as_bytes())?;
    Ok(DataFormat {
        version: FORMAT_VERSION,
        node_id,
    })
}

fn random_id() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    // Never 0: a zeroed file must not look like a node.
    Ok(u64::from_le_bytes(bytes).max(1))
}

fn parse(storage: &dyn Storage, bytes: &[u8]) -> Result<DataFormat, StorageError> {
    let path = storage.locate(FORMAT_FILE);
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut lines = text.lines();
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("tidegate data format "))
        .and_then(|version| version.parse::<u32>().ok());
    let supported = FORMAT_VERSION;
    // The version comes first: what follows it is only known for versions that we know.
    match version {
        None => return Err(StorageError::DamagedFormat { path }),
        Some(found) if found > supported => {
            return Err(StorageError::NewerFormat {
                path,
                found,
                supported,
            });
        }
        Some(found) if found < supported => {
            return Err(StorageError::OlderFormat {
                path,
                found,
                supported,
            });
        }
        Some(_) => {}
    }
    let node_id = lines
        .next()
        .and_then(|line| line.strip_prefix("node "))
        .filter(|id| id.len() == 16)
        .and_then(|id| u64::from_str_radix(id, 16).ok());
    match node_id {
        Some(node_id) => Ok(DataFormat {
            version: supported,
            node_id,
        }),
        None => Err(StorageError::DamagedFormat { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FaultStorage, StorageError};
    use super::{FORMAT_FILE, data_format};

    #[test]
    fn a_new_folder_gets_a_version_and_an_identity_that_stay() {
        let storage = FaultStorage::new(1);
        let first = data_format(&storage).expect("written");
        assert_eq!(data_format(&storage.crash()).expect("durable"), first);
        assert_ne!(
            data_format(&FaultStorage::new(2)).expect("written").node_id,
            first.node_id
        );
    }

    #[test]
    fn other_versions_and_damage_are_refused_by_name() {
        let refusal = |text: &str| {
            let storage = FaultStorage::new(1);
            storage.put(FORMAT_FILE, text.as_bytes());
            data_format(&storage).expect_err("refused")
        };
        let newer = refusal("tidegate data format 2\nwhatever\n");
        assert!(matches!(
            newer,
            StorageError::NewerFormat {
                found: 2,
                supported: 1,
                ..
            }
        ));
        let older = refusal("tidegate data format 0\nnode 0000000000000001\n");
        assert!(
            older
                .to_string()
                .contains("version 0, which this tidegate no longer reads")
        );
        for damaged in [
            "",
            "tidegate data format 1\n",
            "tidegate data format 1\nnode 12\n",
            "\u{0}",
        ] {
            assert!(
                matches!(refusal(damaged), StorageError::DamagedFormat { .. }),
                "{damaged:?}"
            );
        }
    }
}

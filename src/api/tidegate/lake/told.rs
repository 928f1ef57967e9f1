//! The text of an error of the tables for an operator: all of it, with causes and advice, but
//! without the paths of the server.

use std::path::Path;

use crate::lake::LakeError;

/// The text of an error of tables at `location`. Paths below it, or beside it in the data folder,
/// are shown relative to it; an error that names other paths is only for the log.
pub(super) fn told(location: &str, error: &LakeError) -> String {
    match error {
        LakeError::Storage(_)
        | LakeError::Positions { .. }
        | LakeError::FoldsCase { .. }
        | LakeError::NotLogged(_)
        | LakeError::Url { .. } => "it cannot be used now: the server's log says why".to_owned(),
        error => without_folder(error.to_string(), location),
    }
}

fn without_folder(text: String, location: &str) -> String {
    let tables = Path::new(location);
    let folders = [Some(tables), tables.parent()].into_iter().flatten();
    let folders = folders.filter(|folder| folder.components().count() > 1);
    folders.fold(text, |text, folder| {
        let folder = folder.display().to_string();
        let text = text.replace(&format!("{folder}/"), "");
        text.replace(&folder, "the folder of the tables")
    })
}

#[cfg(test)]
mod tests {
    use super::told;
    use crate::lake::LakeError;
    use crate::storage::{Operation, StorageError};

    fn failed(path: &str) -> StorageError {
        StorageError::Io {
            operation: Operation::Sync,
            path: path.into(),
            source: std::io::Error::from_raw_os_error(5),
        }
    }

    /// From a bug: paths were sent unchanged.
    #[test]
    fn an_operator_is_told_why_a_table_fails_and_no_path_of_the_server() {
        let location = "/var/lib/secret/lake";
        let damaged = LakeError::Positions {
            path: "/var/lib/secret/flushes.json".to_owned(),
            reason: "it is empty".to_owned(),
        };
        let synced = failed("/var/lib/secret/flushes.json");
        for error in [LakeError::Storage(synced), damaged] {
            assert!(error.to_string().contains("secret"));
            let told = told(location, &error);
            assert!(!told.contains("secret") && told.contains("log"), "{told}");
        }
        let known = LakeError::Table {
            table: "b/cpu".to_owned(),
            reason: "its protocol was raised".to_owned(),
        };
        assert_eq!(
            told(location, &known),
            "table b/cpu: its protocol was raised"
        );
    }

    /// From a bug: an operator was only sent to the log.
    #[test]
    fn what_the_store_says_is_told_with_its_causes_and_without_the_folder() {
        for (path, expected) in [
            ("/var/lib/secret/lake/b/cpu/x", "cannot sync b/cpu/x: "),
            ("/var/lib/secret/format", "cannot sync format: "),
            (
                "/var/lib/secret/lake",
                "cannot sync the folder of the tables: ",
            ),
        ] {
            let source = object_store_error(failed(path));
            let told = told("/var/lib/secret/lake", &source);
            assert!(
                told.contains(expected) && told.contains("os error 5"),
                "{told}"
            );
            assert!(!told.contains("secret"), "{told}");
        }
    }

    fn object_store_error(source: StorageError) -> LakeError {
        LakeError::of_folder(source)
    }
}

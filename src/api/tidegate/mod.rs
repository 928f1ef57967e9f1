//! What is Tidegate's own, below `/api/v1`: one file per resource. Its clients are the program's
//! commands, and whoever reads `config/openapi.yaml`.

pub mod buckets;
pub mod export;
#[cfg(feature = "lake")]
pub mod lake;
pub mod tokens;

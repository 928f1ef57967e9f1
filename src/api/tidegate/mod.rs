//! Tidegate's own endpoints, below `/api/v1`: one file per resource. Their clients are the
//! program's commands, and everybody who reads `config/openapi.yaml`.

pub mod buckets;
pub mod export;
#[cfg(feature = "lake")]
pub mod lake;
pub mod tokens;

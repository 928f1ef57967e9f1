//! Segments as Parquet files and back.

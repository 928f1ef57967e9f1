//! `POST /api/v2/write` (contract sections 1, 4, 5 and 6).

mod encodings;
mod errors;
pub mod gzip;
mod headers;
mod limits;
mod order;
mod params;
mod partial;
mod points;
mod reports;
mod retention;
mod timestamps;

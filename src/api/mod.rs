//! The endpoints, one a file, and what they have in common: `params` reads query strings, `error`
//! is the only place with status codes, [`App`] is what they share.
//!
//! An endpoint is a function from a request to an answer. It does not know on which path it is
//! served, nor whether a token was asked for: that stands in the server's one route table. It does
//! its checks in the order of contract section 1.2: parameters, bucket and permission, encoding
//! and size, content.

mod app;
mod bucket;
pub mod error;
pub mod export;
pub mod fallback;
pub mod health;
pub mod metrics;
pub mod params;
mod partial;
pub mod request_id;
pub mod write;

pub use app::{App, Engine};

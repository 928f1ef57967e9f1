//! Tidegate: an ingest server, write-compatible with the InfluxDB v2 API, that acknowledges a
//! point only when it is on disk.
//!
//! [`design`] says how and why: the path of a point, which module may import which, the decisions
//! D1 to D18, the promises and the ways to prove them. [`api::contract`] is what a client sees.
//!
//! The modules, in the order in which a request, and then a point, meets them:
//!
//! ```text
//! socket > server > auth > api > body > line_protocol > ingest > wal > buffer > lake > read > export
//! ```
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`cli`] | the program's commands, one per file |
//! | [`client`] | HTTP as the commands use it to talk to a server |
//! | [`config`] | settings: defaults, file, environment, flags, checked once |
//! | [`server`] | the accept loop, TLS, the route table (which routes ask for a token), the layers, shutdown |
//! | [`auth`] | who sends a request, what that permits, and how often a token may ask |
//! | [`api`] | the endpoints, one per file, and the bucket of a first write; what errors look like over HTTP |
//! | [`engine`] | what a running server is made of, opened and closed; no HTTP |
//! | `flight` | questions in SQL and InfluxQL over gRPC: Arrow Flight and Flight SQL |
//! | [`body`] | the bytes of a request, decoded and bounded |
//! | [`line_protocol`] | the grammar: bytes in, points and line errors out |
//! | [`ingest`] | the write path: parse, resolve, log (the payload of frames is drawn here), apply, acknowledge |
//! | [`catalog`] | buckets, tokens, schemas: the small durable state |
//! | [`wal`] | the log: frames, segments, group commit, replay |
//! | [`columnar`] | columns, their kinds, their codec, their Arrow form |
//! | [`buffer`] | points in memory, and the segments that are frozen |
//! | [`merge`] | rows from memory and files merged: for each field the last written value |
//! | `lake` | open tables: flush, commits, compaction, retention |
//! | [`read`] | rows of a table as they are at one moment, merged and sorted |
//! | [`export`] | the formats in which rows leave, and the pace |
//! | `render` | record batches as JSON, CSV, Parquet, Arrow or a table to look at |
//! | [`pace`] | the pace at which clients take answers, and the handing over at that pace |
//! | `unanswered` | the reasons for which a question gets no answer: what is told, what is logged |
//! | `tidegate-query` | a package of its own in `src/query`: the query engine, over a trait of a database |
//! | [`storage`] | the one way to the data folder, with a model of its faults |
//! | [`telemetry`] | logs and metrics |
//! | [`memory`], [`clock`], [`id`] | the budget of bytes and its marks; time; the names of buckets, tables and frames |
//! | [`vital`] | threads and tasks whose panic ends the process |
//! | [`behind`] | long work that lets other threads go first |
//! | [`certain`], [`narrow`] | invariants that fail loudly; conversions between integer sizes |

#[cfg(doc)]
#[doc = include_str!("DESIGN.md")]
pub mod design {}

pub mod cli;
pub mod client;
pub mod config;
pub mod telemetry;

pub mod api;
pub mod auth;
pub mod body;
pub mod engine;
#[cfg(feature = "query")]
pub mod flight;
pub mod server;

pub mod export;
pub mod ingest;
pub mod line_protocol;

pub mod catalog;
pub mod wal;

pub mod buffer;
pub mod columnar;
#[cfg(feature = "lake")]
pub mod lake;
pub mod merge;
pub mod read;
#[cfg(feature = "query")]
pub mod render;
#[cfg(feature = "query")]
pub mod unanswered;

pub mod behind;
pub mod certain;
pub mod clock;
pub mod id;
pub mod memory;
pub mod narrow;
pub mod pace;
pub mod storage;
pub mod vital;

//! Counters and histograms: names, help texts, buckets.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::version::{COMMIT, VERSION};

/// The buckets of a sync: 0.2 ms on a good disk, 10 ms on a spinning one; a second is trouble.
const SYNC_SECONDS: [f64; 13] = [
    5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.3, 1.0,
];
/// The buckets of parsing, at a few hundred MB/s: from one line to a 250 MB body.
const PARSE_SECONDS: [f64; 12] = [
    1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0,
];
/// The buckets of requests and acknowledgements: Proxmox gives up after 1 s, Telegraf after 5 s.
const REQUEST_SECONDS: [f64; 14] = [
    5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0,
];
const GROUP_FRAMES: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];
const GROUP_BYTES: [f64; 9] = [
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) route: &'static str,
    pub(super) status: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) route: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Code {
    pub(super) code: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
}

/// The counters and histograms.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) requests: Family<Request, Counter>,
    pub(super) request_seconds: Family<Route, Histogram>,
    pub(super) lines_accepted: Counter,
    pub(super) lines_in_january_1970: Counter,
    pub(super) lines_commented_out: Counter,
    pub(super) lines_rejected: Family<Code, Counter>,
    pub(super) body_wire_bytes: Counter,
    pub(super) body_decoded_bytes: Counter,
    pub(super) parse_seconds: Histogram,
    pub(super) sync_seconds: Histogram,
    pub(super) group_frames: Histogram,
    pub(super) group_bytes: Histogram,
    pub(super) ack_seconds: Histogram,
    pub(super) connections_opened: Counter,
    pub(super) connections_closed: Counter,
    pub(super) refused: Family<Reason, Counter>,
}

impl Families {
    /// Makes all of them, at zero.
    pub(super) fn new() -> Self {
        Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            lines_accepted: Counter::default(),
            lines_in_january_1970: Counter::default(),
            lines_commented_out: Counter::default(),
            lines_rejected: Family::default(),
            body_wire_bytes: Counter::default(),
            body_decoded_bytes: Counter::default(),
            parse_seconds: Histogram::new(PARSE_SECONDS),
            sync_seconds: Histogram::new(SYNC_SECONDS),
            group_frames: Histogram::new(GROUP_FRAMES),
            group_bytes: Histogram::new(GROUP_BYTES),
            ack_seconds: Histogram::new(REQUEST_SECONDS),
            connections_opened: Counter::default(),
            connections_closed: Counter::default(),
            refused: Family::default(),
        }
    }

    /// Registers them in a registry whose prefix is `tidegate`. Counters get `_total` when they are
    /// encoded.
    pub(super) fn register(&self, registry: &mut Registry) {
        let build = [("version", VERSION), ("commit", COMMIT)];
        registry.register("build", "The version that runs", Info::new(build));
        self.register_requests(registry);
        self.register_write_path(registry);
    }

    fn register_requests(&self, registry: &mut Registry) {
        let r = registry;
        r.register("http_requests", "Requests answered", self.requests.clone());
        r.register(
            "http_request_duration_seconds",
            "Time from a request's head to the end of its answer",
            self.request_seconds.clone(),
        );
        r.register(
            "requests_refused",
            "Requests and connections refused before their content was looked at",
            self.refused.clone(),
        );
        r.register(
            "connections_opened",
            "Connections accepted since the start",
            self.connections_opened.clone(),
        );
        r.register(
            "connections_closed",
            "Connections closed since the start",
            self.connections_closed.clone(),
        );
        r.register(
            "body_wire_bytes",
            "Bytes of write bodies as they were sent",
            self.body_wire_bytes.clone(),
        );
        r.register(
            "body_decoded_bytes",
            "Bytes of write bodies after decompression",
            self.body_decoded_bytes.clone(),
        );
    }

    fn register_write_path(&self, registry: &mut Registry) {
        let r = registry;
        r.register(
            "lines_accepted",
            "Lines of line protocol acknowledged as written",
            self.lines_accepted.clone(),
        );
        r.register(
            "lines_in_january_1970",
            "Lines with a time in January 1970: probably sent with another precision",
            self.lines_in_january_1970.clone(),
        );
        r.register(
            "lines_commented_out",
            "Comments that would be points without their #",
            self.lines_commented_out.clone(),
        );
        r.register(
            "lines_rejected",
            "Lines of line protocol rejected, by error code",
            self.lines_rejected.clone(),
        );
        r.register(
            "parse_duration_seconds",
            "Time to parse a slice of line protocol",
            self.parse_seconds.clone(),
        );
        r.register(
            "ack_duration_seconds",
            "Time from the last byte of a write's body to its acknowledgement",
            self.ack_seconds.clone(),
        );
        r.register(
            "wal_sync_duration_seconds",
            "Time of one sync of the log",
            self.sync_seconds.clone(),
        );
        r.register(
            "wal_group_frames",
            "Frames that one sync of the log made durable",
            self.group_frames.clone(),
        );
        r.register(
            "wal_group_bytes",
            "Bytes that one sync of the log made durable",
            self.group_bytes.clone(),
        );
    }
}

/// Converts a count; exact up to 2^53, which nothing that is counted here reaches.
#[allow(clippy::cast_precision_loss, reason = "a histogram's sum is a float")]
pub(super) fn approximate(number: u64) -> f64 {
    number as f64
}

//! Shapes of load that weigh on memory in different ways.

use std::fmt::Write as _;

use crate::random::mix;

const TIME_START_NS: u64 = 1_700_000_000_000_000_000;
const CLIENTS_MAX: u64 = 64;

/// A shape of load: every point is one of its own, whatever the client and the number.
pub struct Shape {
    pub name: &'static str,
    /// Lines of a body.
    pub lines: u64,
    /// Appends a point without its time.
    line: fn(&mut String, client: u64, number: u64),
}

pub const SHAPES: &[Shape] = &[
    Shape {
        name: "cpu",
        lines: 5000,
        line: cpu,
    },
    Shape {
        name: "sparse",
        lines: 5000,
        line: sparse,
    },
    Shape {
        name: "series",
        lines: 5000,
        line: series,
    },
    Shape {
        name: "strings",
        lines: 500,
        line: strings,
    },
    Shape {
        name: "tables",
        lines: 5000,
        line: tables,
    },
];

impl Shape {
    /// A body whose first point has this number.
    pub fn body(&self, client: u64, number: u64) -> String {
        let mut body = String::with_capacity(2 << 20);
        for number in number..number + self.lines {
            (self.line)(&mut body, client, number);
            let _ = writeln!(body, " {}", TIME_START_NS + number * CLIENTS_MAX + client);
        }
        body
    }
}

/// Hosts of the Time Series Benchmark Suite: 10 tags, 10 numbers.
fn cpu(out: &mut String, client: u64, number: u64) {
    const FIELDS: [&str; 10] = [
        " usage_user=",
        "i,usage_system=",
        "i,usage_idle=",
        "i,usage_nice=",
        "i,usage_iowait=",
        "i,usage_irq=",
        "i,usage_softirq=",
        "i,usage_steal=",
        "i,usage_guest=",
        "i,usage_guest_nice=",
    ];
    let host = (number * 7 + client * 331) % 4000;
    let _ = write!(
        out,
        "cpu,hostname=host_{host},region=eu-west-{},datacenter=eu-west-{}b,rack={},os=Ubuntu16.10,\
         arch=x64,team=SF,service={},service_version=1,service_environment=test",
        host % 9,
        host % 9,
        host % 100,
        host % 20
    );
    let bits = mix(client << 40 ^ number);
    for (index, field) in FIELDS.iter().enumerate() {
        out.push_str(field);
        let _ = write!(out, "{}", (bits >> (index * 6)) % 100);
    }
    out.push('i');
}

/// 900 columns, of which a point has one.
fn sparse(out: &mut String, client: u64, number: u64) {
    let _ = write!(
        out,
        "sparse,client={client} f{}={number}i",
        mix(number) % 900
    );
}

/// No two points share a series.
fn series(out: &mut String, client: u64, number: u64) {
    let _ = write!(
        out,
        "requests,id={client}-{number:x},path=/a/{} seconds=0.125",
        mix(number) % 100_000
    );
}

/// Text that is long and never the same.
fn strings(out: &mut String, client: u64, number: u64) {
    let _ = write!(out, "log,client={client} text=\"");
    for index in 0..128 {
        let _ = write!(out, "{:016x}", mix(number << 16 ^ index << 8 ^ client));
    }
    out.push('"');
}

/// Thousands of small tables.
fn tables(out: &mut String, client: u64, number: u64) {
    let _ = write!(
        out,
        "table_{},client={client} f={number}i",
        mix(number) % 4000
    );
}

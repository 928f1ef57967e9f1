//! TSBS cpu-only: 10 tags, 10 integers from 0 to 100, 4000 hosts, 10 s apart, in order of time.

use tidegate::columnar::FieldValue;

use crate::Table;
use crate::support::shapes::{CPU_FIELDS, Random};

const HOSTS: usize = 4000;

/// The number of rows.
pub fn table(rows: usize) -> Table {
    let mut random = Random::new(1);
    let mut table = Table::new("cpu");
    let hosts: Vec<[String; 10]> = (0..HOSTS).map(host).collect();
    let keys = [
        "arch",
        "datacenter",
        "hostname",
        "os",
        "rack",
        "region",
        "service",
        "service_environment",
        "service_version",
        "team",
    ];
    let mut time_ns = 1_451_606_400_000_000_000;
    for row in 0..rows {
        let values = hosts.get(row % HOSTS).expect("a host");
        let tags: Vec<(&str, &str)> = keys.into_iter().zip(values.iter().map(|v| &**v)).collect();
        let cells =
            CPU_FIELDS.map(|name| (name, FieldValue::Integer(random.below(101).cast_signed())));
        table.push(&tags, time_ns, &cells);
        if row % HOSTS == HOSTS - 1 {
            time_ns += 10_000_000_000;
        }
    }
    table
}

fn host(host: usize) -> [String; 10] {
    [
        format!("x{}", host % 2),
        format!("eu-central-1{}", host % 3),
        format!("host_{host}"),
        "Ubuntu16.04LTS".to_owned(),
        (host % 100).to_string(),
        format!("eu-central-{}", host % 2),
        (host % 20).to_string(),
        ["production", "staging", "test"]
            .get(host % 3)
            .copied()
            .unwrap_or_default()
            .to_owned(),
        (host % 2).to_string(),
        ["SF", "NYC", "LON", "CHI"]
            .get(host % 4)
            .copied()
            .unwrap_or_default()
            .to_owned(),
    ]
}

//! The cost of a line as the work around it grows: more series, more tables, more connections, more files in
//! the lake. It counts from the first line until the process has ended, so the flush at its stop is in it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::load::{LINES_A_BODY, Settings, bodies, send_all};
use crate::servers::Kind;
use crate::stats::median;
use crate::support::shapes;

/// One of several amounts of the same kind.
struct Amount {
    name: String,
    requests: Vec<Vec<u8>>,
    connections: usize,
    /// The folder of a server that has stopped, which a copy of it goes on with.
    lake: Option<TempDir>,
}

/// The files of the larger lakes: each has the rows of one table and one day.
const FILES: u64 = 10_000;

/// The time that the server which makes a lake has for it.
const PATIENT: [(&str, &str); 2] = [
    ("TIDEGATE_SERVER__SHUTDOWN_GRACE_MS", "600000"),
    ("TIDEGATE_LAKE__STOP_MS_MAX", "600000"),
];

pub fn growth(settings: &Settings) {
    println!(
        "growth: {} lines, until the process has ended, median of {}",
        settings.lines, settings.rounds
    );
    println!("    {:<28}{:>14}{:>12}", "", "CPU s/M lines", "x the first");
    let all: [fn(&Settings) -> Vec<Amount>; 4] = [series, tables, connections, files];
    for amounts in all {
        let amounts = amounts(settings);
        let mut taken: Vec<Vec<f64>> = amounts.iter().map(|_| Vec::new()).collect();
        for _ in 0..settings.rounds {
            for (amount, taken) in amounts.iter().zip(&mut taken) {
                let folder = TempDir::new().expect("a folder");
                if let Some(lake) = &amount.lake {
                    copy(lake.path(), folder.path());
                }
                let server = Kind::Tidegate.start_in(&folder, &[]);
                let before = server.cpu_seconds();
                send_all(&server, &amount.requests, amount.connections);
                let cpu = server.stop() - before;
                taken.push(cpu * 1e6 / settings.lines as f64);
            }
        }
        let costs: Vec<f64> = taken.iter_mut().map(|taken| median(taken)).collect();
        for (amount, cost) in amounts.iter().zip(&costs) {
            println!(
                "    {:<28}{cost:>14.2}{:>12.2}",
                amount.name,
                cost / costs[0]
            );
        }
    }
}

fn requests(text: &str) -> Vec<Vec<u8>> {
    let bodies = bodies(text, LINES_A_BODY, false);
    let requests = bodies
        .iter()
        .map(|body| Kind::Tidegate.request(body, false));
    requests.collect()
}

fn series(settings: &Settings) -> Vec<Amount> {
    let amounts = [4_000, 100_000, 1_000_000].into_iter();
    let amounts = amounts.filter(|series| *series <= settings.lines);
    let amounts = amounts.map(|series| Amount {
        name: format!("{series} series"),
        requests: requests(&shapes::tsbs_cpu(settings.lines, series)),
        connections: settings.connections,
        lake: None,
    });
    amounts.collect()
}

fn tables(settings: &Settings) -> Vec<Amount> {
    let amounts = [1, 1_000].into_iter().map(|tables| {
        let mut text = String::new();
        for line in 0..settings.lines {
            let time_ns = 1_700_000_000_000_000_000 + line / 1_000 * 1_000_000_000;
            let _ = writeln!(
                text,
                "table{},sensor=s{} value={}i,ok=true {time_ns}",
                line % tables,
                line % 1_000,
                line % 997
            );
        }
        Amount {
            name: format!("{tables} tables"),
            requests: requests(&text),
            connections: settings.connections,
            lake: None,
        }
    });
    amounts.collect()
}

fn connections(settings: &Settings) -> Vec<Amount> {
    let requests = requests(&shapes::tsbs_cpu(settings.lines, 4_000));
    let amounts = [1, 4, 16, 256].into_iter().map(|connections| Amount {
        name: format!("{connections} connections"),
        requests: requests.clone(),
        connections,
        lake: None,
    });
    amounts.collect()
}

/// The same lines beside no other file, and beside many: in other tables, or in the one that they go to.
fn files(settings: &Settings) -> Vec<Amount> {
    let text = shapes::tsbs_cpu(settings.lines, 4_000);
    let (_, fields) = text.split_once(' ').expect("fields");
    let fields = fields.split_once(' ').map(|(fields, _)| fields);
    let fields = fields.expect("a time");
    let with_tables = |tables: u64| {
        let lines = (0..FILES).map(|file| {
            let table = match file % tables {
                0 => "cpu".to_owned(),
                other => format!("cpu{other}"),
            };
            let time_ns = 86_400_000_000_000 * (12_000 + file / tables);
            format!(
                "{table},hostname=host_{} {fields} {time_ns}\n",
                file % 4_000
            )
        });
        let folder = TempDir::new().expect("a folder");
        let server = Kind::Tidegate.start_in(&folder, &PATIENT);
        send_all(&server, &requests(&lines.collect::<String>()), 1);
        server.stop();
        folder
    };
    let amounts = [None, Some(100), Some(1)].into_iter();
    let amounts = amounts.map(|tables| Amount {
        name: match tables {
            None => "no file in the lake".to_owned(),
            Some(1) => format!("{FILES} files, its own table"),
            Some(tables) => format!("{FILES} files, {tables} tables"),
        },
        requests: requests(&text),
        connections: settings.connections,
        lake: tables.map(with_tables),
    });
    amounts.collect()
}

fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    let command = command.arg("-a").arg(from.join(".")).arg(to);
    assert!(command.status().expect("it runs").success(), "it is copied");
}

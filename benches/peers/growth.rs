//! The cost of a line as the work around it grows: more series, more tables, more connections. It counts
//! until the process has ended, so the flush at its stop is in it.

use std::fmt::Write as _;

use crate::load::{LINES_A_BODY, Settings, bodies, send_all};
use crate::servers::Kind;
use crate::stats::median;
use crate::support::shapes;

/// One of several amounts of the same kind.
struct Amount {
    name: String,
    requests: Vec<Vec<u8>>,
    connections: usize,
}

pub fn growth(settings: &Settings) {
    println!(
        "growth: {} lines, until the process has ended, median of {}",
        settings.lines, settings.rounds
    );
    println!("    {:<24}{:>14}{:>12}", "", "CPU s/M lines", "x the first");
    for amounts in [series(settings), tables(settings), connections(settings)] {
        let mut taken: Vec<Vec<f64>> = amounts.iter().map(|_| Vec::new()).collect();
        for _ in 0..settings.rounds {
            for (amount, taken) in amounts.iter().zip(&mut taken) {
                let server = Kind::Tidegate.start();
                send_all(&server, &amount.requests, amount.connections);
                taken.push(server.stop() * 1e6 / settings.lines as f64);
            }
        }
        let costs: Vec<f64> = taken.iter_mut().map(|taken| median(taken)).collect();
        for (amount, cost) in amounts.iter().zip(&costs) {
            println!(
                "    {:<24}{cost:>14.2}{:>12.2}",
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
    });
    amounts.collect()
}

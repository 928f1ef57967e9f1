//! Telegraf's data from 50 hosts, every 10 s, made as its inputs make it: cpu from counters of
//! ticks, mem and disk from slow walks, net from growing counters.

use tidegate::columnar::FieldValue::{self, Float, Integer};

use crate::Table;
use crate::support::shapes::Random;

const HOSTS: usize = 50;
const CPUS: usize = 4;
const START_NS: i64 = 1_700_006_400_000_000_000;

/// The tables after some intervals of 10 s.
pub fn tables(intervals: i64) -> Vec<Table> {
    vec![
        cpu(intervals),
        mem(intervals),
        disk(intervals),
        net(intervals),
        system(intervals),
    ]
}

fn host(host: usize) -> String {
    format!("web-{host:02}.example.com")
}

fn time(interval: i64) -> i64 {
    START_NS + interval * 10_000_000_000
}

/// 100 ticks per second; Telegraf divides differences of seconds.
fn cpu(intervals: i64) -> Table {
    let mut random = Random::new(1);
    let mut table = Table::new("cpu");
    // user, system, iowait, softirq, idle
    let mut ticks = vec![[0_u64; 5]; HOSTS * (CPUS + 1)];
    for interval in 0..intervals {
        for (place, ticks) in ticks.iter_mut().enumerate() {
            let before = ticks.map(|ticks| ticks as f64 / 100.0);
            let total = 998 + random.below(5);
            let load = 20 + (place as u64 * 37) % 150;
            let [user, system, iowait, softirq, idle] = ticks;
            let used = [
                random.below(load),
                random.below(load / 3),
                random.below(8).saturating_sub(5),
                random.below(4).saturating_sub(1),
            ];
            *user += used[0];
            *system += used[1];
            *iowait += used[2];
            *softirq += used[3];
            *idle += total - used.iter().sum::<u64>();
            let after = ticks.map(|ticks| ticks as f64 / 100.0);
            let sum = after.iter().sum::<f64>() - before.iter().sum::<f64>();
            let usage = |index: usize| Float(100.0 * (after[index] - before[index]) / sum);
            let cpu = match place % (CPUS + 1) {
                0 => "cpu-total".to_owned(),
                cpu => format!("cpu{}", cpu - 1),
            };
            let zero = Float(0.0);
            let cells = [
                ("usage_user", usage(0)),
                ("usage_system", usage(1)),
                ("usage_idle", usage(4)),
                ("usage_nice", zero),
                ("usage_iowait", usage(2)),
                ("usage_irq", zero),
                ("usage_softirq", usage(3)),
                ("usage_steal", zero),
                ("usage_guest", zero),
                ("usage_guest_nice", zero),
            ];
            let host = host(place / (CPUS + 1));
            table.push(&[("cpu", &cpu), ("host", &host)], time(interval), &cells);
        }
    }
    table
}

/// A walk in pages of 4 KiB.
fn walk(random: &mut Random, value: &mut i64) -> i64 {
    let step = random.below(513).cast_signed() - 256;
    *value += step * 4096;
    *value
}

fn mem(intervals: i64) -> Table {
    let mut random = Random::new(2);
    let mut table = Table::new("mem");
    let total: i64 = 16 << 30;
    let mut used = vec![[4_i64 << 30, 6 << 30, 256 << 20, 5 << 30, 3 << 30]; HOSTS];
    for interval in 0..intervals {
        for (place, state) in used.iter_mut().enumerate() {
            let [used, cached, buffered, active, inactive] = state;
            let used = walk(&mut random, used);
            let cached = walk(&mut random, cached);
            let buffered = *buffered + random.below(3).cast_signed() * 4096;
            let (active, inactive) = (walk(&mut random, active), walk(&mut random, inactive));
            let free = total - used - cached - buffered;
            let available = total - used;
            let percent = |part: i64| Float(100.0 * part as f64 / total as f64);
            let cells = [
                ("total", Integer(total)),
                ("available", Integer(available)),
                ("used", Integer(used)),
                ("free", Integer(free)),
                ("cached", Integer(cached)),
                ("buffered", Integer(buffered)),
                ("active", Integer(active)),
                ("inactive", Integer(inactive)),
                ("slab", Integer(300 << 20)),
                ("swap_total", Integer(0)),
                ("swap_free", Integer(0)),
                ("used_percent", percent(used)),
                ("available_percent", percent(available)),
            ];
            table.push(&[("host", &host(place))], time(interval), &cells);
        }
    }
    table
}

fn disk(intervals: i64) -> Table {
    let mut random = Random::new(3);
    let mut table = Table::new("disk");
    let total: i64 = 200 << 30;
    let inodes: i64 = 13_107_200;
    let mut used = vec![(50_i64 << 30, 400_000_i64); HOSTS * 2];
    for interval in 0..intervals {
        for (place, (used, files)) in used.iter_mut().enumerate() {
            // Most intervals change little or nothing.
            *used += random.below(40).saturating_sub(20).cast_signed() * 4096;
            *files += random.below(8).saturating_sub(6).cast_signed();
            let cells = [
                ("total", Integer(total)),
                ("free", Integer(total - *used)),
                ("used", Integer(*used)),
                ("used_percent", Float(100.0 * *used as f64 / total as f64)),
                ("inodes_total", Integer(inodes)),
                ("inodes_free", Integer(inodes - *files)),
                ("inodes_used", Integer(*files)),
                (
                    "inodes_used_percent",
                    Float(100.0 * *files as f64 / inodes as f64),
                ),
            ];
            let (device, path) = if place % 2 == 0 {
                ("sda1", "/")
            } else {
                ("sdb1", "/var")
            };
            let tags = [
                ("device", device),
                ("fstype", "ext4"),
                ("host", &*host(place / 2)),
                ("mode", "rw"),
                ("path", path),
            ];
            table.push(&tags, time(interval), &cells);
        }
    }
    table
}

fn net(intervals: i64) -> Table {
    let mut random = Random::new(4);
    let mut table = Table::new("net");
    let mut counters = vec![[1_u64 << 36, 1 << 37, 1 << 26, 1 << 27]; HOSTS];
    for interval in 0..intervals {
        for (place, counters) in counters.iter_mut().enumerate() {
            let (sent, received) = (random.below(2_000), random.below(3_000));
            let [bytes_sent, bytes_received, packets_sent, packets_received] = counters;
            *packets_sent += sent;
            *packets_received += received;
            *bytes_sent += sent * (200 + random.below(800));
            *bytes_received += received * (200 + random.below(800));
            let counters = counters.map(|value| Integer(value.cast_signed()));
            let [sent, received, out, inward] = counters;
            let cells: [(&str, FieldValue<'_>); 8] = [
                ("bytes_sent", sent),
                ("bytes_recv", received),
                ("packets_sent", out),
                ("packets_recv", inward),
                ("err_in", Integer(0)),
                ("err_out", Integer(0)),
                ("drop_in", Integer(0)),
                ("drop_out", Integer(0)),
            ];
            table.push(
                &[("host", &host(place)), ("interface", "eth0")],
                time(interval),
                &cells,
            );
        }
    }
    table
}

fn system(intervals: i64) -> Table {
    let mut random = Random::new(5);
    let mut table = Table::new("system");
    let mut loads = vec![[100_u64; 3]; HOSTS];
    for interval in 0..intervals {
        for (place, loads) in loads.iter_mut().enumerate() {
            for (load, slow) in loads.iter_mut().zip([6, 30, 90]) {
                *load = (*load * (slow - 1) + random.below(400)) / slow;
            }
            let [one, five, fifteen] = loads.map(|load| Float(load as f64 / 100.0));
            let uptime = 1_000_000 + place.cast_signed() as i64 * 77_777 + interval * 10;
            let format = format!(
                "{} days, {:>2}:{:02}",
                uptime / 86_400,
                uptime / 3600 % 24,
                uptime / 60 % 60
            );
            let cells = [
                ("load1", one),
                ("load5", five),
                ("load15", fifteen),
                ("n_cpus", Integer(4)),
                ("n_users", Integer(1)),
                ("uptime", Integer(uptime)),
                ("uptime_format", FieldValue::String(&format)),
            ];
            table.push(&[("host", &host(place))], time(interval), &cells);
        }
    }
    table
}

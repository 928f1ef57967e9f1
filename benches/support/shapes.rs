//! Generated bodies. A shape is a function from a number of lines to text; [`all`] is the list
//! that every bench goes through, so that no bench is quick on the one shape it was tuned for.

use std::fmt::Write as _;
use std::fs::read;
use std::path::Path;

/// A body with its name in the tables that benches print.
pub struct Shape {
    /// The shape of the body.
    pub name: &'static str,
    /// Line protocol, about a megabyte.
    pub body: Vec<u8>,
}

/// Every shape at the size that benches use, and a file of real metrics if it is there.
pub fn all() -> Vec<Shape> {
    let mut shapes = generated();
    shapes.extend(real_metrics().map(|body| Shape {
        name: "metrics.lp",
        body,
    }));
    shapes
}

/// Every shape at the size that benches use: the same bytes on every machine.
pub fn generated() -> Vec<Shape> {
    vec![
        shape("tsbs cpu-only", tsbs_cpu(3_000, 4_000)),
        shape("air sensors", air_sensors(8_000)),
        shape("iot", iot(11_000)),
        shape("telegraf mix", telegraf(6_000)),
        shape("every series new", every_series_new(13_000)),
        shape("distinct tag values", distinct_tag_values(15_000)),
        shape("escapes", escapes(6_000)),
        shape("strings with LF", strings_with_line_ends(6_000)),
        shape("crlf", iot(11_000).replace('\n', "\r\n")),
        shape("1% bad lines", one_percent_bad(3_000)),
    ]
}

fn shape(name: &'static str, body: String) -> Shape {
    Shape {
        name,
        body: body.into_bytes(),
    }
}

/// TSBS cpu-only: 10 tags, 10 integers from 0 to 100, 4000 hosts, 10 s apart.
pub fn tsbs_cpu(lines: u64, hosts: u64) -> String {
    let mut random = Random::new(1);
    let mut body = String::new();
    for line in 0..lines {
        let host = line % hosts;
        let time = 1_451_606_400_000_000_000 + line / hosts * 10_000_000_000;
        let _ = write!(
            body,
            "cpu,hostname=host_{host},region=eu-central-{},datacenter=eu-central-1{},rack={},\
             os=Ubuntu16.04LTS,arch=x{},team={},service={},service_version={},\
             service_environment={} ",
            host % 2,
            ["a", "b", "c"][(host % 3) as usize],
            host % 100,
            [64, 86][(host % 2) as usize],
            ["SF", "NYC", "LON", "CHI"][(host % 4) as usize],
            host % 20,
            host % 2,
            ["production", "staging", "test"][(host % 3) as usize],
        );
        for (index, field) in CPU_FIELDS.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(body, "{comma}{field}={}i", random.below(101));
        }
        let _ = writeln!(body, " {time}");
    }
    body
}

/// The fields of TSBS's cpu.
pub const CPU_FIELDS: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];

/// InfluxData's air sensor sample: one tag, three floats of 16 digits and more.
pub fn air_sensors(lines: u64) -> String {
    let mut random = Random::new(2);
    let mut body = String::new();
    for line in 0..lines {
        let _ = writeln!(
            body,
            "airSensors,sensor_id=TLM0{} temperature={},humidity={},co={} {}",
            100 + line % 8,
            71.0 + random.unit() * 3.0,
            34.0 + random.unit() * 2.0,
            0.4 + random.unit() / 5.0,
            1_700_000_000_000_000_000 + line / 8 * 10_000_000_000,
        );
    }
    body
}

/// Two tags, four short floats.
pub fn iot(lines: u64) -> String {
    let mut random = Random::new(3);
    let mut body = String::new();
    for line in 0..lines {
        let _ = writeln!(
            body,
            "home,room=room{},floor={} temp={}.{},hum={}.{},co={}.0,battery=3.{} {}",
            line % 300,
            line % 5,
            15 + random.below(15),
            random.below(10),
            30 + random.below(40),
            random.below(10),
            random.below(30),
            random.below(100),
            1_700_000_000_000_000_000 + line * 1_000_000,
        );
    }
    body
}

/// The data of Telegraf's inputs: several measurements, strings, booleans, counters, floats.
pub fn telegraf(lines: u64) -> String {
    let mut random = Random::new(4);
    let mut body = String::new();
    for line in 0..lines {
        let host = line / 4 % 50;
        let time = 1_700_000_000_000_000_000 + line / 200 * 10_000_000_000;
        let _ = match line % 4 {
            0 => writeln!(
                body,
                "system,host=web-{host}.example.com load1={:.2},load5={:.2},n_cpus=8i,uptime={}i,\
                 uptime_format=\"{} days, {:02}:14\" {time}",
                random.unit() * 8.0,
                random.unit() * 8.0,
                random.below(9_000_000),
                random.below(300),
                random.below(24),
            ),
            1 => writeln!(
                body,
                "docker_container_status,container_name=api-{host},container_status=running,\
                 host=web-{host}.example.com oomkilled=false,pid={}i,exitcode=0i,\
                 container_id=\"{:016x}\",started_at={}i {time}",
                random.below(32_768),
                random.next(),
                random.next() >> 2,
            ),
            2 => writeln!(
                body,
                "net,host=web-{host}.example.com,interface=eth0 bytes_sent={}u,bytes_recv={}u,\
                 packets_sent={}u,packets_recv={}u,err_in=0u,err_out=0u {time}",
                random.next() >> 20,
                random.next() >> 20,
                random.next() >> 34,
                random.next() >> 34,
            ),
            _ => writeln!(
                body,
                "http_response,host=web-{host}.example.com,method=GET,result=success,\
                 server=https://example.com/health http_response_code=200i,\
                 response_time={:.9},response_string_match=true,result_type=\"success\" {time}",
                random.unit(),
            ),
        };
    }
    body
}

/// Three tags of which one never repeats, one float.
pub fn every_series_new(lines: u64) -> String {
    let mut random = Random::new(5);
    let mut body = String::new();
    for line in 0..lines {
        let _ = writeln!(
            body,
            "requests,id={:012x},zone=z{},kind=k{} ms={}.5 {}",
            random.next() >> 16,
            line % 10,
            line % 7,
            random.below(500),
            1_700_000_000_000_000_000 + line,
        );
    }
    body
}

/// One tag with a value of its own on every line.
pub fn distinct_tag_values(lines: u64) -> String {
    let mut random = Random::new(6);
    let mut body = String::new();
    for line in 0..lines {
        let _ = writeln!(
            body,
            "events,trace={:016x} count={}i {}",
            random.next(),
            random.below(1_000),
            1_700_000_000_000_000_000 + line,
        );
    }
    body
}

/// Escapes in every name and string.
pub fn escapes(lines: u64) -> String {
    let mut random = Random::new(7);
    let mut body = String::new();
    for line in 0..lines {
        let _ = writeln!(
            body,
            r#"disk\ usage,host\ name=Server\ No\ {},path=C:\Program\ Files\,\ x86,eq=a\=b used\ percent={}.{},note="said \"{}\" in C:\\temp\\log" {}"#,
            line % 100,
            random.below(100),
            random.below(10),
            random.below(1_000),
            1_700_000_000_000_000_000 + line,
        );
    }
    body
}

/// Log messages of several lines.
pub fn strings_with_line_ends(lines: u64) -> String {
    let mut random = Random::new(8);
    let mut body = String::new();
    for line in 0..lines {
        let _ = writeln!(
            body,
            "log,app=api,level=error message=\"panic at request {}\n  at handler (line {})\n  at main\",code={}i {}",
            random.next(),
            random.below(900),
            random.below(600),
            1_700_000_000_000_000_000 + line,
        );
    }
    body
}

/// TSBS in which every hundredth line misses the `=` of a field.
pub fn one_percent_bad(lines: u64) -> String {
    let mut body = String::new();
    for (index, line) in tsbs_cpu(lines, 4_000).lines().enumerate() {
        match index % 100 {
            50 => body.push_str(&line.replacen("usage_idle=", "usage_idle", 1)),
            _ => body.push_str(line),
        }
        body.push('\n');
    }
    body
}

/// Real metrics with sparse fields that change their order, if the file lies beside the project.
fn real_metrics() -> Option<Vec<u8>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared/data/metrics.lp", "../../shared/data/metrics.lp"];
    places
        .iter()
        .find_map(|place| read(project.join(place)).ok())
}

/// SplitMix64: enough randomness for a benchmark, and the same on every run.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `end` - 1.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from 0 to 1 with 16 digits.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

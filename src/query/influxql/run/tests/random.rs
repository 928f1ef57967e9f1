//! Random SELECT statements, by a seed.

/// A sequence of random numbers (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of these.
    pub(super) fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let count = u64::try_from(choices.len()).expect("few");
        choices[usize::try_from(self.below(count)).expect("small")]
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn number(&mut self) -> &'static str {
        self.one(&["f", "f", "i", "i", "g", "f::integer", "i::float"])
    }

    fn call(&mut self, windows: bool) -> String {
        let number = self.number();
        let any = self.one(&["f", "i", "s", "b", "nope"]);
        match self.below(10) {
            0..=3 => {
                let name = self.one(&["mean", "sum", "spread", "stddev", "median", "min", "max"]);
                format!("{name}({number})")
            }
            4..=5 => format!("{}({any})", self.one(&["count", "first", "last", "count"])),
            6 => format!(
                "percentile({number}, {})",
                self.one(&["5", "50", "99.9", "100"])
            ),
            7 => format!("count(distinct({any}))"),
            8 => format!("{}(*)", self.one(&["count", "last", "max"])),
            _ => {
                let inner = match windows {
                    true => format!("{}({number})", self.one(&["mean", "max", "count", "last"])),
                    false => number.to_owned(),
                };
                match self.one(&[
                    "derivative",
                    "difference",
                    "cumulative_sum",
                    "elapsed",
                    "average",
                ]) {
                    "average" => format!("moving_average({inner}, 2)"),
                    name => format!("{name}({inner})"),
                }
            }
        }
    }

    fn term(&mut self) -> &'static str {
        self.one(&[
            "host = 'a'",
            "host != 'a'",
            "host = ''",
            "host != ''",
            "host =~ /^(a|b)$/",
            "host !~ /^(a|b)$/",
            "host =~ /a|b/",
            "host !~ /./",
            "dc =~ /^$/",
            "host =~ /^(a|)$/",
            "nope = ''",
            "f > 10",
            "i <= 20",
            "i > 3.5",
            "f + i > 20",
            "i / 2 > 1",
            "i % 3 = 1",
            "b = true",
            "b != true",
            "s = 'a'",
            "s != 'a'",
            "s =~ /a|t/",
            "host = dc",
            "host != dc",
            "g > 30",
            "(host = 'a' OR f > 50)",
            "(host = 'b' AND dc = 'x')",
        ])
    }

    fn condition(&mut self, bounded: bool) -> String {
        let mut terms = Vec::new();
        if self.chance(45) {
            terms.push(self.term().to_owned());
        }
        if self.chance(15) {
            terms.push(self.term().to_owned());
        }
        if bounded || self.chance(30) {
            let start =
                super::START_NS / 1_000_000_000 + i64::try_from(self.below(300)).expect("small");
            let end = start + 30 + i64::try_from(self.below(500)).expect("small");
            terms.push(format!("time >= {start}s AND time < {end}s"));
        }
        match terms.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", terms.join(" AND ")),
        }
    }

    fn fields(&mut self, kind: &str) -> String {
        match kind {
            "plain" => self
                .one(&[
                    "f",
                    "f, i, s",
                    "i, host, b",
                    "*",
                    "f + i, f * 2",
                    "host, f",
                    "/^[fi]$/",
                ])
                .to_owned(),
            "beside" => {
                let name = self.one(&["max", "min", "first", "last"]);
                format!(
                    "{name}({}), {}",
                    self.number(),
                    self.one(&["s", "host, i", "b"])
                )
            }
            "list" => self
                .one(&[
                    "top(f, 3)",
                    "bottom(i, 2)",
                    "top(f, host, 2)",
                    "distinct(s)",
                    "mode(i)",
                ])
                .to_owned(),
            "integral" => "integral(f)".to_owned(),
            windows => {
                let calls = 1 + self.below(3);
                let calls: Vec<String> = (0..calls)
                    .map(|_| self.call(windows == "windows"))
                    .collect();
                match self.chance(20) {
                    true => format!("{} * 2", calls[0]),
                    false => calls.join(", "),
                }
            }
        }
    }

    /// A SELECT.
    pub(super) fn select(&mut self) -> String {
        let kind = self.one(&[
            "plain", "plain", "calls", "calls", "calls", "windows", "windows", "windows", "beside",
            "list", "integral", "outer", "outer",
        ]);
        if kind == "outer" {
            return self.outer();
        }
        let has_windows = kind == "windows" || (kind != "plain" && self.chance(30));
        let fields = match (kind, has_windows) {
            ("calls", true) => self.fields("windows"),
            _ => self.fields(kind),
        };
        let source = self.one(&["m", "m", "m", "n", "/m|n/", "m, n"]);
        let condition = self.condition(has_windows);
        let mut by = Vec::new();
        if has_windows {
            let window = self.one(&["time(10s)", "time(1m)", "time(30s, 7s)", "time(45s)"]);
            by.push(window.to_owned());
        }
        if self.chance(45) {
            by.push(
                self.one(&["host", "dc", "host, dc", "*", "nope"])
                    .to_owned(),
            );
        }
        let mut text = format!("SELECT {fields} FROM {source}{condition}");
        if !by.is_empty() {
            text += &format!(" GROUP BY {}", by.join(", "));
        }
        if has_windows && self.chance(60) {
            text += self.one(&[
                " fill(none)",
                " fill(0)",
                " fill(previous)",
                " fill(linear)",
            ]);
        }
        if self.chance(15) {
            text += " ORDER BY time DESC";
        }
        for clause in ["LIMIT", "OFFSET", "SLIMIT", "SOFFSET"] {
            // Rows of `top` must be at least as many.
            if self.chance(8) && kind != "list" {
                text += &format!(" {clause} {}", 1 + self.below(4));
            }
        }
        text
    }

    fn outer(&mut self) -> String {
        let inner = self.one(&[
            "SELECT mean(f) AS x FROM m WHERE time >= 1700000000s AND time < 1700000900s GROUP BY time(1m), host",
            "SELECT max(f) AS x, min(i) AS y FROM m GROUP BY host, dc",
            "SELECT f AS x, i AS y, host FROM m",
            "SELECT sum(i) AS x FROM m, n GROUP BY host",
            "SELECT difference(f) AS x FROM m GROUP BY host",
            "SELECT count(f) AS x FROM /m|n/ WHERE host != '' GROUP BY *",
        ]);
        let fields = self.one(&[
            "max(x)",
            "mean(x), count(x)",
            "x",
            "sum(x)",
            "x * 2",
            "median(x)",
            "last(x)",
            "count(x)",
        ]);
        let condition = self.one(&[
            "",
            "",
            " WHERE x > 5",
            " WHERE host = 'a'",
            " WHERE host != 'a'",
        ]);
        let by = self.one(&["", "", " GROUP BY host", " GROUP BY dc"]);
        format!("SELECT {fields} FROM ({inner}){condition}{by}")
    }
}

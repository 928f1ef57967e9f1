//! The bins of a question: where one starts, and where the next one does.

use std::fmt;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::timezone::Tz;
use arrow_schema::{DataType, Field, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{ScalarValue, internal_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};

use crate::functions::interval::Length;
use crate::functions::wallclock;
use crate::times::DAY_NS;

/// Bins, and those of them that an answer has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bins {
    function: Arc<ScalarUDF>,
    interval: ScalarValue,
    interval_ns: i64,
    origin: Option<ScalarValue>,
    zone: Option<Arc<str>>,
    /// The times. A bin that starts at one of them has it.
    times: RangeInclusive<i64>,
    /// The starts of bins before that which have some of the times, in order.
    early: Vec<i64>,
    /// The start of the last bin.
    last: i64,
}

impl Bins {
    /// Bins from the one with the start of `times` to the one with its end; none if it is empty.
    ///
    /// # Errors
    /// The interval is not a positive length, or a bin starts where no time is.
    pub(super) fn new(
        function: Arc<ScalarUDF>,
        interval: ScalarValue,
        origin: Option<ScalarValue>,
        zone: Option<Arc<str>>,
        times: RangeInclusive<i64>,
    ) -> Result<Self> {
        let interval_ns = length_ns(&interval)?;
        let mut bins = Self {
            function,
            interval,
            interval_ns,
            origin,
            zone,
            times,
            early: Vec::new(),
            last: i64::MIN,
        };
        if !bins.times.is_empty() {
            (bins.early, bins.last) = bins.ends()?;
        }
        Ok(bins)
    }

    /// The starts of the bins that begin before the times and have some of them, or with the first of them, and
    /// that of the last bin. Where a clock is set back, an earlier time may be in a later bin: only there, as
    /// long as it shows again what it has shown.
    fn ends(&self) -> Result<(Vec<i64>, i64)> {
        let (start, end) = (*self.times.start(), *self.times.end());
        let (mut early, mut last) = (vec![self.bin(start)?], self.bin(end)?);
        if let Some(zone) = &self.zone
            && !self.is_even()
        {
            let zone: Tz = zone.parse()?;
            let after_start = start..=end.min(start.saturating_add(DAY_NS));
            for set_back in wallclock::set_backs(zone, after_start) {
                early.push(self.bin(set_back)?);
            }
            let before_end = start.max(end.saturating_sub(DAY_NS))..=end;
            for set_back in wallclock::set_backs(zone, before_end) {
                last = last.max(self.bin(set_back - 1)?);
            }
        }
        early.retain(|bin| *bin <= start);
        early.sort_unstable();
        early.dedup();
        Ok((early, last))
    }

    /// Returns true if all bins are equally long, whatever a clock shows.
    fn is_even(&self) -> bool {
        self.function.name() == "date_bin"
    }

    /// The start of the first bin.
    pub(super) fn first(&self) -> Option<i64> {
        self.early.first().copied()
    }

    /// The start of the next bin after the one that starts here.
    ///
    /// # Errors
    /// The function that bins fails, or does not move on.
    pub(super) fn after(&self, start: i64) -> Result<Option<i64>> {
        let mut next = start;
        while next < self.last {
            next = self.later(next)?;
            if next <= self.last && self.has_times(next)? {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    /// Returns true if some of the times are in the bin that starts here. Where they begin in an hour that
    /// comes again, bins of its first coming may have none.
    fn has_times(&self, start: i64) -> Result<bool> {
        if start >= *self.times.start() || self.early.contains(&start) {
            return Ok(true);
        }
        let Some(zone) = &self.zone else {
            return Ok(false);
        };
        match wallclock::shown_again(zone.parse()?, start) {
            Some(again) => Ok(self.times.contains(&again) && self.bin(again)? == start),
            None => Ok(false),
        }
    }

    /// The start of the bin after the one that starts here, whether or not it is the last.
    fn later(&self, start: i64) -> Result<i64> {
        let mut time = start.saturating_add(self.interval_ns);
        if self.is_even() {
            return Ok(time);
        }
        // By the clock on the wall, a bin may be longer by the hour that comes twice,
        let mut next = self.bin(time)?;
        for _ in 0..3 {
            if next > start {
                break;
            }
            time = time.saturating_add(self.interval_ns);
            next = self.bin(time)?;
        }
        if next <= start {
            return Err(internal_datafusion_err!(
                "no bin follows the one at {start}"
            ));
        }
        // or shorter by the one that is left out: then another one may begin before that.
        loop {
            let before = self.bin(next - 1)?;
            if before <= start {
                return Ok(next);
            }
            next = before;
        }
    }

    fn bin(&self, time_ns: i64) -> Result<i64> {
        let time = ScalarValue::TimestampNanosecond(Some(time_ns), self.zone.clone());
        let args = [Some(self.interval.clone()), Some(time), self.origin.clone()];
        let args: Vec<ScalarValue> = args.into_iter().flatten().collect();
        let field = |value: &ScalarValue| Arc::new(Field::new("", value.data_type(), true));
        let of_time = DataType::Timestamp(TimeUnit::Nanosecond, self.zone.clone());
        let result = self.function.invoke_with_args(ScalarFunctionArgs {
            arg_fields: args.iter().map(field).collect(),
            args: args.into_iter().map(ColumnarValue::Scalar).collect(),
            number_rows: 1,
            return_field: Arc::new(Field::new("", of_time, true)),
            config_options: Arc::new(ConfigOptions::default()),
        })?;
        let start = match result {
            ColumnarValue::Scalar(value) => value,
            ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0)?,
        };
        match start {
            ScalarValue::TimestampNanosecond(Some(start), _) => Ok(start),
            _ => plan_err!(
                "the bin of {time_ns} ns since 1970 begins before the first time that there is, in 1677: ask for later times, or for shorter bins"
            ),
        }
    }
}

/// The length of an interval.
fn length_ns(interval: &ScalarValue) -> Result<i64> {
    let Some(Length { months, rest_ns }) = Length::of(interval) else {
        return plan_err!("the interval of bins must be a constant interval, and is {interval}");
    };
    if months != 0 {
        return plan_err!(
            "bins of months or years cannot be filled: write the interval in days or less"
        );
    }
    match i64::try_from(rest_ns) {
        Ok(length) if length > 0 => Ok(length),
        _ if rest_ns <= 0 => plan_err!("the interval of bins must be longer than 0"),
        _ => plan_err!("the interval of bins is too long: more than 292 years"),
    }
}

impl fmt::Display for Bins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            interval_ns, last, ..
        } = self;
        match self.first() {
            Some(first) => write!(f, "interval={interval_ns} ns, bins=[{first}, {last}]"),
            None => write!(f, "interval={interval_ns} ns, bins=[]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{ScalarUDFImpl, Signature, Volatility};

    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    /// Days of a place that leaves out an hour of day 2 and repeats one of day 5.
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Days(Signature);

    const STARTS: [i64; 9] = [0, 24, 48, 71, 95, 119, 144, 168, 192];

    impl ScalarUDFImpl for Days {
        fn name(&self) -> &'static str {
            "days"
        }

        fn signature(&self) -> &Signature {
            &self.0
        }

        fn return_type(&self, types: &[DataType]) -> Result<DataType> {
            Ok(types[1].clone())
        }

        fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
            let ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(Some(time), zone)) =
                &args.args[1]
            else {
                return Err(internal_datafusion_err!("not a time"));
            };
            let start = STARTS
                .iter()
                .rev()
                .find(|start| **start * HOUR <= *time)
                .unwrap()
                * HOUR;
            let start = ScalarValue::TimestampNanosecond(Some(start), zone.clone());
            Ok(ColumnarValue::Scalar(start))
        }
    }

    #[test]
    fn bins_by_the_clock_on_the_wall_may_be_shorter_and_longer() {
        let days = Arc::new(ScalarUDF::from(Days(Signature::any(
            2,
            Volatility::Immutable,
        ))));
        let day = ScalarValue::new_interval_mdn(0, 1, 0);
        let times = 30 * HOUR..=170 * HOUR;
        let bins = Bins::new(days, day, None, Some("Europe/Berlin".into()), times).unwrap();
        let mut starts = vec![bins.first().unwrap()];
        while let Some(next) = bins.after(*starts.last().unwrap()).unwrap() {
            starts.push(next);
        }
        let expected: Vec<i64> = STARTS[1..8].iter().map(|start| start * HOUR).collect();
        assert_eq!(starts, expected);
    }

    /// From a bug: times that begin in an hour that comes again had bins of its first coming, too.
    #[test]
    fn bins_are_those_of_the_times_and_no_others() {
        const MINUTE: i64 = HOUR / 60;
        // The nights of 27 October 2024 in Berlin and of 7 April 2024 on Lord Howe, whose clock is set back by
        // half an hour, and that of 31 March 2024 in Berlin, whose clock is set forward.
        for (zone, night) in [
            ("Europe/Berlin", 1_729_980_000),
            ("Australia/Lord_Howe", 1_712_412_000),
            ("Europe/Berlin", 1_711_836_000),
        ] {
            let night = night * 1_000_000_000_i64;
            for (minutes, origin) in [
                (7, 0),
                (20, 0),
                (30, 10),
                (40, 0),
                (45, 30),
                (60, 30),
                (90, 0),
                (1440, 150),
            ] {
                let bins = |times| {
                    let function = Arc::new(ScalarUDF::from(wallclock::DateBinWallclock::new()));
                    let interval = ScalarValue::new_interval_mdn(0, 0, minutes * MINUTE);
                    let origin = ScalarValue::TimestampNanosecond(Some(origin * MINUTE), None);
                    Bins::new(function, interval, Some(origin), Some(zone.into()), times).unwrap()
                };
                let any = bins(night..=night);
                let of_each: Vec<i64> = (0..420)
                    .map(|minute| any.bin(night + minute * MINUTE).unwrap())
                    .collect();
                for (from, length) in (0..280)
                    .step_by(8)
                    .flat_map(|from| [(from, 17), (from, 130)])
                {
                    let mut expected = of_each[from..=from + length].to_vec();
                    expected.sort_unstable();
                    expected.dedup();
                    let at = |minute: usize| night + i64::try_from(minute).unwrap() * MINUTE;
                    let bins = bins(at(from)..=at(from + length));
                    let mut next = bins.first();
                    let starts = std::iter::from_fn(|| {
                        let start = next?;
                        next = bins.after(start).unwrap();
                        Some(start)
                    });
                    let starts: Vec<i64> = starts.collect();
                    assert_eq!(
                        starts, expected,
                        "{zone} {minutes} {origin} {from} {length}"
                    );
                }
            }
        }
    }
}

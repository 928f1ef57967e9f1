//! Medians, quantiles, and whether a target is met.

use std::time::Duration;

/// The value below which this share of them lies, in thousandths.
pub fn quantile(times: &mut [Duration], permille: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * permille / 1000]
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// `met` or `MISSED`, for the end of a line with a target.
pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

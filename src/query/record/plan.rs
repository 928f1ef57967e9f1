//! The files of a plan, as its metrics count them.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;

/// The metric of Parquet sources that counts files by whether their statistics exclude them.
pub(crate) const FILES: &str = "files_ranges_pruned_statistics";

/// The files that a plan read and left out; none if no part of it counts files.
pub(super) fn files(plan: &Arc<dyn ExecutionPlan>) -> Option<(u64, u64)> {
    let metrics = plan.metrics();
    let metrics = metrics.iter().flat_map(|metrics| metrics.iter());
    let own = metrics.filter_map(|metric| match metric.value() {
        MetricValue::PruningMetrics {
            name,
            pruning_metrics,
        } if name == FILES => Some((
            number(pruning_metrics.matched()),
            number(pruning_metrics.pruned()),
        )),
        _ => None,
    });
    let below = plan.children().into_iter().filter_map(files);
    own.chain(below)
        .reduce(|(read, pruned), (more_read, more_pruned)| (read + more_read, pruned + more_pruned))
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

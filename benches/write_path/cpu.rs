//! CPU time by thread name, from the scheduler (Linux; elsewhere everything is 0).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// CPU time of the calling thread so far.
pub fn of_this_thread() -> Duration {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    on_cpu(&schedule)
}

fn on_cpu(schedule: &str) -> Duration {
    let nanos = schedule.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// CPU time of all threads of a name, those that have ended left out.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    by_name: BTreeMap<String, Threads>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Threads {
    time: Duration,
    count: usize,
}

impl Usage {
    pub fn now() -> Self {
        let mut by_name: BTreeMap<String, Threads> = BTreeMap::new();
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
        for task in tasks.filter_map(Result::ok) {
            let read = |name| fs::read_to_string(task.path().join(name));
            // A thread may end while the list is read.
            let (Ok(name), Ok(schedule)) = (read("comm"), read("schedstat")) else {
                continue;
            };
            let threads = by_name.entry(name.trim().to_owned()).or_default();
            threads.time += on_cpu(&schedule);
            threads.count += 1;
        }
        Self { by_name }
    }

    /// Of the threads of this name since `before`.
    pub fn since(&self, before: &Self, name: &str) -> Duration {
        self.time(name).saturating_sub(before.time(name))
    }

    fn time(&self, name: &str) -> Duration {
        self.by_name.get(name).copied().unwrap_or_default().time
    }

    /// `2 tidegate, 1 wal, …`.
    pub fn threads(&self) -> String {
        let counts = self.by_name.iter();
        let counts = counts.map(|(name, threads)| format!("{} {name}", threads.count));
        counts.collect::<Vec<_>>().join(", ")
    }
}

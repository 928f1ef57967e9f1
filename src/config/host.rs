//! The resources that the machine or the container gives the process: memory and open files.

use std::path::{Path, PathBuf};

/// The facts that are known about the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The machine's memory or the lowest limit that a cgroup sets on the process.
    pub memory_bytes: Option<u64>,
    /// The most files, including sockets, that the process may have open.
    pub descriptors_max: Option<u64>,
}

impl Host {
    /// Asks the system.
    pub fn detect() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Self {
            memory_bytes: memory_bytes(Path::new("/")),
            descriptors_max: files.current,
        }
    }
}

/// The lowest of the machine's memory and the limits of the process's cgroup and its parents,
/// version 1 and 2. `root` is `/`, or in tests a folder that looks like it.
fn memory_bytes(root: &Path) -> Option<u64> {
    let limits = cgroups(root)
        .into_iter()
        .filter_map(|cgroup| cgroup.limit_bytes());
    limits.chain(machine_bytes(root)).min()
}

fn machine_bytes(root: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// A cgroup that the process is in.
struct Cgroup {
    /// Its folder.
    folder: PathBuf,
    /// The folder at which its hierarchy is mounted; there are no limits above it.
    top: PathBuf,
    /// The name of the file with the limit.
    limit_file: &'static str,
}

impl Cgroup {
    /// The lowest limit from here up. `max` and other words are not numbers, so they set no limit.
    fn limit_bytes(&self) -> Option<u64> {
        let folders = self
            .folder
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.top));
        let files = folders.map(|folder| folder.join(self.limit_file));
        files
            .filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok())
            .min()
    }
}

/// The cgroups that can limit the process's memory, wherever they are mounted.
fn cgroups(root: &Path) -> Vec<Cgroup> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let mounts = read("proc/self/mountinfo");
    let mut cgroups = Vec::new();
    for membership in read("proc/self/cgroup").lines() {
        let Some((version, path)) = controls_memory(membership) else {
            continue;
        };
        for mount in mounts
            .lines()
            .filter_map(|line| Mount::parse(line, version))
        {
            // In a container the path may be given as the host sees it, but only folders below the
            // mount's own root can be reached.
            let inside = Path::new(path)
                .strip_prefix(mount.root)
                .unwrap_or(Path::new(path));
            let top = root.join(mount.at.trim_start_matches('/'));
            let folder = top.join(inside.strip_prefix("/").unwrap_or(inside));
            let limit_file = match version {
                Version::One => "memory.limit_in_bytes",
                Version::Two => "memory.max",
            };
            cgroups.push(Cgroup {
                folder,
                top,
                limit_file,
            });
        }
    }
    cgroups
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Returns the version and path of a line of /proc/self/cgroup, `4:memory:/path` or `0::/path`, if
/// memory is accounted there.
fn controls_memory(membership: &str) -> Option<(Version, &str)> {
    let (controllers, path) = membership.split_once(':')?.1.split_once(':')?;
    match controllers {
        "" => Some((Version::Two, path)),
        _ => has_memory(controllers).then_some((Version::One, path)),
    }
}

fn has_memory(options: &str) -> bool {
    options.split(',').any(|option| option == "memory")
}

/// A line of /proc/self/mountinfo: `36 35 98:0 /root /at rw,noatime - cgroup cgroup rw,memory`.
struct Mount<'a> {
    /// The folder of the file system that is mounted.
    root: &'a str,
    /// The folder at which it is mounted.
    at: &'a str,
}

impl<'a> Mount<'a> {
    /// Returns the line's mount, if it has the memory cgroups of this version.
    fn parse(line: &'a str, version: Version) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let matches = match (right.next()?, version) {
            ("cgroup2", Version::Two) => true,
            ("cgroup", Version::One) => right.nth(1).is_some_and(has_memory),
            _ => false,
        };
        let mut left = left.split(' ').skip(3);
        let (root, at) = (left.next()?, left.next()?);
        matches.then_some(Self { root, at })
    }
}

#[cfg(test)]
mod tests;

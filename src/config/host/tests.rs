use std::path::Path;

use super::{Host, memory_bytes};

const MIB: u64 = 1 << 20;

/// A folder that looks like `/` of a machine with 8 GiB.
fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let meminfo = (
        "proc/meminfo",
        "MemTotal:        8388608 kB\nMemFree:  100 kB\n",
    );
    for (name, text) in std::iter::once(&meminfo).chain(files) {
        put(&root.path().join(name), text);
    }
    root
}

#[allow(clippy::disallowed_methods, reason = "not a data folder")]
fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("in a folder")).expect("created");
    std::fs::write(path, text).expect("written");
}

#[test]
fn without_a_cgroup_the_machines_memory_counts() {
    let root = machine(&[]);
    assert_eq!(memory_bytes(root.path()), Some(8192 * MIB));
}

#[test]
fn on_a_system_that_tells_nothing_nothing_is_known() {
    let root = tempfile::tempdir().expect("a folder");
    assert_eq!(memory_bytes(root.path()), None);
}

#[test]
fn the_lowest_limit_from_the_process_up_to_the_mount_counts_in_version_2() {
    let root = machine(&[
        ("proc/self/cgroup", "0::/system.slice/tidegate.service\n"),
        (
            "proc/self/mountinfo",
            "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n",
        ),
        (
            "sys/fs/cgroup/system.slice/tidegate.service/memory.max",
            "max\n",
        ),
        ("sys/fs/cgroup/system.slice/memory.max", "1073741824\n"),
    ]);
    assert_eq!(memory_bytes(root.path()), Some(1024 * MIB));
}

#[test]
fn the_memory_controllers_own_hierarchy_counts_in_version_1() {
    let root = machine(&[
        ("proc/self/cgroup", "5:cpu:/other\n4:memory:/box/1\n0::/\n"),
        (
            "proc/self/mountinfo",
            "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
             35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        ),
        ("sys/fs/cgroup/cpu/other/memory.limit_in_bytes", "1\n"),
        (
            "sys/fs/cgroup/memory/box/1/memory.limit_in_bytes",
            "536870912\n",
        ),
        (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        ),
    ]);
    assert_eq!(memory_bytes(root.path()), Some(512 * MIB));
}

#[test]
fn a_container_that_sees_only_its_own_part_of_the_hierarchy_finds_its_limit() {
    let root = machine(&[
        ("proc/self/cgroup", "4:memory:/docker/abc\n"),
        (
            "proc/self/mountinfo",
            "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
        ),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n"),
    ]);
    assert_eq!(memory_bytes(root.path()), Some(256 * MIB));
}

#[test]
fn this_machine_has_memory_and_files() {
    let host = Host::detect();
    assert!(host.memory_bytes.expect("Linux tells") > MIB);
    assert!(host.descriptors_max.is_none_or(|files| files > 10));
}

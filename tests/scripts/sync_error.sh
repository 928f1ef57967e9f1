#!/usr/bin/env bash
# Errors and kills at exact system calls, injected by strace into the real program:
# tests/crash/syscalls.rs does the work. TIDEGATE_KILLS is how many kills (60). Exit code 77 means
# skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "SKIPPED: $1"; exit 77; }
if ! command -v strace >/dev/null; then
    [ "$(id -u)" = 0 ] || skip "no strace, and installing it needs root"
    (apt-get update && apt-get install -y strace) >/dev/null 2>&1 </dev/null \
        || skip "no strace, and it cannot be installed"
fi
strace -f -o /dev/null -e inject=uname:error=EIO true 2>/dev/null \
    || skip "strace may not trace here (ptrace is not permitted)"

timeout 840 cargo test --locked --quiet --test crash -- --ignored --nocapture --test-threads=1 syscalls::

# Sourced by the scripts that need a slow store, after server.sh: builds slow.c, or skips the script.
command -v cc >/dev/null || { echo "SKIPPED: there is no C compiler"; exit 77; }
export TIDEGATE_SLOW=$work/slow.so
cc -O1 -shared -fPIC -o "$TIDEGATE_SLOW" "$root/tests/lake/slow.c" -ldl
LD_PRELOAD=$TIDEGATE_SLOW "$TIDEGATE_BIN" --version >/dev/null ||
    { echo "SKIPPED: nothing can be preloaded here"; exit 77; }

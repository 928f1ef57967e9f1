# Sourced by the scripts on the lake, after server.sh: `python` with the packages that they need,
# and where the programs find each other. TIDEGATE_VENV names a folder that has them already.
export TIDEGATE_BIN TIDEGATE_WORK=$work PYTHONDONTWRITEBYTECODE=1

# with_packages PACKAGE…: sets `$python`, or skips the script.
with_packages() {
    local venv=${TIDEGATE_VENV:-$work/venv}
    python=$venv/bin/python
    [ -z "${TIDEGATE_VENV:-}" ] || return 0
    if ! python3 -m venv "$venv" ||
        ! timeout 400 "$venv/bin/pip" install -q "$@" >"$work/pip.log" 2>&1; then
        tail -n 3 "$work/pip.log" 2>/dev/null
        echo "SKIPPED: $* cannot be installed"
        exit 77
    fi
}

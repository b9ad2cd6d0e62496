#!/bin/sh
# Makes a machine ready to build and test attrisweep. Run by `make setup`; running it again is quick.
#
# A Python environment with libtorch (from the torch wheel) goes into a cache outside the checkout, so
# that a second clone needs no second download; the checkout gets two links, `libtorch` and `.python`.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Debian packages: installed if we may, named if we may not.
need() { # package, why
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing $1 ($2)"
        apt-get install -y --no-install-recommends $1 >/dev/null 2>&1 ||
            { apt-get update >/dev/null && apt-get install -y --no-install-recommends $1 >/dev/null; } ||
            fail "could not install $1, which is needed ($2)"
    else
        fail "$2 is missing: run  sudo apt-get install $1"
    fi
}

command -v cargo >/dev/null 2>&1 || fail "Rust is missing: install it from https://rustup.rs, 1.91 or newer"
rust=$(cargo --version | cut -d' ' -f2)
[ "$(printf '1.91.0\n%s\n' "$rust" | sort -V | head -n 1)" = 1.91.0 ] ||
    fail "Rust $rust is too old: run  rustup update  (1.91 or newer is needed)"
command -v c++ >/dev/null 2>&1 || need g++ "a C++ compiler"
# OpenCV, which Quantus imports, is for tests of what is handed to Quantus alone: nothing else waits for it.
if ! ldconfig -p | grep -q 'libGL\.so\.1'; then
    { [ "$(id -u)" = 0 ] && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 >/dev/null 2>&1; } ||
        say "libGL is missing, so the tests with Quantus are left out: apt-get install libgl1 libglib2.0-0 brings them back"
fi
# A browser is for tests of the page alone (tests/pages): nothing else waits for it.
if ! command -v chromium >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then
    { [ "$(id -u)" = 0 ] && apt-get install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1; } ||
        say "Chromium is missing, so the tests that drive a browser are left out: apt-get install chromium brings them back"
fi
command -v flock >/dev/null 2>&1 || need util-linux "flock"
scripts/clusters.sh

# zarr-python 3, which must be able to read our stores, needs Python 3.11; torch 2.11 has wheels up to 3.14.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v $python >/dev/null 2>&1 &&
            $python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
            echo $python
            return
        fi
    done
}
python=$(find_python)
if [ -z "$python" ]; then
    need "python3.11 python3.11-venv" "Python 3.11 or newer"
    python=$(find_python)
fi
if ! $python -c 'import ensurepip, venv' 2>/dev/null; then
    need "python$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" "Python's venv module"
fi

# The environment is named by what is in it, so that several versions of the project can share the cache.
cache=${ATTRISWEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/attrisweep}
mkdir -p "$cache"
key=$({ cat requirements.txt; $python --version; } | sha256sum | cut -c1-12)
env=$cache/python-$key
(
    flock 9
    if [ ! -e "$env/.complete" ]; then
        say "making the Python environment in $env (2 GB to download, once)"
        rm -rf "$env"
        $python -m venv "$env"
        "$env/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
        touch "$env/.complete"
    fi
) 9>"$cache/lock"
torch=$("$env/bin/python" -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')
[ "$(readlink libtorch 2>/dev/null)" = "$torch" ] || { rm -rf libtorch && ln -s "$torch" libtorch; }
[ "$(readlink .python 2>/dev/null)" = "$env" ] || { rm -rf .python && ln -s "$env" .python; }
say "ready (Rust $rust, $("$env/bin/python" --version), libtorch $("$env/bin/python" -c 'from importlib.metadata import version; print(version("torch"))'))"

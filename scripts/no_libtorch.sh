#!/bin/sh
# Only the engine and the worker depend on libtorch: every other crate builds and runs without it.
set -eu
cd "$(dirname "$0")/.."
for manifest in crates/*/Cargo.toml preflight/Cargo.toml scheduler/Cargo.toml; do
    crate=$(basename "$(dirname "$manifest")")
    case $crate in network | attribution) continue ;; esac
    if cargo tree --locked --package "$crate" --edges normal,build --prefix none | grep -q '^tch '; then
        echo "$crate depends on libtorch (tch)" >&2
        exit 1
    fi
done

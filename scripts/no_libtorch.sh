#!/bin/sh
# The crates that must build and run without libtorch do not depend on it.
set -eu
for crate in sweep data store journal fleet plan preflight scheduler; do
    if cargo tree --locked --package "$crate" --edges normal,build --prefix none | grep -q '^tch '; then
        echo "$crate depends on libtorch (tch)" >&2
        exit 1
    fi
done

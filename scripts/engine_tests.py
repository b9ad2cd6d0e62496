"""Runs the tests of `network` and `attribution` as `cargo test --workspace` has built them.

`cargo test --package network --package attribution` would build both again, and what they need: cargo chooses the features of
dependencies for the packages that it is asked for. Arguments: `--lib` and `--test NAME` choose among the test programs, all of which run
otherwise; what follows `--` goes to each.
"""

import argparse
import json
import pathlib
import subprocess
import sys

PACKAGES = ("network", "attribution")
BUILD = ["cargo", "test", "--locked", "--quiet", "--workspace", "--no-run", "--message-format=json"]


def programs():
    """Kind, name, path and folder of the package of every test program."""
    told = subprocess.run(BUILD, stdout=subprocess.PIPE, text=True, check=True).stdout
    for message in map(json.loads, told.splitlines()):
        if message["reason"] != "compiler-artifact" or not message["profile"]["test"] or not message["executable"]:
            continue
        folder = pathlib.Path(message["manifest_path"]).parent
        if folder.name in PACKAGES and folder.parent.name == "crates":
            yield message["target"]["kind"][0], message["target"]["name"], message["executable"], folder


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lib", action="store_true")
    options.add_argument("--test", action="append", default=[])
    options.add_argument("rest", nargs="*")
    chosen = options.parse_args()
    found = list(programs())
    missing = {*chosen.test} - {name for kind, name, *_ in found if kind == "test"}
    if missing or not found:
        sys.exit(f"engine_tests: no test program {', '.join(sorted(missing))} among those of {', '.join(PACKAGES)}")
    every = not chosen.lib and not chosen.test
    failed = []
    for kind, name, program, folder in found:
        if every or (kind == "lib" and chosen.lib) or (kind == "test" and name in chosen.test):
            print(f"{folder.name}: {name}", flush=True)
            # Cargo runs them in the folder of their package, too.
            if subprocess.run([program, "--quiet", *chosen.rest], cwd=folder).returncode:
                failed.append(f"{folder.name}: {name}")
    if failed:
        sys.exit(f"engine_tests: failed: {', '.join(failed)}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode if error.returncode > 0 else 1)

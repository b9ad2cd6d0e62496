"""Puts the programs into the wheel, as `scripts/wheel.py` asks for it, and says for which machines and which torch the wheel is.

A build without `ATTRISWEEP_PROGRAMS` makes a wheel of the Python package alone.
"""

import os
import pathlib
import re
import subprocess
import tomllib

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PROGRAMS = os.environ.get("ATTRISWEEP_PROGRAMS")


class Dependencies(MetadataHookInterface):
    """Adds the torch that the programs are linked against: the one with which the project is built and tested."""

    def update(self, metadata: dict) -> None:
        root = pathlib.Path(self.root)
        needs = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["attrisweep"]["dependencies"]
        if PROGRAMS is not None:
            tested = (root.parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
            needs += [line for line in tested if line.startswith("torch==")]
        metadata["dependencies"] = needs


class Programs(BuildHookInterface):
    """Adds the files of the folder `ATTRISWEEP_PROGRAMS` to `attrisweep/bin`."""

    def initialize(self, version: str, build_data: dict) -> None:
        if PROGRAMS is None:
            return
        files = sorted(pathlib.Path(PROGRAMS).iterdir())
        build_data["pure_python"] = False
        build_data["force_include"].update({str(file): f"attrisweep/bin/{file.name}" for file in files})
        oldest = max(glibc(file) for file in files if os.access(file, os.X_OK))
        build_data["tag"] = f"py3-none-manylinux_{oldest[0]}_{oldest[1]}_{os.uname().machine}"


def glibc(program: pathlib.Path) -> tuple[int, int]:
    """The oldest release of the C library that has every symbol of a program."""
    table = subprocess.run(["readelf", "--version-info", program], capture_output=True, text=True, check=True).stdout
    return max((int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", table))

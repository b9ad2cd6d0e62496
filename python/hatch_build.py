"""Puts the programs into the wheel, as `scripts/wheel.py` asks for it, and says for which machines the wheel is.

A build without `ATTRISWEEP_PROGRAMS` makes a wheel of the Python package alone.
"""

import os
import pathlib
import re
import subprocess

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Programs(BuildHookInterface):
    """Adds the files of the folder `ATTRISWEEP_PROGRAMS` to `attrisweep/bin`."""

    def initialize(self, version: str, build_data: dict) -> None:
        named = os.environ.get("ATTRISWEEP_PROGRAMS")
        if named is None:
            return
        files = sorted(pathlib.Path(named).iterdir())
        build_data["pure_python"] = False
        build_data["force_include"].update({str(file): f"attrisweep/bin/{file.name}" for file in files})
        oldest = max(glibc(file) for file in files if os.access(file, os.X_OK))
        build_data["tag"] = f"py3-none-manylinux_{oldest[0]}_{oldest[1]}_{os.uname().machine}"


def glibc(program: pathlib.Path) -> tuple[int, int]:
    """The oldest release of the C library that has every symbol of a program."""
    table = subprocess.run(["readelf", "--version-info", program], capture_output=True, text=True, check=True).stdout
    return max((int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", table))

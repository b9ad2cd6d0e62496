"""Our programs, and libraries that stand in for those of the machine."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
STAND_INS = pathlib.Path(__file__).parent / "stand_ins"
SCHEDULER = ROOT / "target" / "debug" / "scheduler"
WORKER = SCHEDULER.with_name("worker")
PREFLIGHT = SCHEDULER.with_name("preflight")


def compiled(source, library):
    """The shared library of a C file of `stand_ins`, which stands in for one of the machine's."""
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, STAND_INS / source, "-ldl"]
    subprocess.run(command, check=True)
    return library

"""A sweep that is to be disturbed, what it would be undisturbed, and disks that fill up."""

import contextlib
import subprocess
import time

import pytest

from ..grid import NOISES
from ..stand_ins.machines.missing import missing
from ..sweep import Sweep

NOISY = NOISES[:2]
WAITS = "the sweep waits, and goes on by itself"
GOES_ON = "the stores can be written again; the sweep goes on"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, inputs):
    run = Sweep(tmp_path_factory.mktemp("undisturbed"), inputs)
    run.config["search_space"]["noise_conditions"] = NOISY
    started = time.monotonic()
    run.run()
    return run.digests(), time.monotonic() - started


@pytest.fixture
def disturbed(sweep):
    run = sweep()
    run.config["search_space"]["noise_conditions"] = NOISY
    return run


@contextlib.contextmanager
def disk(folder, size):
    """A file system of so many MiB in `folder`, which is made."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        missing("mount", f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(disturbed):
    """The output folder of `disturbed` on a file system of its own."""
    with disk(disturbed.output, 8):
        yield disturbed


def fill(folder):
    with open(folder / "somebody_elses", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 << 10))
        except OSError:
            pass


def started(run):
    """The scheduler of a sweep, whose standard error can be read."""
    return run.start(stderr=subprocess.PIPE, text=True)

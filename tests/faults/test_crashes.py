"""A crash at every write: what is on the disk then is enough for the next run, whose bytes are those of an undisturbed one.

A library that is preloaded (fake_disk.c) counts what the processes of a sweep change on the disk. ATTRISWEEP_CRASHES says
after how many of these calls a sweep is made to crash, `all` for each of them (half an hour).
"""

import contextlib
import os
import random
import struct
import subprocess
import sys
import time

import pytest
import torch
from support import METHODS, SCHEDULER, Sweep, has_variable, kill, log, make_dataset, wait_for
from support.faults import GOES_ON, WAITS

CRASHES = os.environ.get("ATTRISWEEP_CRASHES", "12")
SEED = int(os.environ.get("ATTRISWEEP_SEED", "6"))
# As in fake_disk.c: the count, and the processes.
STATE = "q255i"


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Inputs that are read at once: most of a run is then what this is about."""
    from torch.nn import BatchNorm2d, Conv2d, Linear, ModuleDict

    folder = tmp_path_factory.mktemp("small")
    make_dataset(folder / "data", "rgb", 28, 8)
    torch.manual_seed(0)
    lenet = {"conv1": Conv2d(3, 16, 3), "bn1": BatchNorm2d(16), "conv2": Conv2d(16, 32, 3), "bn2": BatchNorm2d(32)}
    lenet |= {"fc1": Linear(32 * 49, 128), "fc2": Linear(128, 64), "fc3": Linear(64, 4)}
    weights = folder / "weights" / "weights_rgb" / "lenet_28_1.pth"
    weights.parent.mkdir(parents=True)
    torch.save({"net": ModuleDict(lenet).state_dict()}, weights)
    return folder


class Disk:
    """A sweep in a folder of its own, on a disk that can be made to fail. The means are on it too."""

    def __init__(self, folder, small, library, limit=3):
        folder.mkdir()
        self.run = Sweep(folder, small, models=("lenet",), limit=limit, devices={"cpu": 1}, store={"shard": 2})
        self.run.config["paths"]["means_dir"] = str(self.run.output / "means")
        of_mean = {"name": "Mean", "class": "IntegratedGradients", "params": {"n_steps": 2, "baselines": "global_mean"}}
        self.run.config["search_space"]["attribution_methods"] = [METHODS[0], of_mean]
        self.store = self.run.output / "dataset-rgb_model-lenet_noise-clean_split-test.zarr"
        self.state, self.readonly = folder / "state", folder / "readonly"
        self.state.write_bytes(bytes(struct.calcsize(STATE)))
        self.environment = {**os.environ, "LD_PRELOAD": str(library), "FAKE_DISK_STATE": str(self.state)}
        self.environment |= {"FAKE_DISK_ROOT": str(self.run.output), "FAKE_DISK_READONLY": str(self.readonly)}

    def start(self, *arguments, **faults):
        faults = {f"FAKE_DISK_{name}": str(value) for name, value in faults.items()}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self.run.command(*arguments), env=self.environment | faults, **quiet)

    def maps(self, shard):
        """How the path begins of the file to which a method's maps of this shard are written."""
        return self.store / "attributions" / "Saliency" / f".c.{shard}"

    def calls(self):
        return struct.unpack(STATE, self.state.read_bytes())[0]

    def end(self):
        """No process of a test may outlive it."""
        for process in struct.unpack(STATE, self.state.read_bytes())[1:]:
            if process and has_variable(process, "FAKE_DISK_STATE", self.state):
                kill(process)

    def assert_finished(self, expected):
        assert self.run.digests() == expected
        # Beside a mean, another sweep may be writing one: what was left there stays.
        left = [path for path in self.run.output.rglob("*.tmp") if path.parent != self.run.output / "means"]
        assert not left
        assert not list(self.run.output.glob("*.damaged-*")), "no crash may damage the journal"
        # Its maps have the bytes of the undisturbed run: one of each variant computed again is as good as many.
        command = [SCHEDULER, "verify", "--config", self.run.file, "--seconds", "0"]
        verified = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture
def disk(tmp_path, small, fake_disk):
    with contextlib.ExitStack() as ends:

        def make(name, **options):
            made = Disk(tmp_path / name, small, fake_disk, **options)
            ends.callback(made.end)
            return made

        yield make


def undisturbed(disk, **options):
    """The bytes of an undisturbed run, and how many calls it took."""
    whole = disk("undisturbed", **options)
    _, told = (process := whole.start()).communicate(timeout=120)
    assert process.returncode == 0, told
    return whole.run.digests(), whole.calls()


def chosen(calls, moments):
    """Which calls are the last ones: evenly spread, each somewhere in its part."""
    if CRASHES == "all":
        return range(1, calls + 1)
    part = calls / int(CRASHES)
    return [1 + int(part * (at + moments.random())) for at in range(int(CRASHES))]


def test_a_crash_at_any_write_leaves_what_the_next_run_needs(disk):
    print(f"ATTRISWEEP_SEED={SEED} ATTRISWEEP_CRASHES={CRASHES}", file=sys.stderr)
    expected, calls = undisturbed(disk)
    assert calls > 200, "the library is in use"
    moments, ends = random.Random(SEED), []
    for number, at in enumerate(chosen(calls, moments)):
        fault = {"AT": at, "WHEN": moments.choice(["before", "after"]), "WHOM": moments.choice(["caller", "all"])}
        print(fault, file=sys.stderr)
        crashed = disk(f"crash-{number}")
        process = crashed.start(**fault)
        process.communicate(timeout=120)
        ends.append(process.returncode)
        if crashed.calls() >= at and fault["WHOM"] == "all":
            assert process.returncode == -9
        _, told = (process := crashed.start()).communicate(timeout=120)
        assert process.returncode == 0, told
        crashed.assert_finished(expected)
    # 5: the worker that crashed was answering the scheduler's questions.
    assert set(ends) <= {0, 5, -9} and ends.count(-9) >= len(ends) / 2, ends


def test_what_computed_is_known_though_nobody_lived_to_tell_it(disk, tmp_path):
    expected, _ = undisturbed(disk)
    crashed, hold = disk("untold"), tmp_path / "hold"
    # From here on the scheduler writes no root: all maps are there, and the store says as little as before.
    process = crashed.start(HOLD=hold, HELD=crashed.store / ".zarr.json")
    wait_for(lambda: "worker connected" in log(crashed.run))
    hold.touch()
    wait_for(lambda: len(crashed.run.maps()) == 2 * 2)
    crashed.end()
    process.communicate(timeout=120)
    assert '"complete": false' in (crashed.store / "zarr.json").read_text()
    hold.unlink()
    _, told = (process := crashed.start()).communicate(timeout=120)
    assert process.returncode == 0, told
    crashed.assert_finished(expected)


def test_a_slow_disk_changes_no_byte_and_makes_no_worker_look_dead(disk, tmp_path):
    expected, _ = undisturbed(disk)
    slow, hold = disk("slow"), tmp_path / "hold"
    hold.touch()
    # Each call is slow, and one of a worker takes longer than its lease.
    process = slow.start("--lease", "20", DELAY=5_000, HOLD=hold, HELD=slow.maps(0))
    wait_for(lambda: "worker connected" in log(slow.run))
    time.sleep(25)
    hold.unlink()
    _, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    # What stands still beside other tests may be the scheduler.
    wrong = [line for line in log(slow.run).splitlines() if ("WARN" in line or "ERROR" in line) and "stood still" not in line]
    assert not wrong
    slow.assert_finished(expected)


def test_a_disk_that_turns_read_only_is_waited_for(disk, tmp_path):
    expected, _ = undisturbed(disk, limit=8)
    run, hold = disk("readonly", limit=8), tmp_path / "hold"
    hold.touch()
    process = run.start(HOLD=hold, HELD=run.maps(1))
    wait_for(run.run.maps)
    run.readonly.touch()
    hold.unlink()
    wait_for(lambda: WAITS in log(run.run))
    wait_for(lambda: log(run.run).count("is tried again after a pause") >= 2)
    assert process.poll() is None
    run.readonly.unlink()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert told.count(WAITS) == 1 and told.count(GOES_ON) == 1, told
    assert "Read-only file system" in told
    run.assert_finished(expected)

"""A disk that can be made to fail, and a sweep on it.

A library that is preloaded (fake_disk.c) counts what the processes of a sweep change on the disk. ATTRISWEEP_CRASHES says
after how many of these calls a sweep is made to crash, `all` for each of them (half an hour).
"""

import contextlib
import os
import struct
import subprocess

import pytest
import torch

from ..grid import METHODS
from ..inputs import make_dataset
from ..processes import has_variable, kill
from ..programs import SCHEDULER
from ..sweep import Sweep

CRASHES = os.environ.get("ATTRISWEEP_CRASHES", "12")
# As in fake_disk.c: the count, and the processes.
STATE = "q255i"


@pytest.fixture(scope="session")
def small_inputs(tmp_path_factory):
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

    def __init__(self, folder, inputs, library, limit=3, form="zarr"):
        folder.mkdir()
        self.run = Sweep(folder, inputs, models=("lenet",), limit=limit, devices={"cpu": 1}, store={"shard": 2, "format": form})
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

    def finish(self):
        """Runs the command without a fault."""
        _, told = (process := self.start()).communicate(timeout=300)
        assert process.returncode == 0, told

    def assert_finished(self, expected):
        assert self.run.digests() == expected
        self.assert_sound()

    def assert_sound(self):
        # Beside a mean, another sweep may be writing one: what was left there stays.
        left = [path for path in self.run.output.rglob("*.tmp") if path.parent != self.run.output / "means"]
        assert not left
        assert not list(self.run.output.glob("*.damaged-*")), "no crash may damage the journal"
        # Its maps have the bytes of the undisturbed run: one of each variant computed again is as good as many.
        command = [SCHEDULER, "verify", "--config", self.run.file, "--seconds", "0"]
        verified = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture
def disk(tmp_path, small_inputs, fake_disk):
    with contextlib.ExitStack() as ends:

        def make(name, **options):
            made = Disk(tmp_path / name, small_inputs, fake_disk, **options)
            ends.callback(made.end)
            return made

        yield make


def chosen(calls, moments):
    """Which calls are the last ones: evenly spread, each somewhere in its part."""
    if CRASHES == "all":
        return range(1, calls + 1)
    part = calls / int(CRASHES)
    return [1 + int(part * (at + moments.random())) for at in range(int(CRASHES))]

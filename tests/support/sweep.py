"""A sweep of the tests: its config, its runs, and what it leaves."""

import copy
import hashlib
import json
import re
import subprocess

import yaml

from .grid import METHODS, NOISES
from .programs import SCHEDULER

# Files of a running scheduler in its output folder.
ACCESS = ".attrisweep.access"
LOCK = ".attrisweep.lock"
# Batches and threads decide bits: with these, workers of a cluster write what one local worker writes.
SAME = {"batch_size": 4, "threads": 1, "memory": "1GiB"}


class Sweep:
    """A config in a folder of its own, and runs of the scheduler on it."""

    # Benchmarks run the program of a release build.
    scheduler = SCHEDULER

    def __init__(self, folder, inputs, flag="rgb", size=28, models=("resnet18",), **top):
        self.folder = folder
        self.output = folder / "out"
        self.config = {
            "paths": {
                "medmnist_weights_root": str(inputs / "weights"),
                "medmnist_data_root": str(inputs / "data"),
                "scheduler_log_dir": str(folder / "logs"),
                "final_output_dir": str(self.output),
                "means_dir": str(folder / "means"),
            },
            "search_space": {
                "data_flags": [flag],
                "model_flags": list(models),
                "splits": ["test"],
                "image_size": size,
                "noise_conditions": copy.deepcopy(NOISES[:1]),
                "attribution_methods": copy.deepcopy(METHODS),
            },
            "devices": {"cpu": 2},
            "store": {"shard": 4},
            **top,
        }

    def change(self, path, value):
        """Puts `value` at a place of the config, as in `search_space.noise_conditions.0.type`."""
        *parents, last = path.split(".")
        place = self.config
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        place[last] = value

    @property
    def file(self):
        path = self.folder / "config.yml"
        text = yaml.safe_dump(self.config, sort_keys=False)
        # A scheduler that has just been started may be reading it.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path

    def command(self, *arguments):
        return [str(self.scheduler), "--config", str(self.file), *arguments]

    def run(self, *arguments, code=0, **options):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=300, **options)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done

    def verify(self, *arguments, code=0):
        """Runs `scheduler verify`: all that it says."""
        command = [str(self.scheduler), "verify", "--config", str(self.file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def start(self, *arguments, **options):
        return subprocess.Popen(self.command(*arguments), **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options})

    def maps(self):
        """Files of maps that are there."""
        return list(self.output.rglob("attributions/*/c.*"))

    def granted(self, index=-1):
        """The batch of each variant as it was granted last; those that are guesses have a `+`."""
        told = re.findall(r'sizes="(.*)"', (self.folder / "logs" / "scheduler.log").read_text())
        return dict(pair.split("=") for pair in told[index].split())

    def stores(self):
        return sorted(self.output.glob("*.zarr"))

    def digests(self):
        """SHA-256 of every file of every store, by path: what "the same bytes" means."""
        files = [path for path in self.output.rglob("*") if path.is_file() and ".zarr/" in str(path)]
        return {str(path.relative_to(self.output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def noisy(run, count=4):
    """More units: `count` groups, one for each noise."""
    noises = [{"name": f"n{index}", "type": "gaussian", "params": {"std": 0.05 * (index + 1)}} for index in range(count)]
    run.config["search_space"]["noise_conditions"] = noises
    return run


def log(run):
    """What the scheduler's log says, if there is one yet."""
    file = run.folder / "logs" / "scheduler.log"
    return file.read_text() if file.exists() else ""


def signature(run):
    text = (run.output / LOCK).read_text() if (run.output / LOCK).exists() else ""
    return json.loads(text) if text else None

"""Captum on one variant, in a process of its own, so that its peak memory is its own.

Reads what to measure from standard input and prints what it found, both as JSON. It is driven as the reference
scripts drive it: ReLUs replaced by modules, single precision, NCHW, parameters with gradients, no limit to the points
that are computed at once. Only where these do not fit the memory of the machine, `internal_batch_size` is set.
"""

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import inputs
import numpy as np
import torch
from inputs import captum_maps, conftest
from safetensors.torch import save_file

# As many runs as on our side: of which the best counts, and the seconds in which there may be more.
REPEATS, LEAST = 2, 1.0
# Points at once, where all of a variant at once do not fit.
INTERNAL = (None, 50, 10)
# Of the memory that is free, so that the machine does not have to kill somebody.
SHARE = 0.8


def proc(file, name):
    """A line of a file of /proc that counts in kB, in bytes."""
    return next(int(line.split()[1]) for line in Path(file).read_text().splitlines() if line.startswith(name)) * 1024


class Meter:
    """Seconds and peak memory of maps, by batch size, within a budget."""

    def __init__(self, explain, images, budget):
        self.explain, self.images, self.budget = explain, images, budget
        self.began = time.perf_counter()
        self.found, self.maps, self.floor = {}, [], proc("/proc/self/status", "VmRSS")

    def run(self, batch, wanted):
        """One run over `wanted` images, or over as many as the budget allows; whether there was any."""
        Path("/proc/self/clear_refs").write_text("5")
        maps, started = [], time.perf_counter()
        for start in range(0, wanted, batch):
            if not self.allows(min(batch, wanted - start)):
                break
            maps.append(self.explain(start, min(start + batch, wanted)))
        seconds, done = time.perf_counter() - started, sum(map(len, maps))
        if done:
            of_batch = self.found.setdefault(batch, {"seconds": float("inf"), "images": 0, "peak": 0})
            of_batch["seconds"] = min(of_batch["seconds"], seconds / done)
            of_batch["images"] = max(of_batch["images"], done)
            of_batch["peak"] = max(of_batch["peak"], proc("/proc/self/status", "VmHWM"))
        self.maps = max(self.maps, maps, key=lambda maps: sum(map(len, maps)))
        return done > 0

    def allows(self, images):
        """Whether so many images more will probably be done in time. The first one always may be."""
        if not self.found:
            return True
        image = min(of_batch["seconds"] for of_batch in self.found.values())
        return time.perf_counter() - self.began + images * image <= self.budget


def measure(asked, explain):
    """The first image alone, which says what the budget allows; then every batch, best of several runs."""
    meter = Meter(explain, asked["images"], asked["budget"])
    meter.run(1, 1)
    too_large = []
    for batch in sorted(asked["batches"]):
        try:
            runs, began = 0, time.perf_counter()
            while (runs < REPEATS or time.perf_counter() - began < LEAST) and meter.run(batch, asked["images"]):
                runs += 1
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            too_large.append(batch)
    if len(meter.found) > 1 and 1 not in asked["batches"]:
        del meter.found[1]
    return meter, too_large


def is_out_of_memory(error):
    words = ("can't allocate memory", "bad_alloc", "could not create a memory", "out of memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def main():
    asked = json.load(sys.stdin)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(asked["threads"])
    torch.manual_seed(0)
    folder = Path(asked["folder"])
    model = conftest.architecture(asked["arch"], asked["size"], inputs.CLASSES)
    weights = inputs.weights_file(folder, asked["arch"], asked["size"])
    model.load_state_dict(torch.load(weights, weights_only=True)["net"])
    model = captum_maps.distinct_relus(model.eval(), every=True)
    with np.load(inputs.data_file(folder, asked["size"])) as file:
        images = inputs.normalised(file["test_images"][: asked["images"]]).contiguous()
    mean = torch.load(inputs.mean_file(folder), weights_only=True)
    with torch.no_grad():
        targets = model(images).argmax(1)
    limit = int(SHARE * proc("/proc/meminfo", "MemAvailable"))
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    steps = "n_steps" in asked["params"]
    for internal in INTERNAL if steps else INTERNAL[:1]:
        params = asked["params"] | ({"internal_batch_size": internal} if internal else {})

        def explain(start, end):
            part = images[start:end].clone(), targets[start:end]
            return captum_maps.explain(model, asked["class"], params, *part, mean).detach()

        try:
            meter, too_large = measure(asked, explain)
            break
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or internal == INTERNAL[-1] or not steps:
                raise
    save_file({"maps": torch.cat(meter.maps)}, asked["maps"])
    print(json.dumps({"batches": meter.found, "floor": meter.floor, "too_large": too_large, "internal": internal}))


if __name__ == "__main__":
    main()

"""Captum, or zennit and pytorch-grad-cam, on one variant after the other; on the CPU each has a process of its own, so that its peak memory is its own.

Reads what to measure from standard input and prints what it found, both as lines of JSON. It is driven as the reference
scripts drive it: ReLUs replaced by modules, single precision, NCHW, parameters with gradients, no limit to the points
that are computed at once. Only where these do not fit the memory of the machine, `internal_batch_size` is set.
"""

import functools
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import captum.attr
from parts import inputs
import numpy as np
import torch
from parts.inputs import captum_maps, support
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


class Host:
    """The memory of this process."""

    def now(self):
        return proc("/proc/self/status", "VmRSS")

    def forget_peak(self):
        Path("/proc/self/clear_refs").write_text("5")

    def peak(self):
        return proc("/proc/self/status", "VmHWM")

    def finish(self):
        pass


class Gpu:
    """What PyTorch has taken of a GPU."""

    def now(self):
        return torch.cuda.memory_reserved()

    def forget_peak(self):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def peak(self):
        return torch.cuda.max_memory_reserved()

    def finish(self):
        torch.cuda.synchronize()


class Meter:
    """Seconds and peak memory of maps, by batch size, within a budget."""

    def __init__(self, explain, images, budget, memory):
        self.explain, self.images, self.budget, self.memory = explain, images, budget, memory
        self.began = time.perf_counter()
        self.found, self.maps, self.floor = {}, [], memory.now()

    def measure(self, batches):
        """The first image alone, which says what the budget allows; then every batch. Those that do not fit the memory."""
        too_large = [] if self.runs(1, 1, 1) else [1]
        for batch in sorted(set(batches) - set(too_large)):
            if not too_large and not self.runs(batch, self.images, REPEATS, LEAST):
                too_large.append(batch)
        if len(self.found) > 1 and 1 not in batches:
            del self.found[1]
        return too_large

    def measure_largest(self, batches):
        """The largest batch that fits; those that do not. A GPU is never faster with a smaller one."""
        too_large = []
        for batch in sorted(batches, reverse=True):
            if self.runs(batch, self.images, REPEATS):
                break
            too_large.append(batch)
        return too_large

    def runs(self, batch, wanted, repeats, least=0.0):
        """So many runs, and more within `least` seconds; whether they fit the memory."""
        count, began = 0, time.perf_counter()
        try:
            while (count < repeats or time.perf_counter() - began < least) and self.run(batch, wanted):
                count += 1
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return False
        return True

    def run(self, batch, wanted):
        """One run over `wanted` images, or over as many as the budget allows; whether there was any."""
        self.memory.forget_peak()
        maps, started = [], time.perf_counter()
        for start in range(0, wanted, batch):
            if not self.allows(min(batch, wanted - start)):
                break
            maps.append(self.explain(start, min(start + batch, wanted)))
        self.memory.finish()
        seconds, done = time.perf_counter() - started, sum(map(len, maps))
        if done:
            of_batch = self.found.setdefault(batch, {"seconds": float("inf"), "images": 0, "peak": 0})
            of_batch["seconds"] = min(of_batch["seconds"], seconds / done)
            of_batch["images"] = max(of_batch["images"], done)
            of_batch["peak"] = max(of_batch["peak"], self.memory.peak())
        self.maps = max(self.maps, maps, key=lambda maps: sum(map(len, maps)))
        return done > 0

    def allows(self, images):
        """Whether so many images more will probably be done in time. The first one always may be."""
        if not self.found:
            return True
        image = min(of_batch["seconds"] for of_batch in self.found.values())
        return time.perf_counter() - self.began + images * image <= self.budget


def is_out_of_memory(error):
    words = ("can't allocate memory", "bad_alloc", "could not create", "out of memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def explainer(asked):
    """Maps of images by their indices, as a function of that and of how many points are computed at once."""
    folder = Path(asked["folder"])
    model = support.architecture(asked["arch"], asked["size"], inputs.CLASSES)
    weights = inputs.weights_file(folder, asked["arch"], asked["size"])
    model.load_state_dict(torch.load(weights, weights_only=True)["net"])
    device = asked["device"]
    libraries = None
    if not hasattr(captum.attr, asked["class"]) or asked["class"] == "LRP":
        # Loaded here alone: their modules would count in the memory of Captum's variants.
        from parts import libraries
    model = (model.eval() if libraries else captum_maps.distinct_relus(model.eval(), every=True)).to(device)
    with np.load(inputs.data_file(folder, asked["size"])) as file:
        images = inputs.normalised(file["test_images"][: asked["images"]]).contiguous().to(device)
    mean = torch.load(inputs.mean_file(folder), weights_only=True).to(device)
    with torch.no_grad():
        targets = model(images).argmax(1)

    def explain(internal, start, end):
        params = asked["params"] | ({"internal_batch_size": internal} if internal else {})
        x = images[start:end].clone()
        if libraries:
            return libraries.explain(model, asked["class"], asked["params"], x, targets[start:end]).detach().cpu()
        return captum_maps.explain(model, asked["class"], params, x, targets[start:end], mean).detach().cpu()

    return explain


def limit_memory():
    """Lets allocations fail before the machine has to kill somebody. What is there already counts, too."""
    limit = proc("/proc/self/status", "VmData") + int(SHARE * proc("/proc/meminfo", "MemAvailable"))
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def answer(asked):
    torch.set_num_threads(asked["threads"])
    torch.manual_seed(0)
    for backend in (torch.backends.cudnn, torch.backends.cuda.matmul):
        # By default, TF32 in convolutions.
        backend.allow_tf32 = not asked["exact"] and backend is torch.backends.cudnn
    explain, memory = explainer(asked), Host() if asked["device"] == "cpu" else Gpu()
    if asked["device"] == "cpu":
        limit_memory()
    # Only methods of many steps can be told to take some at a time.
    for internal in INTERNAL if "n_steps" in asked["params"] else INTERNAL[:1]:
        meter = Meter(functools.partial(explain, internal), asked["images"], asked["budget"], memory)
        too_large = (meter.measure if asked["device"] == "cpu" else meter.measure_largest)(asked["batches"])
        if meter.found:
            break
    if not meter.found:
        raise SystemExit("does not fit the memory at the smallest batch")
    save_file({"maps": torch.cat(meter.maps)}, asked["maps"])
    return {"batches": meter.found, "floor": meter.floor, "too_large": too_large, "internal": internal}


def main():
    warnings.filterwarnings("ignore")
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

"""Metrics of a sweep beside Quantus, on the same maps, the same model and the same images, in one run.

Ours is the time that the worker computes; Quantus' the time of its calls, one for each metric and method. Forward passes are counted on
both sides: ours as `--check` tells them, Quantus' by the model that it calls. Prints a table, and writes it to
target/bench/evaluation-<size>.md.
"""

import argparse
import re
import tempfile
import time
from pathlib import Path

from parts import inputs, machine
import numpy as np
import torch
import zarr
from parts.inputs import support

ARCH = "resnet18"
METHODS = ["Saliency", "InputXGradient", "GuidedBackprop", "Deconvolution"]


def pairs(size):
    """Name, entry of `evaluation`, and the metric of Quantus that does the same work."""
    import quantus

    quiet = {"disable_warnings": True, "display_progressbar": False, "return_aggregate": False}
    step = size * size // 16
    return [
        ("FaithfulnessCorrelation", {"params": {"runs": 50}}, quantus.FaithfulnessCorrelation(nr_runs=50, subset_size=224, **quiet)),
        ("PixelFlipping", {"params": {"per_step": step}, "channels": "each"}, quantus.PixelFlipping(features_in_step=step, **quiet)),
        ("Selectivity", {"params": {"patch_size": size // 4}}, quantus.Selectivity(patch_size=size // 4, **quiet)),
        ("Sparseness", {}, quantus.Sparseness(**quiet)),
    ]


class Counted(torch.nn.Module):
    """A model that counts the images that it is asked about."""

    def __init__(self, model):
        super().__init__()
        self.model, self.passes = model, 0

    def forward(self, images):
        self.passes += len(images)
        return self.model(images)


def ours(sweep, name, entry):
    """Seconds that the worker computed, and forward passes of all images and methods."""
    sweep.config["evaluation"] = [{"class": name, **entry}]
    told = re.search(r"takes (\d+) passes and \d+ maps for each method, and (\d+) passes", sweep.run("--check").stdout)
    log = sweep.folder / "logs" / "worker-0.log"
    before = len(log.read_text().splitlines())
    sweep.run()
    lines = [line for line in log.read_text().splitlines()[before:] if " done " in line and ":evaluate" in line]
    seconds = sum(float(re.search(r"computing=(\S+)", line)[1]) for line in lines)
    return seconds, (int(told[1]) * len(METHODS) + int(told[2])) * sweep.config["limit"]


def theirs(metric, model, group):
    """Seconds of Quantus, and forward passes, for all methods."""
    images, targets = group["images"][:], group["model_predictions"][:].argmax(1)
    model.passes, started = 0, time.perf_counter()
    for method in METHODS:
        maps = group["attributions"][method][:].astype(np.float32)
        metric(model=model, x_batch=images.copy(), y_batch=targets, a_batch=maps, device="cpu", softmax=True)
    return time.perf_counter() - started, model.passes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=64, help="side of an image in pixels")
    parser.add_argument("--images", type=int, default=16, help="number of images")
    parser.add_argument("--debug", action="store_true", help="take the programs of a debug build")
    asked = parser.parse_args()
    if not asked.debug:
        support.Sweep.scheduler = inputs.ROOT / "target" / "release" / "scheduler"
    torch.set_num_threads(machine.cores())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        inputs.make(folder / "inputs", ARCH, asked.size, asked.images)
        sweep = support.Sweep(folder, folder / "inputs", inputs.FLAG, asked.size, devices={"cpu": 1}, limit=asked.images, store={"shard": 64})
        sweep.config["search_space"]["attribution_methods"] = [{"name": name, "params": {}} for name in METHODS]
        sweep.run()
        (store,) = sweep.stores()
        weights = next((folder / "inputs" / "weights" / f"weights_{inputs.FLAG}").iterdir())
        model = support.architecture(ARCH, asked.size, inputs.CLASSES)
        model.load_state_dict(torch.load(weights))
        model = Counted(model.eval())
        rows = ["| metric | Quantus: s, passes | ours: s, passes | ratio of times |", "| --- | --- | --- | --- |"]
        for name, entry, metric in pairs(asked.size):
            own, passes = ours(sweep, name, entry)
            other, asked_of = theirs(metric, model, zarr.open_group(store, mode="r"))
            rows.append(f"| {name} | {other:.2f}, {asked_of} | {own:.2f}, {passes} | {other / max(own, 1e-9):.1f} |")
    head = f"{ARCH}, {asked.images} images of {asked.size} px, {len(METHODS)} methods, {machine.cores()} cores\n\n"
    text = head + "\n".join(rows) + "\n"
    target = inputs.ROOT / "target" / "bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / f"evaluation-{asked.size}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

"""Our engine and Captum in one run, on the same libtorch, threads, images and weights.

Each variant is measured by one side and then by the other, in processes of their own; then the whole grid by ours.
Writes a table to target/bench/<arch>-<size>.md, and all numbers to the .json beside it.
"""

import argparse
import dataclasses
import datetime
import json
import shlex
import sys
import tempfile
from pathlib import Path

from parts import inputs, machine, ours, table
from parts.process import Failed, Process
from safetensors import safe_open

OUTPUT = inputs.ROOT / "target" / "bench"
ARCHITECTURES = ["resnet18", "resnet50", "densenet121"]
# Both sides draw their own samples: there is no difference of maps to tell.
STOCHASTIC = ("GradientShap", "DeepLiftShap")
# A run of the whole grid may take as long as so many variants.
GRID_BUDGETS = 4


@dataclasses.dataclass
class Setting:
    """What is measured, and how long."""

    arch: str
    size: int
    images: int
    methods: list
    threads: int
    budget: float
    device: str
    precision: str
    folder: Path

    @property
    def batches(self):
        """As users of Captum would try: 8 images at once, on a GPU 32, and a quarter of that."""
        large = min(self.images, 8 if self.device == "cpu" else 32)
        return sorted({max(1, large // 4), large})


def arguments():
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="resnet18")
    parser.add_argument("--size", type=int, choices=[64, 224], default=64, help="pixels")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--methods", type=lambda keys: keys.split(","), metavar="KEY,KEY", help="all sixteen, if none is named")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--budget", type=float, default=30, metavar="SECONDS", help="for each side of a variant; where it is not enough, fewer images are timed")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["float32", "tf32", "bfloat16", "float16"], default="float32", help="of ours; on a GPU Captum computes in TF32, PyTorch's default, unless this is float32")
    parser.add_argument("--worker", type=Path, default=ours.WORKER)
    given = parser.parse_args()
    ours.WORKER = given.worker.resolve()
    del given.worker
    if min(given.images, given.threads, given.budget) <= 0:
        parser.error("--images, --threads and --budget are positive numbers")
    return given


def captums(setting, captum, variant, maps):
    """What Captum took, or its last words."""
    method, _, params = variant
    asked = {
        "arch": setting.arch,
        "size": setting.size,
        "class": method["class"],
        "params": params,
        "images": setting.images,
        "batches": setting.batches,
        "budget": setting.budget,
        "threads": setting.threads,
        "device": setting.device,
        "exact": setting.precision == "float32",
        "folder": str(setting.folder),
        "maps": str(maps),
    }
    try:
        found = captum.ask(asked)
    except Failed as failure:
        return {"failed": str(failure).splitlines()[-1]}
    return {**found, "batches": {int(batch): took for batch, took in found["batches"].items()}}


def peer_of(setting):
    return Process([sys.executable, inputs.ROOT / "bench" / "peer.py"], each=setting.device == "cpu")


def difference(theirs, own):
    """Largest difference of the maps that both have, as a share of the peak of Captum's map of that image."""
    with safe_open(theirs, "pt") as file:
        expected = file.get_tensor("maps")
    with safe_open(own, "pt") as file:
        (name,) = (name for name in file.keys() if name.startswith("attributions/"))
        found = file.get_tensor(name)
    n = min(len(expected), len(found))
    peak = expected[:n].abs().amax((1, 2, 3)).clamp_min(1e-30)
    return float(((found[:n] - expected[:n]).abs().amax((1, 2, 3)) / peak).max())


def of_variant(setting, sides, variant, forward_flop):
    """Both sides of one variant."""
    method, key, params = variant
    theirs, own = setting.folder / "theirs.safetensors", setting.folder / "ours.safetensors"
    flop = forward_flop * machine.passes(method["class"], params, setting.size)
    row = {"key": key, "plain_flop_per_image": flop, "difference": None}
    row["captum"] = captums(setting, sides[0], variant, theirs)
    row["ours"] = ours.measure(setting, sides[1], [variant], own)
    if not failed(row) and method["class"] not in STOCHASTIC:
        row["difference"] = difference(theirs, own)
    return row


def failed(row):
    return "failed" in row["captum"] or "failed" in row["ours"]


def of_grid(setting, probe, rows, variants):
    """All variants as one unit of a sweep computes them, against the sum of Captum's."""
    if len(rows) < 2 or any(failed(row) for row in rows):
        return None
    captum = {
        "seconds": sum(table.best(row["captum"])[1]["seconds"] for row in rows),
        "peak": max(took["peak"] for row in rows for took in row["captum"]["batches"].values()),
    }
    alone = sum(table.best(row["ours"])[1]["seconds"] for row in rows)
    images = min(setting.images, max(1, int(GRID_BUDGETS * setting.budget / ours.REPEATS / alone)))
    batch = min(images, setting.batches[-1])
    took = ours.best(setting, ours.measured(setting, probe, variants, images, batch), images)
    return {"captum": captum, "ours": took, "alone": alone, "images": images, "batch": batch}


def measure(setting):
    """Everything, as it is written down."""
    variants = inputs.grid(setting.methods)
    inputs.make(setting.folder, setting.arch, setting.size, setting.images)
    forward_flop = machine.forward_flop(inputs.model(setting.arch, setting.size), setting.size)
    result = {
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["make", "bench", *([f"ARGS={shlex.join(sys.argv[1:])}"] if sys.argv[1:] else [])]),
        "machine": machine.facts(setting.threads, setting.device),
        "device": setting.device,
        "precision": setting.precision,
        "arch": setting.arch,
        "size": setting.size,
        "images": setting.images,
        "forward_flop": forward_flop,
        "variants": [],
    }
    sides = peer_of(setting), ours.process(setting)
    for variant in variants:
        row = of_variant(setting, sides, variant, forward_flop)
        result["variants"].append(row)
        print("  ".join(table.of_variant(row, result)), file=sys.stderr, flush=True)
    result["grid"] = of_grid(setting, sides[1], result["variants"], variants)
    return result


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="attrisweep-bench-") as folder:
        result = measure(Setting(**vars(given), folder=Path(folder)))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    kind = "" if given.device == "cpu" else f"-{given.device}-{given.precision}"
    file = OUTPUT / f"{given.arch}-{given.size}{kind}"
    file.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    file.with_suffix(".md").write_text(table.page(result))
    print(table.page(result))


if __name__ == "__main__":
    main()

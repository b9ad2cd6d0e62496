"""What narrower types cost and give: images/s of every variant in each precision, and how far its maps are from single precision's.

Writes target/bench/precision-<device>-<arch>-<size>.md, and the numbers to the .json beside it.
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
import torch
from parts.process import Failed
from safetensors import safe_open

PRECISIONS = ["float32", "tf32", "bfloat16", "float16"]


@dataclasses.dataclass
class Setting:
    """As our side of a benchmark takes it."""

    arch: str
    size: int
    device: str
    threads: int
    folder: Path
    precision: str = ""


def maps_in(file):
    with safe_open(file, "pt") as file:
        (name,) = (name for name in file.keys() if name.startswith("attributions/"))
        return file.get_tensor(name)


def distance(found, expected):
    """Of the maps of a batch: median and largest over the images of the largest difference, as a share of the map's
    peak, and the least cosine."""
    apart = (found - expected).abs().amax((1, 2, 3)) / expected.abs().amax((1, 2, 3)).clamp_min(1e-30)
    cosine = torch.nn.functional.cosine_similarity(found.flatten(1).double(), expected.flatten(1).double())
    return {"median": float(apart.median()), "largest": float(apart.max()), "cosine": float(cosine.min())}


def of_variant(given, setting, probe, variant):
    """By precision: seconds an image, and the distance from single precision. Or the worker's last words."""
    row, exact = {}, None
    for precision in given.precisions:
        setting.precision = precision
        maps = setting.folder / "maps.safetensors"
        try:
            took = ours.measured(setting, probe, [variant], given.images, min(given.batch, given.images), ours.REPEATS, maps)
        except Failed as failure:
            row[precision] = {"failed": str(failure).splitlines()[-1]}
            continue
        found = maps_in(maps)
        exact = found if precision == "float32" else exact
        row[precision] = {**ours.best(setting, took, given.images), **({} if exact is None else distance(found, exact))}
    return row


def cell(of_precision):
    if "failed" in of_precision:
        return of_precision["failed"]
    rate = f"{1 / of_precision['seconds']:.4g}"
    if not of_precision.get("largest"):
        return rate
    return f"{rate}; {of_precision['median']:.1e}, {of_precision['largest']:.1e}, {of_precision['cosine']:.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--methods", type=lambda keys: keys.split(","), metavar="KEY,KEY", help="all sixteen, if none is named")
    parser.add_argument("--precisions", type=lambda words: words.split(","), default=PRECISIONS)
    given = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory(prefix="attrisweep-bench-") as folder:
        setting = Setting(given.arch, given.size, given.device, machine.cores(), Path(folder))
        inputs.make(setting.folder, given.arch, given.size, given.images)
        probe = ours.process(setting)
        for variant in inputs.grid(given.methods):
            row = rows[variant[1]] = of_variant(given, setting, probe, variant)
            print(variant[1], *map(cell, row.values()), sep="  ", file=sys.stderr, flush=True)
    about = {
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "bench/precision.py", *sys.argv[1:]]),
        "machine": machine.facts(machine.cores(), given.device),
    }
    text = f"### {given.arch}, {given.size} px, {given.images} images, batch {given.batch}, by precision\n\n{table.where(about)}\n\n"
    text += table.markdown([["variant", *given.precisions], *([key, *map(cell, row.values())] for key, row in rows.items())])
    output = inputs.ROOT / "target" / "bench"
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"precision-{given.device}-{given.arch}-{given.size}"
    file.with_suffix(".json").write_text(json.dumps({**about, "variants": rows}, indent=1) + "\n")
    file.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()

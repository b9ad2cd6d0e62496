"""What a unit of a sweep costs outside of the engine, and the share of the time in which the device computes.

All of it is taken from real sweeps: the workers' logs say how long each unit was read, waited, computed and written.
Writes target/bench/overhead-<size>.md, and the numbers to the .json beside it.
"""

import argparse
import datetime
import json
import os
import re
import shlex
import statistics
import sys
import tempfile
from pathlib import Path

from parts import inputs, machine, table
from parts.inputs import support

ARCH = "resnet18"
SHARD = 8
IMAGES = 48
# Units that are timed to tell what the scheduler takes.
UNITS = 10 * IMAGES
NOISES = support.NOISES


class Sweeps:
    """Sweeps over the same images, each in a folder of its own."""

    def __init__(self, folder, size, images, device):
        self.folder, self.size, self.devices = folder, size, "cpu" if device == "cpu" else [0]
        support.Sweep.scheduler = inputs.ROOT / "target" / "release" / "scheduler"
        inputs.make(folder / "inputs", ARCH, size, images)

    def run(self, name, methods, *arguments, noises=NOISES[:1], **top):
        """Runs a sweep to its end; its folder."""
        (self.folder / name).mkdir()
        sweep = support.Sweep(self.folder / name, self.folder / "inputs", inputs.FLAG, self.size, **{"devices": self.devices, **top})
        sweep.config["search_space"] |= {"noise_conditions": noises, "attribution_methods": methods}
        sweep.run(*arguments)
        return sweep.folder

    def units(self, *arguments, **options):
        """What the worker's log says of every shard: numbers by name, and when it was done."""
        log = (self.run(*arguments, **options) / "logs" / "worker-0.log").read_text()
        lines = [line for line in log.splitlines() if " done unit=" in line and "/means " not in line]
        return [of_line(line) for line in lines]


def of_line(line):
    words = dict(re.findall(r"(\w+)=(\S+)", line))
    unit = {name: float(value) for name, value in words.items() if name != "unit"}
    unit["at"] = datetime.datetime.fromisoformat(line.split()[0]).timestamp()
    return {**unit, "noise": re.search(r"_noise-(.+)_split-", words["unit"])[1]}


def saliencies(count):
    """Variants that cost little and are all alike."""
    return [{"name": f"Saliency{index}", "class": "Saliency", "params": {}} for index in range(count)]


def reading(units, noise):
    """Seconds of a shard: the least, as a processor that others use too only makes it more."""
    return min(unit["reading"] for unit in units if unit["noise"] == noise)


def writing(units):
    """Seconds of a shard: the median, as disks differ from one time to the next."""
    return statistics.median(unit["writing"] for unit in units)


def stages(sweeps):
    """Rows of the first table: what is done, per what, and the seconds of it."""
    few, many = 1, 9
    one = sweeps.units("few", saliencies(few), store={"shard": SHARD}, noises=NOISES)
    nine = sweeps.units("many", saliencies(many), store={"shard": SHARD})
    raw = {count: sweeps.units(f"raw{count}", saliencies(count), store={"shard": SHARD, "compression": "none"}) for count in (few, many)}
    # The first unit of a worker opens the dataset and reads it through once.
    first, rest = one[0], one[1:]
    clean = reading(rest, "clean")
    rows = [
        ("open the dataset and check it", "worker", first["reading"] - clean),
        ("decode and scale", "image", clean / SHARD),
    ]
    for noise in NOISES[1:]:
        rows.append((f"noise `{noise['type']}`", "image", (reading(rest, noise["name"]) - clean) / SHARD))
    base = [unit for unit in one if unit["noise"] == "clean"]
    for how, small, large in [("compressed", base, nine), ("uncompressed", raw[few], raw[many])]:
        of_map = (writing(large) - writing(small)) / (many - few) / SHARD
        beside = writing(small) / SHARD - few * of_map
        rows += [(f"write a map, {how}", "map", of_map), (f"write what is beside the maps, {how}", "image", beside)]
    return [*rows, ("grant a unit and hear that it is done", "unit", scheduler(sweeps))]


def scheduler(sweeps):
    """Seconds of scheduler and protocol for each unit."""
    program = sweeps.folder / "idle_worker"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).parent / "parts" / "idle_worker.py"))} "$@"\n')
    program.chmod(0o755)
    noises = [{**NOISES[0], "name": f"clean{index}"} for index in range(UNITS // IMAGES)]
    folder = sweeps.run("idle", saliencies(16), "--worker", str(program), noises=noises, store={"shard": 1})
    took = json.loads((folder / "logs" / "worker-0.log").read_text().splitlines()[-1])
    return took["seconds"] / took["units"]


def shares(sweeps, images, **top):
    """How the compute thread spends the time of a sweep of the whole grid, from the first grant to the last file."""
    methods = list({method["name"]: method for method, _, _ in inputs.grid()}.values())
    units = sweeps.units("grid", methods, store={"shard": max(SHARD, images // 4)}, limit=images, **top)
    wall = units[-1]["at"] - (units[0]["at"] - units[0]["seconds"])
    spent = {
        "computing": sum(unit["computing"] for unit in units),
        # Before the first unit it waits for the scheduler, too.
        "waiting for images": units[0]["reading"] + sum(unit["waiting"] for unit in units[1:]),
        "waiting for the writer": sum(unit["blocked"] for unit in units),
    }
    spent["all else: loading the model, the last file"] = wall - sum(spent.values())
    return {what: seconds / wall for what, seconds in spent.items()}, wall, len(units)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, choices=[64, 224], default=64, help="pixels")
    parser.add_argument("--images", type=int, default=2 * SHARD, help="of the sweep over the whole grid")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["float32", "tf32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--only-grid", action="store_true", help="not what the stages of a unit cost")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="attrisweep-bench-") as folder:
        sweeps = Sweeps(Path(folder), given.size, max(given.images, IMAGES), given.device)
        rows = [] if given.only_grid else stages(sweeps)
        share, wall, units = shares(sweeps, given.images, precision=given.precision)
    about = {
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "bench/overhead.py", *sys.argv[1:]]),
        "machine": machine.facts(machine.cores(), given.device),
    }
    result = {**about, "stages": rows, "shares": share, "seconds": wall, "units": units}
    text = f"### Outside of the engine, {given.size} px\n\n{table.where(about)}\n\n"
    text += table.markdown([["what", "ms", "for each"], *([what, f"{1000 * seconds:.3f}", each] for what, each, seconds in rows)])
    text += f"\n\nA sweep of the whole grid, {ARCH}, {given.images} images in {units} shards, {wall:.1f} s:\n\n"
    text += table.markdown([["the compute thread is", "share of the time"], *([what, f"{part:.1%}"] for what, part in share.items())])
    output = inputs.ROOT / "target" / "bench"
    output.mkdir(parents=True, exist_ok=True)
    (output / f"overhead-{given.size}.md").write_text(text + "\n")
    (output / f"overhead-{given.size}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()

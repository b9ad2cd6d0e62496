"""Kills at random over a sweep in each format of stores; every byte is then compared with that of an undisturbed sweep.

    .python/bin/python bench/stores/kills.py --kills 200

Strikes the scheduler, its workers or all of them with SIGKILL, again and again, and starts the sweep anew. A sweep that comes to its end in
between loses a part of its stores, so that there is always something to do. Prints one line a format; exits with 1 where a byte differs.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
import support  # noqa: E402
from support.faults.kills import strike  # noqa: E402

FORMATS = ["zarr", "zarr.zip", "pt"]
IMAGES, SHARD = 10, 4
# Exit codes of a sweep that was killed: its own end, no worker left to answer its questions, SIGKILL.
CODES = {0, 5, -9}


def configured(folder, inputs, form):
    folder.mkdir(parents=True)
    run = support.Sweep(folder, inputs, limit=IMAGES, store={"shard": SHARD, "format": form})
    run.config["search_space"] |= {"noise_conditions": support.NOISES[:2], "attribution_methods": [*support.METHODS[:2], support.METHODS[4]]}
    return run


def content(run):
    """Every file of every store, by path."""
    files = [path for path in run.output.rglob("*") if path.is_file() and path.relative_to(run.output).parts[0].startswith("dataset-")]
    return {str(path.relative_to(run.output)): path.read_bytes() for path in files}


def places(run):
    """Finished stores, in whichever form."""
    return sorted([*run.output.glob("dataset-*.zarr"), *run.output.glob("dataset-*.zarr.zip"), *run.output.glob("dataset-*.pt/model-*")])


def lose_something(run, moments):
    """Removes one store, or a shard of a folder."""
    lost = moments.choice(places(run))
    shards = sorted(lost.rglob("c.*")) if lost.suffix == ".zarr" else []
    if shards and moments.random() < 0.5:
        moments.choice(shards).unlink()
    elif lost.is_dir():
        shutil.rmtree(lost)
    else:
        lost.unlink()


def names(run):
    """Names of all that is in the output folder, unfinished files included."""
    # Folders go while they are listed.
    return {os.path.join(folder, name) for folder, folders, files in os.walk(run.output) for name in (*folders, *files)}


def wait(run, process, longest, moments):
    """Waits for a moment of the whole run, or, mostly, for one of the time in which stores are written."""
    if moments.random() < 0.25:
        time.sleep(moments.uniform(0.05, longest))
        return
    before, until = names(run), time.monotonic() + 60
    while process.poll() is None and names(run) == before and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(moments.uniform(0, longest / 4))


def disturbed(run, kills, longest, moments):
    """Runs the sweep under so many kills, up to `longest` seconds apart; how often it ended with which exit code."""
    done, codes = 0, Counter()
    while done < kills:
        process = run.start()
        while process.poll() is None and done < kills:
            wait(run, process, longest, moments)
            if process.poll() is None:
                done += strike(run, process, moments, frozen=0)
                time.sleep(0.05)
        if done >= kills:
            support.kill(process.pid)
        codes[process.wait(timeout=60)] += 1
        if process.returncode == 0:
            lose_something(run, moments)
    return codes


def of_format(form, kills, seed, folder):
    """A line on one format, and whether every byte is right."""
    inputs, moments, began = folder / "inputs", random.Random(seed), time.monotonic()
    if not inputs.exists():
        support.make_dataset(inputs / "data", "rgb", 28, IMAGES)
        support.make_weights(inputs / "weights", "rgb", "resnet18", 28)
    whole, run = (configured(folder / form / name, inputs, form) for name in ("whole", "killed"))
    started = time.monotonic()
    whole.run()
    codes = disturbed(run, kills, 1.2 * (time.monotonic() - started), moments)
    run.run()
    ours, wanted = content(run), content(whole)
    differing = sorted(path for path in {*ours, *wanted} if ours.get(path) != wanted.get(path))
    verified = subprocess.run([run.scheduler, "verify", "--config", run.file], capture_output=True, text=True, timeout=300)
    sound = not differing and verified.returncode == 0 and set(codes) <= CODES
    told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    line = f"{form:9} {kills} kills, {codes.total()} starts (exit codes {told}), {len(wanted)} files, {len(differing)} differ, verify {verified.returncode}, {time.monotonic() - began:.0f} s"
    return "\n  ".join([line, *differing[:10]]), sound


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--kills", type=int, default=60, help="kills for each format")
    asked.add_argument("--seed", type=int, default=int(os.environ.get("ATTRISWEEP_SEED", "20")))
    asked.add_argument("--formats", nargs="*", default=FORMATS, choices=FORMATS)
    asked.add_argument("--programs", type=Path, default=support.SCHEDULER.parent, help="folder of scheduler and worker")
    asked = asked.parse_args()
    support.Sweep.scheduler = asked.programs / "scheduler"
    print(f"seed {asked.seed}", flush=True)
    all_sound = True
    with tempfile.TemporaryDirectory() as folder:
        for form in asked.formats:
            line, sound = of_format(form, asked.kills, asked.seed, Path(folder))
            print(line, flush=True)
            all_sound &= sound
    return 0 if all_sound else 1


if __name__ == "__main__":
    sys.exit(main())

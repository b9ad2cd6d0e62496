"""One command for the minutes with a GPU: tests that need it, images/s with kernels of ours and without, hidden windows in boxes of one
size, of two, and in whole images, and rows of the bench.

Every row is written as soon as it is there, so that nothing is lost when the loan ends: to <out>/rows.jsonl, and what the steps say to
<out>/log. A step that fails or takes too long is noted, and the next one begins. `--device cpu` rehearses all of it with emulated kernels.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import bench
from parts import inputs, machine, ours
from parts.process import OF_WORKERS, Failed, Process

# Keys of the grid that show what kernels change: one pass, DeepLIFT's rule, integrals, windows.
TELLING = ["Saliency", "InputXGradient", "GuidedBackprop", "DeepLIFT_baselines", "IntegratedGradients_baselines_zero_n_steps_50", "FeatureAblation_patch_size_16"]
# What network's settings read of the environment: without any kernel of ours, and on a CPU with emulated kernels.
PLAIN = {"ATTRISWEEP_MAX_CPU_ISA": "none"}
EMULATED = {"ATTRISWEEP_EMULATE_GPU": "1"}
# Beginnings of keys whose methods hide windows, and the ways to do so: boxes of up to so many sizes along each axis, or whole images.
WINDOWS = ("FeatureAblation", "Occlusion")
BOXES = {"boxes of 1 size": "1", "boxes of 2 sizes": "2", "whole images": "whole"}


class Day:
    """The folder that rows go to, and the time that is left."""

    def __init__(self, out, seconds):
        self.out, self.end = out, time.monotonic() + seconds
        out.mkdir(parents=True, exist_ok=True)

    def left(self):
        return max(0.0, self.end - time.monotonic())

    def row(self, **row):
        with (self.out / "rows.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def step(self, name, command, most):
        """Runs `command` for at most `most` seconds; what it says goes to the log line by line, and is a row where it is JSON."""
        limit, started = min(most, self.left()), time.monotonic()
        if limit < 1:
            return self.row(step=name, ended="no time was left")
        running = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=inputs.ROOT, start_new_session=True)
        # The whole family: a worker that computes would hold the output open.
        timer = threading.Timer(limit, lambda: os.killpg(running.pid, 9))
        timer.start()
        try:
            with (self.out / "log").open("a") as log:
                for line in running.stdout:
                    log.write(f"{name}: {line}")
                    log.flush()
                    if line.startswith("{"):
                        self.row(step=name, **json.loads(line))
        finally:
            timer.cancel()
        code = running.wait()
        self.row(step=name, ended="in time" if code == 0 else f"code {code}", seconds=round(time.monotonic() - started, 1))


def say(**row):
    print(json.dumps(row), flush=True)


def facts(given):
    """What computes here."""
    asked = ["nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        told = str(error)
    say(gpu=told, machine=machine.facts(given.threads, given.device))


def ways(given):
    """Images/s of each telling variant, each way that there is to compute it, for small and large batches."""
    chosen = beginning(given.keys or TELLING)
    with tempfile.TemporaryDirectory(prefix="attrisweep-gpu-") as folder:
        setting = bench.Setting("resnet18", given.size, given.images, None, given.threads, 1, given.device, "float32", Path(folder))
        inputs.make(setting.folder, setting.arch, setting.size, setting.images)
        for precision in given.precisions:
            setting.precision = precision
            for variant in chosen:
                sides = processes(setting, variant[1])
                for batch in given.batches:
                    for side, probe in sides.items():
                        say(key=variant[1], precision=precision, batch=batch, side=side, **took(setting, probe, variant, batch))


def processes(setting, key):
    """A process for each way to compute a variant: with kernels of ours and without; where it hides windows, in boxes and in whole images."""
    like = ours.process(setting)
    kernels = EMULATED if setting.device == "cpu" else {}
    sides = {name: {**kernels, "ATTRISWEEP_BOX_SIZES": sizes} for name, sizes in BOXES.items()} if key.startswith(WINDOWS) else {"kernels": kernels}
    return {name: Process(like.command, like.each, {**OF_WORKERS, **environment}) for name, environment in {**sides, "plain": PLAIN}.items()}


def beginning(keys):
    """Variants of the grid whose keys begin with one of these."""
    return [variant for variant in inputs.grid() if variant[1].startswith(tuple(keys))]


def took(setting, probe, variant, batch):
    """Images/s of the best of two runs, and the peak of memory in MiB, or the worker's last words."""
    try:
        found = ours.best(setting, ours.measured(setting, probe, [variant], setting.images, batch), setting.images)
    except Failed as failure:
        return {"failed": str(failure).splitlines()[-1] if str(failure) else "without a word"}
    return {"images_per_second": round(1 / found["seconds"], 2), "mib": found["peak"] >> 20}


def main():
    parser = argparse.ArgumentParser(prog="make gpu-day ARGS=...", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--size", type=int, choices=[64, 224], default=224, help="pixels")
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--batches", type=lambda sizes: list(map(int, sizes.split(","))), default=[8, 32])
    parser.add_argument("--keys", type=lambda keys: keys.split(","), metavar="KEY,KEY", help="variants whose keys begin so; the bench has all sixteen, if none is named")
    parser.add_argument("--precisions", type=lambda names: names.split(","), default=["float32", "tf32"])
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--worker", type=Path, default=ours.WORKER)
    parser.add_argument("--out", type=Path, default=inputs.ROOT / "target" / "gpu-day")
    parser.add_argument("--only", choices=["facts", "ways"], help="a step by itself, whose rows go to standard output")
    given = parser.parse_args()
    ours.WORKER = given.worker.resolve()
    if given.only:
        return {"facts": facts, "ways": ways}[given.only](given)
    day = Day(given.out, given.seconds)
    own = [sys.executable, inputs.ROOT / "bench" / "gpu_day.py", *sys.argv[1:], "--only"]
    day.step("facts", [*own, "facts"], 60)
    day.step("ways", [*own, "ways"], 0.3 * given.seconds)
    for precision in given.precisions:
        named = ["--methods", ",".join(key for _, key, _ in beginning(given.keys))] if given.keys else []
        side = [sys.executable, inputs.ROOT / "bench" / "bench.py", "--device", given.device, "--precision", precision, "--size", given.size, "--images", min(32, given.images)]
        day.step(f"bench {precision}", [*side, *named, "--budget", 4, "--threads", given.threads, "--worker", given.worker], 0.25 * given.seconds)
    day.step("tests", [sys.executable, "-m", "pytest", "-q", "tests/maps/test_gpu.py"], day.left())
    print(f"{given.out}/rows.jsonl")


if __name__ == "__main__":
    main()

"""Preflight beside bisection: what both find within a budget of memory, and how many batches they run for it.

Bisection doubles the batch until it does not fit (or there are no more images in a shard), then halves what is between, to
the image; each batch in a worker of its own, with the limit that preflight's workers have. Where preflight takes less than
80 % of what bisection finds, other sizes are timed beside its choice. Prints a table in Markdown. With `--sweep N`, a sweep of N shards with what preflight
found follows, and whether any batch of it ran out of memory.

Nothing of it is a test: it takes minutes, and rates mean something on a machine that does nothing else.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from parts import inputs
import yaml
from parts.inputs import support
from parts.process import OF_WORKERS

RELEASE = inputs.ROOT / "target" / "release"
METHODS = ("Saliency", "DeepLIFT_baselines_global_mean", "IntegratedGradients_baselines_zero_n_steps_50", "FeatureAblation_patch_size_16")
# As exit codes of a worker say it.
OUT_OF_MEMORY = (85, 86)
# Turns in which sizes are timed.
TIMED = 5


def most_resident(pid):
    """MiB that the process has had resident at most; none if it has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) >> 10 if found else 0


class Budget:
    """One budget: a folder with config and results, and how preflight starts its workers there."""

    def __init__(self, folder, arguments, memory):
        self.folder, self.arguments, self.memory = folder / memory, arguments, memory
        self.folder.mkdir()
        self.inputs = folder / "inputs"
        # Notes how it is started, and is the worker.
        wrapper = self.folder / "worker"
        wrapper.write_text(f'#!/bin/sh\nif [ "$1" = probe ]; then echo "$@" > {self.folder}/arguments; fi\nexec {RELEASE}/worker "$@"\n')
        wrapper.chmod(0o755)

    def preflight(self, variants):
        """What it finds: by key the entry of the profile; and its own account."""
        config = self.folder / "config.yml"
        paths = {"medmnist_weights_root": "weights", "medmnist_data_root": "data", "means_dir": "means"}
        methods = [{"name": method["name"], "class": method["class"], "params": params} for method, _, params in variants]
        config.write_text(yaml.safe_dump({
            "paths": {name: str(self.inputs / folder) for name, folder in paths.items()} | {"final_output_dir": str(self.folder / "outputs"), "scheduler_log_dir": str(self.folder / "logs")},
            "search_space": {
                "data_flags": [inputs.FLAG], "model_flags": [self.arguments.arch], "splits": ["test"], "image_size": self.arguments.size,
                "noise_conditions": support.NOISES[:1], "attribution_methods": methods,
            },
            "devices": {"cpu": 1}, "memory": self.memory, "store": {"shard": self.arguments.shard}, "limit": self.arguments.shard,
        }))
        self.config = config
        command = [RELEASE / "preflight", "--config", config, "--worker", self.folder / "worker"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr)
        profile = self.folder / "outputs" / "preflight_profile.json"
        profile = json.loads(profile.read_text()) if profile.exists() else {"entries": []}
        return {entry["of"]["key"]: entry for entry in profile["entries"]}, " ".join(done.stdout.splitlines()[:2]), done.stderr

    def sweep(self, shards):
        """What a sweep of so many shards with preflight's batches takes, and how often its worker ran out of memory."""
        config = yaml.safe_load(self.config.read_text())
        self.config.write_text(yaml.safe_dump({**config, "limit": shards * self.arguments.shard}))
        began, resident = time.monotonic(), 0
        process = subprocess.Popen([RELEASE / "scheduler", "--config", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            resident = max(resident, *map(most_resident, support.children(process.pid)), 0)
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(f"exit code {process.returncode} of the sweep")
        log = (self.folder / "logs" / "scheduler.log").read_text()
        batches = " ".join(re.findall(r'sizes="(.*?)"', log)[-1].split())
        burnt = log.count("memory ran out")
        # Before a batch is made smaller.
        emptied = (self.folder / "logs" / "worker-0.log").read_text().count("made of the weights is given back")
        return (
            f"{shards} shards in {time.monotonic() - began:.0f} s with {batches}, {burnt} times out of memory, {emptied} times out of what "
            f"others have made of the weights, {resident} MiB resident at most."
        )

    def ask(self, requests):
        """The answers of one worker, as far as it comes; whether it ran out of memory."""
        command = [RELEASE / "worker", *(self.folder / "arguments").read_text().split()]
        done = subprocess.run(command, input="\n".join(map(json.dumps, requests)), capture_output=True, text=True, env=OF_WORKERS)
        if done.returncode not in (0, *OUT_OF_MEMORY):
            raise SystemExit(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode != 0

    def request(self, variant, batch, repeats=1):
        method, key, params = variant
        return {
            "model": self.arguments.arch, "weights": str(inputs.weights_file(self.inputs, self.arguments.arch, self.arguments.size)),
            "data": str(self.inputs / "data"), "dataset": inputs.FLAG, "split": "test", "size": self.arguments.size, "images": batch,
            "mean": str(inputs.mean_file(self.inputs)), "numerics": {"seed": 0, "precision": "float32", "dtype": "float16", "fold_batch_norm": False},
            "variants": [{"key": key, "class": method["class"], "parameters": params, "semantics": "exact", "batch": batch}],
            "repeats": repeats, "maps": None,
        }

    def bisection(self, variant):
        """The most images that fit, and the batches that were run."""
        tried, good, batch, bad = [], 0, 1, None
        while bad is None or bad - good > 1:
            tried.append(batch)
            _, burnt = self.ask([self.request(variant, batch)])
            good, bad = (good, batch) if burnt else (batch, bad)
            if bad is None and good == self.arguments.shard:
                break
            batch = min(2 * good, self.arguments.shard) if bad is None else (good + bad) // 2
        return good, tried

    def speeds(self, variant, batches):
        """Images a second at each of `batches`: the best of some turns, in each of which every size computes a shard's worth. Others
        of the machine come for seconds and only ever slow down, and a size of which the runs are short must not have more luck."""
        best = dict.fromkeys(batches, 0.0)
        for _ in range(TIMED):
            # The first run of a size makes its kernels.
            requests = [self.request(variant, batch, 1 + math.ceil(self.arguments.shard / batch)) for batch in batches]
            for batch, answer in zip(batches, self.ask(requests)[0]):
                seconds = [run["seconds"] for run in answer["runs"][1:]]
                best[batch] = max(best[batch], batch * len(seconds) / sum(seconds))
        return best


def row(budget, variant, entry):
    """One line of the table."""
    key, chosen = variant[1], entry["batch"]
    most, tried = budget.bisection(variant)
    share, speed = chosen / max(most, 1), ""
    if share < 0.8:
        ladder = sorted({1, chosen, most, *(4**power for power in range(1, 6) if 4**power < most)})
        best = budget.speeds(variant, ladder)
        speed = f"{best[chosen] / max(best.values()):.1%}"
    return f"| {budget.memory} | {key} | {chosen} | {most} | {share:.0%} | {speed} | {entry['bound']} | {len(tried)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--shard", type=int, default=64)
    parser.add_argument("--budgets", default="600MiB,1GiB,2GiB,8GiB")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--sweep", type=int, default=0, metavar="SHARDS")
    arguments = parser.parse_args()
    variants = inputs.grid(arguments.methods.split(","))
    print("| budget | variant | preflight | bisection | share | of the fastest | bound | bisection's batches |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        inputs.make(folder / "inputs", arguments.arch, arguments.size, arguments.shard * max(1, arguments.sweep))
        accounts = []
        for memory in arguments.budgets.split(","):
            budget = Budget(folder, arguments, memory)
            found, account, told = budget.preflight(variants)
            accounts.append(f"{memory}: {account} {len(re.findall('memory alone decides', told))} disturbed.")
            if arguments.sweep:
                accounts.append(budget.sweep(arguments.sweep))
                print(accounts[-1], file=sys.stderr, flush=True)
            for variant in variants:
                if variant[1] in found:
                    print(row(budget, variant, found[variant[1]]), flush=True)
                else:
                    print(f"| {memory} | {variant[1]} | not found |", flush=True)
    print("", *accounts, sep="\n")


if __name__ == "__main__":
    main()

"""Our side of a benchmark: `worker probe`, in processes of their own."""

import json
import subprocess

import inputs
from inputs import conftest

WORKER = inputs.ROOT / "target" / "release" / "worker"
# Runs of which the best counts; as many more as there are in so many seconds.
REPEATS, LEAST = 2, 1.0
MOST_REPEATS = 100


class Failed(Exception):
    """A probe that did not end well, in the worker's words."""


def probe(setting, variants, images, batch, repeats=REPEATS, maps=None):
    """Every run of `variants` together on the first `images` images, as the worker measured it."""
    folder, arch, size = setting.folder, setting.arch, setting.size
    asked = [conftest.asked([{**method, "params": params}], "captum_patched", batch)[0] for method, _, params in variants]
    for of_variant, (_, key, _) in zip(asked, variants):
        of_variant["key"] = key
    request = {
        "model": arch,
        "weights": str(inputs.weights_file(folder, arch, size)),
        "data": str(folder / "data"),
        "dataset": inputs.FLAG,
        "split": "test",
        "size": size,
        "images": images,
        "mean": str(inputs.mean_file(folder)),
        "numerics": {"seed": 0, "precision": "float32", "dtype": "float32", "fold_batch_norm": False},
        "variants": asked,
        "repeats": repeats,
        "maps": str(maps) if maps else None,
    }
    command = [WORKER, "probe", "--device", "cpu", "--threads", str(setting.threads)]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def best(measured, images):
    """Least seconds an image, and the highest peak."""
    runs = measured["runs"]
    return {"seconds": min(run["seconds"] for run in runs) / images, "images": images, "peak": max(run["peak"] for run in runs)}


def measure(setting, variants, maps):
    """What each batch takes on as many images as the budget allows, or the worker's last words."""
    try:
        image = probe(setting, variants, 1, 1)["runs"][-1]["seconds"]
        images = min(setting.images, max(1, int(setting.budget / image / REPEATS / len(setting.batches))))
        repeats = min(MOST_REPEATS, max(REPEATS, int(LEAST / image / images)))
        found, floor = {}, 0
        for batch in sorted({min(batch, images) for batch in setting.batches}):
            measured = probe(setting, variants, images, batch, repeats, maps)
            found[batch], floor = best(measured, images), measured["floor"]
        return {"batches": found, "floor": floor}
    except Failed as failure:
        return {"failed": str(failure)}

"""Our side of a benchmark: `worker probe`, on the CPU in processes of their own."""

from parts import inputs
from parts.inputs import support
from parts.process import OF_WORKERS, Failed, Process

WORKER = inputs.ROOT / "target" / "release" / "worker"
# Runs of which the best counts; as many more as there are in so many seconds.
REPEATS, LEAST = 2, 1.0
MOST_REPEATS = 100


def process(setting):
    device = ["cpu", "--threads", str(setting.threads)] if setting.device == "cpu" else [setting.device]
    return Process([WORKER, "probe", "--device", *device], setting.device == "cpu", OF_WORKERS)


def measured(setting, probe, variants, images, batch, repeats=REPEATS, maps=None):
    """Every run of `variants` together on the first `images` images, as the worker measured it."""
    folder, arch, size = setting.folder, setting.arch, setting.size
    asked = [support.asked([{**method, "params": params}], "captum_patched", batch)[0] for method, _, params in variants]
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
        "numerics": {"seed": 0, "precision": setting.precision, "dtype": "float32", "fold_batch_norm": False},
        "variants": asked,
        "repeats": repeats,
        "maps": str(maps) if maps else None,
    }
    return probe.ask(request)


def best(setting, measured, images):
    """Least seconds an image, and the highest peak: of the process, or of the GPU's memory."""
    runs, bytes = measured["runs"], "peak" if setting.device == "cpu" else "bytes"
    return {"seconds": min(run["seconds"] for run in runs) / images, "images": images, "peak": max(run[bytes] for run in runs)}


def measure(setting, probe, variants, maps):
    """What each batch takes on as many images as the budget allows, or the worker's last words."""
    if setting.device != "cpu":
        return measure_largest(setting, probe, variants, maps)
    try:
        image = measured(setting, probe, variants, 1, 1)["runs"][-1]["seconds"]
        images = min(setting.images, max(1, int(setting.budget / image / REPEATS / len(setting.batches))))
        repeats = min(MOST_REPEATS, max(REPEATS, int(LEAST / image / images)))
        found, floor = {}, 0
        for batch in sorted({min(batch, images) for batch in setting.batches}):
            took = measured(setting, probe, variants, images, batch, repeats, maps)
            found[batch], floor = best(setting, took, images), took["floor"]
        return {"batches": found, "floor": floor}
    except Failed as failure:
        return {"failed": str(failure)}


def measure_largest(setting, probe, variants, maps):
    """The same on a GPU: all images, in the largest batch."""
    batch = max(setting.batches)
    try:
        took = measured(setting, probe, variants, setting.images, batch, REPEATS, maps)
    except Failed as failure:
        return {"failed": str(failure)}
    return {"batches": {batch: best(setting, took, setting.images)}, "floor": took["base"]}

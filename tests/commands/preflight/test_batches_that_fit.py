"""`preflight` finds batches that are fast and fit, and says what does not fit."""

import json
import pathlib
import re
import subprocess

from support import METHODS, WORKER, asked

MIB = 1 << 20


def test_batches_fit_the_memory_and_a_sweep_with_them_never_runs_out(flight):
    run = flight(memory="380MiB")
    done = run.preflight()
    found = run.entries()
    assert run.results() == {"resnet18": {key: entry["batch"] for key, entry in found.items()}}
    assert found.keys() == {"Saliency", "DeepLIFT_baselines_zero"}
    for entry in found.values():
        assert entry["bytes"]["base"] + entry["bytes"]["per_image"] * entry["batch"] < 380 * MIB
        assert 1 <= entry["batch"] <= 24 and entry["images_per_second"] > 0 and entry["by"] == "preflight"
    processes, bisection = map(int, re.search(r"(\d+) processes and \d+ sizes of a batch. Bisection .* takes (\d+) processes", done.stdout).groups())
    assert 3 * processes <= bisection
    run.run()
    assert run.granted() == {key: str(entry["batch"]) for key, entry in found.items()}
    assert "out of memory" not in run.logs()
    # Only what is missing is measured, and what was found for more memory than there is.
    assert "0 batch sizes found, 0 known before, 2 not found" in run.preflight("--memory", "300MiB", code=1).stdout
    assert "0 batch sizes found, 2 known before" in run.preflight().stdout
    run.config["search_space"]["attribution_methods"].append(METHODS[1])
    assert "1 batch sizes found, 2 known before" in run.preflight().stdout


def held(run, model="resnet18"):
    """Bytes that a worker holds before its next batch, once it has computed each of the variants."""
    space = run.config["search_space"]
    request = {"model": model, "weights": str(next(pathlib.Path(run.config["paths"]["medmnist_weights_root"]).rglob(f"weights_rgb/{model}_28_*")))}
    request |= {"data": run.config["paths"]["medmnist_data_root"], "dataset": "rgb", "split": "test", "size": 28, "images": 4, "mean": None, "repeats": 1, "maps": None}
    request["numerics"] = {"seed": 0, "precision": "float32", "dtype": "float16", "fold_batch_norm": False}
    requests = [{**request, "variants": [variant]} for variant in asked(space["attribution_methods"], "exact", 4)]
    text = "".join(json.dumps(request) for request in [*requests, requests[0]])
    done = subprocess.run([WORKER, "probe", "--device", "cpu", "--threads", "1"], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line)["base"] for line in done.stdout.splitlines()]


def test_a_sweep_whose_variants_fit_one_by_one_but_not_all_together_is_computed_to_the_end(flight):
    """Each makes something of the weights for itself, which a worker keeps as long as there is memory for it."""
    ablation = {"name": "FA", "class": "FeatureAblation", "params": {"patch_size": 14}}
    run = flight([METHODS[0], ablation], store={"shard": 4})
    loaded, *_, all_of_them = held(run)
    assert all_of_them - loaded > 60 * MIB, "of 45 MiB of weights"
    # Preflight leaves 32 MiB for images and maps in flight: of these layouts, 66 MiB, the larger one fits by itself.
    run.config["memory"] = all_of_them - 2 * MIB
    done = run.preflight()
    assert "2 batch sizes found" in done.stdout and " 1 processes" in done.stdout, done.stdout
    run.run()
    assert "is given back" in run.logs() and "half of it" not in run.logs() and " failed unit=" not in run.logs()


def test_a_model_that_does_not_fit_is_told_and_the_rest_goes_on(flight):
    run = flight([METHODS[0]], models=("resnet18", "vit_cifar"))
    # What a worker holds is partly what the system has read of the libraries, which differs from machine to machine.
    small, large = held(run, "vit_cifar")[-1], held(run)[-1]
    assert large - small > 24 * MIB, (small, large)
    # Halfway, with what preflight leaves for images and maps in flight.
    run.config["memory"] = (small + large) // 2 + 32 * MIB
    done = run.preflight(code=1)
    assert re.search(r"resnet18 Saliency: one image at once does not fit: the worker may hold [0-9.]+ MiB, and images and maps in flight take ", done.stdout), done.stdout
    assert run.results().keys() == {"vit_cifar"}


def test_memory_that_images_in_flight_use_up_is_told_before_anything_is_started(flight):
    run = flight([METHODS[0]], memory="2MiB")
    done = run.preflight(code=1)
    assert "there is no room for a model: the worker may hold 2 MiB" in done.stdout
    assert "0 processes" not in done.stdout and not (run.output / "preflight_results.json").exists()

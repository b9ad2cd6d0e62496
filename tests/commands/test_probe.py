"""`worker probe` computes what a sweep computes, and says what is wrong with a request."""

import json
import re
import subprocess

import numpy as np
import pytest
import zarr
from support import DETERMINISTIC, METHODS, WORKER, asked
from safetensors.numpy import load_file

SHAP = {"name": "GradientShap", "class": "GradientShap", "params": {"baselines": "combined_zng", "n_samples": 4}}
COMPARED = [*METHODS, DETERMINISTIC[1], DETERMINISTIC[2], SHAP]


@pytest.fixture
def request_of(inputs, tmp_path):
    """A request that is right, but for `changes`."""

    def make(**changes):
        return {
            "model": "resnet18",
            "weights": str(inputs / "weights" / "weights_rgb" / "resnet18_28_1.pth"),
            "data": str(inputs / "data"),
            "dataset": "rgb",
            "split": "test",
            "size": 28,
            "images": 3,
            "mean": None,
            "numerics": {"seed": 0, "precision": "float32", "dtype": "float32", "fold_batch_norm": False},
            "variants": asked(METHODS[:1], "exact", 2),
            "repeats": 1,
            "maps": str(tmp_path / "maps.safetensors"),
            **changes,
        }

    return make


def probe(request, threads=1):
    command = [WORKER, "probe", "--device", "cpu", "--threads", str(threads)]
    return subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=300)


def test_a_probe_computes_what_a_sweep_stores(sweep, request_of, tmp_path):
    run = sweep(devices={"cpu": 1}, store={"shard": 4, "dtype": "float32"}, limit=3, batch_size=2)
    run.config["search_space"]["attribution_methods"] = COMPARED
    run.run()
    (threads,) = re.findall(r"cpu, (\d+) thread", (run.folder / "logs" / "worker-0.log").read_text())
    mean = str(run.folder / "means" / "rgb_mean.pt")
    done = probe(request_of(variants=asked(COMPARED, "exact", 2), mean=mean, repeats=2), threads)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert len(measured["runs"]) == 2
    for of_run in measured["runs"]:
        assert of_run["seconds"] > 0 and of_run["peak"] >= measured["floor"] > 1 << 20
    found = load_file(tmp_path / "maps.safetensors")
    store = zarr.open_group(run.stores()[0], mode="r")
    expected = {name: store[name][:] for name in ("images", "model_predictions")}
    expected |= {f"attributions/{key}": array[:] for key, array in store["attributions"].arrays()}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values), name


def changed(**changes):
    return [{**asked(METHODS[:1], "exact", 2)[0], **changes}]


# Each: what is asked for instead, and what the message must say.
WRONG = [
    ({"model": "resnet19"}, "model `resnet19` is not known; known: resnet18, "),
    ({"weights": "nowhere.pth"}, "cannot read weights `nowhere.pth`: "),
    ({"dataset": "nowhere"}, "no data for `nowhere` at 28 px: expected `"),
    ({"split": "tset"}, "rgb.npz` has no member `tset_images`; it has: "),
    ({"images": 25}, "rgb.npz` has 24 images, 25 were asked for"),
    ({"mean": "nowhere.pt"}, "cannot read mean image `nowhere.pt`: "),
    ({"variants": changed(**{"class": "Salience"})}, "unknown method `Salience`, did you mean `Saliency`?"),
    ({"variants": changed(parameters={"n_steps": 5})}, "variant `Saliency`: parameter `n_steps`: unknown parameter"),
    ({"variants": changed(batch=0)}, "variant `Saliency`: a batch of 0 images was asked for"),
    ({"variants": changed(**{"class": "Occlusion", "parameters": {"sliding_window_shapes": 4, "strides": 9}})}, "`strides` is [9], expected"),
    ({"variants": asked(DETERMINISTIC[1:2], "exact", 2)}, "mean image"),
    ({"maps": "nowhere/maps.safetensors"}, "cannot write maps to `nowhere/maps.safetensors`: "),
    ({"limit": 3}, "standard input: unknown field `limit`, expected "),
]


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_request_that_cannot_be_computed_is_told_in_one_sentence(request_of, changes, message):
    done = probe(request_of(**changes))
    assert done.returncode == 81, done.stderr
    assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""

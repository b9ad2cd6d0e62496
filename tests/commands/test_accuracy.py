"""Weights that fit by names and shapes may be another network's: how many images are predicted right is told, and doubted."""

import json
import subprocess

import numpy as np
import zarr
from support import METHODS, SCHEDULER, Sweep, make_dataset, make_weights

IMAGES = 60


def labelled(folder, labels):
    """The data set of a sweep with other labels in its split `test`."""
    file = folder / "data" / "odd.npz"
    members = dict(np.load(file))
    members["test_labels"] = labels.astype(np.uint8).reshape(-1, 1)
    np.savez_compressed(file, **members)


def swept(folder):
    run = Sweep(folder, folder, flag="odd", store={"shard": 32})
    run.config["search_space"]["attribution_methods"] = [METHODS[0]]
    return run


def logits(run):
    (store,) = run.stores()
    return zarr.open_group(store, mode="r")["model_predictions"][:]


def status(run):
    done = subprocess.run([SCHEDULER, "status", "--config", run.file, "--json"], capture_output=True, text=True, check=True)
    (store,) = json.loads(done.stdout)["stores"]
    return store


def test_images_that_are_predicted_right_are_counted_and_chance_is_doubted(tmp_path):
    make_dataset(tmp_path / "data", "odd", 28, IMAGES)
    make_weights(tmp_path / "weights", "odd", "resnet18", 28)
    run = swept(tmp_path)
    run.run()
    predicted = logits(run).argmax(1)
    rng = np.random.default_rng(3)
    # Labels that have nothing to do with the images, then those that the model gives, but for seven.
    others = (predicted + rng.integers(0, 4, IMAGES)) % 4
    mostly = predicted.copy()
    mostly[:7] = (mostly[:7] + 1) % 4
    for index, (labels, doubtful) in enumerate([(others, True), (mostly, False)]):
        labelled(tmp_path, labels)
        run.config["paths"]["final_output_dir"] = str(tmp_path / f"out{index}")
        run.output = tmp_path / f"out{index}"
        right = int((labels == predicted).sum())
        told = f"{right} of {IMAGES} images predicted right"
        for done in (run.run(), run.run("--check")):
            assert told in done.stdout, done.stdout
            assert ("Warning: dataset-odd_model-resnet18" in done.stdout) == doubtful, done.stdout
        found = status(run)
        assert (found["right"], found["predicted"]) == (right, IMAGES)
        assert (found["doubt"] is not None) == doubtful


def test_before_anything_is_predicted_nothing_is_told(tmp_path):
    make_dataset(tmp_path / "data", "odd", 28, 4)
    make_weights(tmp_path / "weights", "odd", "resnet18", 28)
    run = swept(tmp_path)
    assert "predicted right" not in run.run("--check").stdout
    assert status(run)["right"] is None

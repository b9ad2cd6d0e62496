"""`expect:`: what the author of weights has measured is measured again before anything is computed."""

import numpy as np
import pytest
import torch
from support import METHODS, Sweep, make_dataset, make_model, make_weights

IMAGES, LABELS = 40, 4


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with a data set and weights; logits by torch, and the share of images that torch predicts right."""
    folder = tmp_path_factory.mktemp("measured")
    make_dataset(folder / "data", "rgb", 28, IMAGES)
    make_weights(folder / "weights", "rgb", "resnet18", 28)
    file = folder / "data" / "rgb.npz"
    members = dict(np.load(file))
    images = torch.from_numpy(members["test_images"]).permute(0, 3, 1, 2).float() / 255 * 2 - 1
    with torch.no_grad():
        logits = make_model("resnet18", 28)(images)
    # Nine of ten are right.
    labels = logits.argmax(1).numpy()
    labels[::10] = (labels[::10] + 1) % LABELS
    np.savez_compressed(file, **{**members, "test_labels": labels.astype(np.uint8).reshape(-1, 1)})
    return folder, logits


@pytest.fixture
def run(tmp_path, measured):
    run = Sweep(tmp_path, measured[0])
    run.config["search_space"]["attribution_methods"] = [METHODS[0]]
    return run


def expected(run, *expectations):
    run.config["expect"] = [{"model": "resnet18", **expectation} for expectation in expectations]
    return run


def test_a_sweep_whose_weights_do_what_was_measured_is_computed(run, measured):
    logits = measured[1][7].tolist()
    expected(run, {"accuracy": 0.9}, {"dataset": "rgb", "split": "test", "image": 7, "logits": logits}, {"accuracy": 0.9, "images": 13}).run()
    assert run.maps()
    # What is complete is not measured again.
    expected(run, {"accuracy": 0.1}).run()


def test_weights_that_fit_and_do_something_else_are_refused_before_anything_is_written(run, measured):
    logits = [logit + 0.01 * measured[1][7].abs().max().item() * (at == 2) for at, logit in enumerate(measured[1][7].tolist())]
    told = expected(run, {"accuracy": 0.95}, {"image": 7, "logits": logits}).run(code=3).stderr
    assert "resnet18 predicts 90.0 % of 40 images right, expected 95.0 %, within 0.5 %" in told, told
    assert "resnet18 predicts logit 2 of image 7 as " in told and "may hold another network's weights" in told, told
    assert told.count("config.yml:") == 2, told
    assert not run.stores()


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        ({"accuracy": 95}, "found `95`, expected a share from 0 to 1 (0.958 for 95.8 %)"),
        ({"image": 3}, "expected `accuracy`, or `image` and its `logits`"),
        ({"accuracy": 0.9, "split": "val"}, "the config has no resnet18 on any dataset, split `val`"),
        ({"accuracy": 0.9, "epochs": 3}, "unknown key"),
    ],
)
def test_what_cannot_be_expected_is_told_with_the_config(run, expectation, words):
    assert words in expected(run, expectation).run("--check", code=3).stderr


@pytest.mark.parametrize(
    ("expectation", "words"),
    [({"image": 40, "logits": [0.0] * 4}, "found image 40, `test` of `rgb` has 40"), ({"image": 1, "logits": [0.0] * 3}, "found 3 logits, resnet18 has 4 classes")],
)
def test_an_image_or_a_class_that_is_not_there_cannot_be_expected(run, expectation, words):
    assert words in expected(run, expectation).run(code=3).stderr

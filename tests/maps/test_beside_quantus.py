"""Scores of real maps and a real model beside those of Quantus, where it is right: the same curves, image by image."""

import numpy
import pytest
import zarr
from support import make_model

quantus = pytest.importorskip("quantus", exc_type=ImportError)

METRICS = [
    {"class": "PixelFlipping", "params": {"per_step": 392}, "channels": "each", "semantics": "quantus"},
    {"class": "Selectivity", "params": {"patch_size": 7}, "semantics": "quantus"},
    {"class": "RegionPerturbation", "params": {"patch_size": 7}},
    {"class": "Sparseness"},
    {"class": "Complexity"},
]
# Quiet, image by image, and maps as they are.
QUIET = {"disable_warnings": True, "display_progressbar": False, "return_aggregate": False, "normalise": False, "abs": False}


def curves(metric, model, images, targets, maps):
    """Heights after each step, one row an image."""
    return numpy.stack(metric(model=model, x_batch=images, y_batch=targets, a_batch=maps, device="cpu", softmax=True))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, inputs):
    from support import Sweep

    # In single precision: Quantus sorts equal values in any order, and half precision has many.
    run = Sweep(tmp_path_factory.mktemp("quantus"), inputs, limit=4, store={"shard": 4, "dtype": "float32"}, evaluation=METRICS)
    run.config["search_space"]["attribution_methods"] = [{"name": "InputXGradient", "class": "InputXGradient", "params": {}}]
    run.run()
    (store,) = run.stores()
    group = zarr.open_group(store, mode="r")
    images, maps = group["images"][:], group["attributions"]["InputXGradient"][:]
    targets = group["model_predictions"][:].argmax(1)
    scores = {key.split("_")[0]: group["scores"][key]["InputXGradient"][:] for key in group["scores"].keys()}
    return scores, images, targets, maps


def test_curves_are_those_of_quantus(evaluated):
    scores, images, targets, maps = evaluated
    model = make_model("resnet18", 28).eval()
    flipped = curves(quantus.PixelFlipping(features_in_step=392, perturb_baseline="black", **QUIET), model, images, targets, maps)
    numpy.testing.assert_allclose(scores["PixelFlipping"], numpy.trapezoid(flipped, axis=1), rtol=1e-4)
    removed = curves(quantus.Selectivity(patch_size=7, perturb_baseline="black", **QUIET), model, images, targets, maps)
    numpy.testing.assert_allclose(scores["Selectivity"], numpy.trapezoid(removed, axis=1), rtol=1e-4)
    falls = curves(quantus.RegionPerturbation(patch_size=7, regions_evaluation=16, perturb_baseline="black", **QUIET), model, images, targets, maps)
    numpy.testing.assert_allclose(scores["RegionPerturbation"], falls.sum(1) / 17, rtol=1e-4, atol=1e-6)


def test_shapes_are_those_of_quantus_for_one_image_at_a_time(evaluated):
    scores, images, targets, maps = evaluated
    model = make_model("resnet18", 28).eval()
    for name, metric in (("Sparseness", quantus.Sparseness), ("Complexity", quantus.Complexity)):
        # The largest value of a batch counts in Quantus: so one by one. It changes its input: so copies. It takes no negative values.
        each = [
            metric(**{**QUIET, "abs": True, "normalise": True})(model=model, x_batch=images[[i]].copy(), y_batch=targets[[i]], a_batch=maps[[i]].copy(), device="cpu")[0]
            for i in range(len(images))
        ]
        # Quantus adds 1e-7 of the largest value to each.
        numpy.testing.assert_allclose(scores[name], each, rtol=2e-5)

"""Metrics of Quantus take what the package gives them."""

import attrisweep
import numpy as np
import pytest
import torch
from support import make_model

# OpenCV, which Quantus imports, needs libGL of the machine: scripts/setup.sh says so where it is missing.
quantus = pytest.importorskip("quantus", exc_type=ImportError)

pytestmark = [pytest.mark.xdist_group("python"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def model():
    return make_model("resnet18", 28)


def test_the_classes_are_those_that_the_model_predicts_for_the_images(group, model):
    given = attrisweep.quantus_arguments(group, "Saliency")
    with torch.no_grad():
        assert model(torch.from_numpy(given["x_batch"])).argmax(1).tolist() == given["y_batch"].tolist()
    assert np.array_equal(given["a_batch"], group.maps("Saliency").values.astype(np.float32))


def test_a_metric_without_a_model_gives_the_number_of_its_definition(group, model):
    given = attrisweep.quantus_arguments(group, "InputXGradient", images=[3, 8])
    found = quantus.Complexity(disable_warnings=True)(model=model, **given)
    maps = np.abs(group.maps("InputXGradient", images=[3, 8]).values.astype(np.float64)).reshape(2, -1)
    shares = maps / maps.sum(1, keepdims=True)
    # The entropy of the shares of the map's absolute values; a share of zero adds nothing.
    entropy = -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(1)
    assert np.allclose(found, entropy, rtol=1e-4)


def test_a_metric_that_asks_the_model_runs_on_the_stored_maps(group, model):
    metric = quantus.FaithfulnessCorrelation(nr_runs=10, subset_size=200, return_aggregate=False, disable_warnings=True, display_progressbar=False)
    found = []
    for sign in (1, -1):
        given = attrisweep.quantus_arguments(group, "IG_n_steps_5", images=range(4))
        # Quantus draws the pixels that it takes away from numpy's global state.
        np.random.seed(0)
        found.append(metric(model=model, device="cpu", **{**given, "a_batch": sign * given["a_batch"]}))
    # A correlation with the map turns with the map's sign.
    assert len(found[0]) == 4 and np.allclose(found[0], -np.array(found[1])) and np.abs(found[0]).max() > 0.01


def test_maps_that_a_metric_asks_for_again_are_looked_up(group, model):
    given = attrisweep.quantus_arguments(group, "Saliency", images=range(4))
    del given["a_batch"]
    found = quantus.Sparseness(disable_warnings=True)(model=model, **given)
    again = quantus.Sparseness(disable_warnings=True)(model=model, **attrisweep.quantus_arguments(group, "Saliency", images=range(4)))
    assert found == again and all(0 < value < 1 for value in found)


def test_maps_that_no_store_has_are_refused_not_made_up(group, model):
    given = attrisweep.quantus_arguments(group, "Saliency", images=range(4))
    changing = quantus.AvgSensitivity(nr_samples=1, disable_warnings=True, display_progressbar=False)
    with pytest.raises(attrisweep.NotWrittenError, match="rgb/resnet18/clean/test, Saliency: .*an image that was not given"):
        changing(model=model, device="cpu", **given)
    other = (given["y_batch"][:1] + 1) % 4
    with pytest.raises(attrisweep.NotWrittenError, match=f"a map of class {other[0]}, and the map there is explains class {given['y_batch'][0]}"):
        given["explain_func"](model, given["x_batch"][:1], other)
    with pytest.raises(attrisweep.NotWrittenError, match="no image with a map of Saliency"):
        attrisweep.quantus_arguments(group, "Saliency", images=[])

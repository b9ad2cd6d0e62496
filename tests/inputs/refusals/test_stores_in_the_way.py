"""Stores that are there already: those of another config, of other inputs or of another program are left alone."""

import pytest
import torch
from support import METHODS, make_dataset, make_model, make_weights


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        ("seed", 7, "seed is 0 in the store and 7 in the config"),
        ("store.dtype", "float32", 'dtype is "float16" in the store and "float32" in the config'),
        ("limit", 8, "images is 12 in the store and 8 in the config"),
    ],
)
def test_a_store_of_another_config_is_refused_and_left_alone(own, path, value, difference):
    run, _, _ = own
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    before = run.digests()
    run.change(path, value)
    assert difference in run.run(code=4).stderr
    assert run.digests() == before


def test_changed_data_and_changed_weights_are_refused(own):
    run, data, weights = own
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    before = run.digests()
    torch.save({"net": make_model("resnet18", 28, seed=5).state_dict()}, weights)
    assert "weights_sha256 is" in run.run(code=4).stderr
    make_weights(data.parent.parent / "weights", "rgb", "resnet18", 28)
    make_dataset(data.parent, "rgb", 28, 12, seed=9)
    assert "data is" in run.run(code=4).stderr
    assert run.digests() == before


def test_a_store_of_the_python_scripts_is_left_alone(own):
    run, _, _ = own
    theirs = run.output / "dataset-rgb_model-resnet18_noise-clean_split-test.zarr"
    theirs.mkdir(parents=True)
    (theirs / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {"data_flag": "rgb"}}')
    assert "was not written by attrisweep" in run.run(code=4).stderr
    assert [path.name for path in theirs.iterdir()] == ["zarr.json"]

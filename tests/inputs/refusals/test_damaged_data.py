"""Data sets that are damaged or have labels of another form, and maps that would hold no numbers."""

import shutil
import zipfile

import numpy as np
import pytest
import torch
import zarr
from support import make_model


def test_a_truncated_npz_is_told_before_anything_starts(own):
    run, data, _ = own
    data.write_bytes(data.read_bytes()[:-1000])
    assert "rgb.npz` is not a readable .npz archive" in run.run(code=3).stderr
    assert not run.output.exists()


@pytest.mark.parametrize("compressed", [True, False])
def test_of_damaged_pixels_no_map_is_written(own, compressed):
    run, data, _ = own
    if not compressed:
        with np.load(data) as file:
            np.savez(data, **file)
    run.config["limit"] = 4
    bytes_ = bytearray(data.read_bytes())
    with zipfile.ZipFile(data) as archive:
        entry = archive.getinfo("test_images.npy")
    middle = entry.header_offset + 100 + entry.compress_size // 2
    bytes_[middle] ^= 0x10
    data.write_bytes(bytes_)
    told = run.run(code=1).stderr
    assert "damaged" in told and "test_images" in told
    assert not list(run.output.rglob("c.*"))


def test_labels_of_a_multi_label_set_are_kept_and_have_no_class_means(own):
    run, data, _ = own
    with np.load(data) as file:
        members = dict(file)
    members["test_labels"] = np.eye(12, 5, dtype=np.uint8)
    np.savez(data, **members)
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    assert np.array_equal(store["labels"][:], np.eye(12, 5))
    assert list(store["means"]) == ["overall"]


def test_a_map_that_is_not_finite_is_an_error_of_its_unit_and_not_a_value_in_the_store(own):
    run, _, weights = own
    state = make_model("resnet18", 28).state_dict()
    # Finite weights whose products overflow single precision.
    for name in ("layer3.0.conv1.weight", "layer4.0.conv1.weight", "fc.weight"):
        state[name] *= 1e30
    torch.save(state, weights)
    assert "holds NaN or infinity" in run.run(code=1).stderr
    assert not list(run.output.rglob("attributions/*/c.*"))


def test_a_value_that_float16_cannot_hold_is_refused_and_float32_holds_it(own):
    run, _, weights = own
    state = make_model("resnet18", 28).state_dict()
    state["fc.weight"] *= 1e9
    torch.save(state, weights)
    assert "does not fit into float16; set `store: {dtype: float32}`" in run.run(code=1).stderr
    shutil.rmtree(run.output)
    run.config["store"]["dtype"] = "float32"
    run.run()

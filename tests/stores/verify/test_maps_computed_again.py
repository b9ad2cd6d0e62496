"""`scheduler verify` computes a sample of the maps again: wrong ones are found, and who computed them counts."""

import hashlib
import json

import numpy as np
import pytest
import zarr
from support import Sweep, make_weights

KEY = "IntegratedGradients_baselines_zero_n_steps_5"


def exchanged(run, key, one, other):
    """Two maps of a variant in each other's place, written by zarr-python: every checksum is right."""
    (store,) = run.stores()
    maps = zarr.open_group(store, mode="r+")["attributions"][key]
    maps[one], maps[other] = maps[other], maps[one]


@pytest.mark.parametrize("key", ["Saliency", KEY])
def test_two_maps_that_were_exchanged_are_found_and_made_anew(run, key):
    before = run.digests()
    exchanged(run, key, 1, 6)
    told = run.verify(code=7)
    for shard, image in enumerate([1, 6]):
        path = f"attributions/{key}/c.{shard}.0.0.0: the map of image {image} is not the one of the stored image and model"
        assert path in told, told
    assert told.count("unsound: ") == 2 * (3 if key == KEY else 2), told
    run.verify("--redo", code=7)
    run.run()
    assert run.digests() == before
    assert "20 maps were computed again" not in told and "30 maps were computed again" in run.verify(code=0)


def test_maps_of_two_variants_that_were_exchanged_are_found_by_a_sample_of_one(run):
    (store,) = run.stores()
    one, other = (store / "attributions" / key / "c.0.0.0.0" for key in ("IntegratedGradients_baselines_zero_n_steps_5", "IntegratedGradients_baselines_zero_n_steps_12"))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert "is not the one of the stored image" in run.verify(code=7)


def test_maps_that_are_off_as_those_of_wrong_kernels_were_are_found(run):
    (store,) = run.stores()
    maps = zarr.open_group(store, mode="r+")["attributions"]["Saliency"]
    image = maps[3]
    image[:, 20:] *= 1.05
    maps[3] = image
    told = run.verify(code=7)
    assert "the map of image 3 is not the one" in told and "accepted" in told


def test_what_single_precision_has_moved_within_tolerance_is_told_with_the_variant_and_how_far(run):
    (store,) = run.stores()
    maps = zarr.open_group(store, mode="r+")["attributions/Saliency"]
    values = maps[:].astype(np.float32)
    for image in values:
        at = np.unravel_index(image.argmax(), image.shape)
        # Of the length of a map it is little.
        image[at] *= 0.996
    maps[:] = values
    told = run.verify(code=0)
    assert "Single precision has moved maps of Saliency by up to 0.4 % of their peak (image " in told, told
    assert "Everything is there and sound" in told and f"maps of {KEY}" not in told, told


def test_without_time_one_map_of_each_variant_is_computed_again(run):
    assert "; 3 maps were computed again" in run.verify("--seconds", "0", code=0)
    assert "computed again" not in run.verify("--sample", "0", code=0)


def test_without_a_worker_all_but_predictions_and_what_maps_show_is_read(run):
    told = run.verify("--worker", "/nonexistent", code=7)
    assert "predictions and maps were not compared: cannot start `/nonexistent`" in told and "unsound:" not in told
    assert "Everything is there and sound" in run.verify("--worker", "/nonexistent", "--sample", "0", code=0)


def with_facts(store, change):
    """The store as if another build of the program had written it, with its facts changed, sealed as it seals."""
    for file in (store / "attributions" / "zarr.json", store / "zarr.json"):
        root = json.loads(file.read_text())
        ours = root["attributes"]["attrisweep"]
        change(ours["fingerprint"])
        ours["digest"] = ""
        if "consolidated_metadata" in root:
            root["consolidated_metadata"]["metadata"]["attributions"] = json.loads((store / "attributions" / "zarr.json").read_text())
        ours["digest"] = hashlib.sha256(json.dumps(root, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        file.write_text(json.dumps(root, indent=2, ensure_ascii=False) + "\n")


def test_a_store_of_another_version_is_read_and_nothing_of_it_is_removed(run):
    (store,) = run.stores()
    with_facts(store, lambda facts: facts.update(results_version=4))
    assert "Everything is there and sound" in run.verify(code=0)
    exchanged(run, "Saliency", 1, 6)
    before = run.digests()
    assert "the map of image 1 is not the one" in run.verify(code=7)
    told = run.verify("--redo", code=7)
    assert "its maps are of results_version 4, and this program computes 5" in told, told
    assert "nothing was removed" in told and "move the stores away of which nothing was removed" in told, told
    assert run.digests() == before


def test_a_store_of_one_logit_by_an_earlier_build_is_told_what_its_maps_explain(tmp_path, inputs):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    make_weights(tmp_path / "in" / "weights", "rgb", "resnet18", 28, classes=1)
    run = Sweep(tmp_path, tmp_path / "in", limit=4)
    run.config["search_space"]["attribution_methods"] = [{"name": "InputXGradient"}]
    run.run()
    assert "Everything is there and sound" in run.verify(code=0)
    (store,) = run.stores()
    group = zarr.open_group(store, mode="r+")
    negative = group["model_predictions"][:, 0] <= 0
    assert negative.any()
    group["attributions/InputXGradient"][:] = np.where(negative[:, None, None, None], -1, 1) * group["attributions/InputXGradient"][:]
    with_facts(store, lambda facts: facts.pop("one_logit"))
    told = run.verify(code=7)
    assert "its maps explain the one logit itself" in told, told

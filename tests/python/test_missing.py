"""What has not been written, or cannot be read, is left out or marked; no fill value passes for a map."""

import shutil
import zipfile

import attrisweep
import attrisweep.stores
import numpy as np
import pytest
import zarr
from support import METHODS, wait_for

pytestmark = pytest.mark.xdist_group("python")


@pytest.fixture
def gaps(stores):
    """A store without the maps of images 4 to 7 of one method, and the arrays of it."""
    (store,) = stores.glob("*noise-clean*")
    (store / "attributions" / "Saliency" / "c.1.0.0.0").unlink()
    return store


def test_images_without_a_map_are_left_out_or_marked_and_other_methods_keep_theirs(gaps):
    whole = zarr.open_group(gaps, mode="r")
    group = attrisweep.open_sweep(gaps)[0]
    maps = group.maps("Saliency")
    assert maps["image"].values.tolist() == [0, 1, 2, 3, 8, 9] and maps["written"].all()
    assert np.array_equal(maps.values, whole["attributions/Saliency"][:][[0, 1, 2, 3, 8, 9]])
    marked = group.maps("Saliency", missing="mask", images=[3, 4, 9])
    assert marked["written"].values.tolist() == [True, False, True] and np.isnan(marked[1]).all()
    assert len(group.maps("InputXGradient")) == 10 and group.done == ("InputXGradient", "IG_n_steps_5")
    tree = attrisweep.open_sweep(gaps).tree["rgb/resnet18/clean/test"]
    assert tree["written/Saliency"].values.tolist() == [True] * 4 + [False] * 4 + [True] * 2


def test_images_that_are_not_predicted_yet_have_no_prediction_and_are_neither_right_nor_wrong(gaps):
    for array in ("model_predictions", "labels", "images", "original_indices"):
        next((gaps / array).glob("c.2*")).unlink()
    group = attrisweep.open_sweep(gaps)[0]
    assert group.samples["predicted"].tolist() == [True] * 8 + [False] * 2
    assert group.samples["prediction"].tolist()[8:] == [-1, -1] and group.samples["confidence"].isna().tolist() == [False] * 8 + [True] * 2
    chosen = [group.images(correct=correct)["image"].values for correct in (True, False)]
    assert sorted(np.concatenate(chosen)) == list(range(8))
    assert group.accuracy == len(chosen[0]) / 8
    assert group.maps("InputXGradient")["image"].values.tolist() == list(range(8))


def test_a_sweep_can_be_looked_at_while_it_runs(sweep, hold):
    run = sweep(limit=10)
    run.config["search_space"]["attribution_methods"] = METHODS[:2]
    release = hold(run)
    running = run.start()
    try:
        # Both workers may be held at once, before either has written a map.
        wait_for(lambda: list(run.output.rglob("model_predictions/c.*")))
        table = attrisweep.open_sweep(run.output).groups
        assert not table["complete"][0] and table["methods_asked"][0] == 2 and table["methods_done"][0] < 2
        group = attrisweep.open_sweep(run.output)[0]
        assert 0 < group.samples["predicted"].sum() and len(group.maps("InputXGradient")) < 10
        for method in group.methods:
            assert not np.isnan(group.maps(method).values).any(), method
    finally:
        release()
    assert running.wait(timeout=120) == 0
    assert attrisweep.open_sweep(run.output).groups["complete"].tolist() == [True]


def test_a_damaged_store_is_named_and_the_others_are_there(stores):
    first, second = sorted(stores.glob("*.zarr"))
    (first / "zarr.json").write_text("{")
    with pytest.warns(UserWarning, match=f"{first}: found .*expected the root of a Zarr group"):
        sweep = attrisweep.open_sweep(stores)
    assert [group.path for group in sweep] == [second] and list(sweep.unreadable) == [first]
    shutil.rmtree(second)
    with pytest.warns(UserWarning), pytest.raises(attrisweep.NoStoresError, match="none of its stores can be read"):
        attrisweep.open_sweep(stores)


def test_a_torn_chunk_is_told_with_the_path_of_its_array(stores):
    (store,) = stores.glob("*noise-clean*")
    shard = store / "attributions" / "Saliency" / "c.0.0.0.0"
    shard.write_bytes(shard.read_bytes()[:-40])
    maps = attrisweep.open_sweep(store)[0].maps("Saliency")
    assert maps[8].values.any()
    with pytest.raises(attrisweep.DamagedStoreError, match=r"attributions/Saliency: found .*, expected chunks that can be decoded"):
        maps.load()


def test_maps_that_went_away_since_the_sweep_was_opened_are_told_and_no_fill_values_take_their_place(stores):
    (store,) = stores.glob("*noise-clean*")
    maps = attrisweep.open_sweep(store)[0].maps("Saliency")
    (store / "attributions" / "Saliency" / "c.1.0.0.0").unlink()
    assert maps[[0, 9]].values.any() and maps[2:4].values.any()
    for gone in (maps[5], maps[3:6], maps[[0, 7]], maps):
        with pytest.raises(attrisweep.DamagedStoreError, match="attributions/Saliency: found fewer chunks .* open the sweep again"):
            gone.copy().load()
    group = attrisweep.open_sweep(store)[0]
    maps = group.maps("InputXGradient")
    store.rename(store.with_name("away"))
    with pytest.raises(attrisweep.DamagedStoreError, match="open the sweep again"):
        maps.load()


def test_a_store_that_is_packed_while_the_sweep_is_opened_is_read_from_its_zip(stores, monkeypatch):
    first, second = sorted(stores.glob("*.zarr"))
    find, listed = attrisweep.stores.find, attrisweep.stores.find(stores)
    with zipfile.ZipFile(f"{second}.zip", "w") as packed:
        for file in sorted(path for path in second.rglob("*") if path.is_file()):
            packed.write(file, file.relative_to(second))
    shutil.rmtree(second)
    answers = iter([listed])
    monkeypatch.setattr(attrisweep.stores, "find", lambda path: next(answers, None) or find(path))
    sweep = attrisweep.open_sweep(stores)
    assert sweep.groups["format"].tolist() == ["zarr", "zarr.zip"] and not sweep.unreadable


def test_an_array_that_claims_more_images_than_any_sweep_has_is_refused(stores):
    (store,) = stores.glob("*noise-clean*")
    for metadata in (store / "zarr.json", store / "attributions" / "Saliency" / "zarr.json"):
        metadata.write_text(metadata.read_text().replace("[\n        10,", "[10,").replace("[10,", "[100000000000000,").replace("10,\n", "100000000000000,\n"))
    with pytest.warns(UserWarning, match="100000000000000.*at most 100000000 images"), pytest.raises(attrisweep.NoStoresError):
        attrisweep.open_sweep(store)


def test_an_array_that_somebody_added_does_not_take_the_others_from_the_tree(stores):
    (store,) = stores.glob("*noise-clean*")
    root = zarr.open_group(store, mode="r+")
    root.create_array("scores", data=np.arange(4.0))
    root["attributions"].create_array("Own", data=np.ones((10, 1, 7, 7), np.float32))
    zarr.consolidate_metadata(root.store)
    group = attrisweep.open_sweep(store)[0]
    node = attrisweep.open_sweep(store).tree["rgb/resnet18/clean/test"]
    assert node["scores"].values.tolist() == [0, 1, 2, 3] and node["attributions/Own"].shape == (10, 1, 7, 7)
    assert node["attributions/Saliency"].shape == (10, 3, 28, 28) and "Own" in group.methods

"""zarr-python and xarray open the stores as they open anybody's."""

import subprocess
import warnings

import numpy as np
import pytest
import xarray
import zarr
from support import METHODS, NOISES, SCHEDULER


@pytest.fixture
def store(sweep):
    run = sweep(limit=10)
    run.run()
    return run.stores()[0]


def test_zarr_python_reads_every_array_lazily_from_consolidated_metadata(store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(store, mode="r", use_consolidated=True)
        for path, array in group.members(max_depth=None):
            if isinstance(array, zarr.Array):
                assert not np.isnan(array[:]).any(), path
                assert array.metadata.dimension_names is not None, path
    maps = group["attributions/Saliency"]
    assert (maps.shape, maps.dtype, maps.shards, maps.chunks) == ((10, 3, 28, 28), np.float16, (4, 3, 28, 28), (4, 3, 28, 28))


def test_xarray_sees_named_dimensions_and_the_same_values(store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(store, engine="zarr")
        root = xarray.open_zarr(store)
    assert root["images"].dims == ("sample", "channel", "y", "x")
    assert root["model_predictions"].dims == ("sample", "class")
    maps = tree["attributions/Saliency"]
    assert not maps.variable._in_memory
    assert np.array_equal(maps[3].values, zarr.open_group(store, mode="r")["attributions/Saliency"][3])


def test_a_store_that_is_unfinished_says_so_in_what_xarray_shows_and_one_that_is_complete_does_not(sweep):
    run = sweep(limit=10)
    run.run()
    store = run.stores()[0]
    shown = lambda: [xarray.open_zarr(store, group=group).attrs.get("unfinished") for group in (None, "attributions")]  # noqa: E731
    assert shown() == [None, None]
    (store / "attributions" / "Saliency" / "c.1.0.0.0").unlink()
    subprocess.run([SCHEDULER, "verify", "--config", run.file, "--sample", "0", "--redo"], capture_output=True)
    assert np.isnan(xarray.open_zarr(store, group="attributions")["Saliency"][5]).all()
    assert all("missing read as NaN" in said for said in shown())
    run.run()
    assert shown() == [None, None]


def test_maps_are_exported_to_netcdf_as_the_guide_says(store, tmp_path):
    tree = xarray.open_datatree(store, engine="zarr")
    tree["attributions"].to_dataset().drop_attrs().astype("float32").to_netcdf(tmp_path / "maps.nc")
    exported = xarray.open_dataset(tmp_path / "maps.nc")["Saliency"]
    assert np.array_equal(exported.values, tree["attributions/Saliency"].values.astype("float32"))


def test_the_attributes_say_what_the_store_holds_and_what_it_was_computed_from(store):
    attributes = dict(zarr.open_group(store, mode="r").attrs)
    assert {name: attributes[name] for name in ("data_flag", "model_flag", "noise_name", "split")} == {
        "data_flag": "rgb", "model_flag": "resnet18", "noise_name": "clean", "split": "test"}
    ours = attributes["attrisweep"]
    assert ours["complete"] is True
    assert {"weights_sha256", "data", "seed", "noise", "precision", "dtype", "results_version"} <= set(ours["fingerprint"])
    variant = zarr.open_group(store, mode="r")["attributions/IntegratedGradients_baselines_zero_n_steps_5"].attrs
    assert variant["attrisweep"] == {
        "class": "IntegratedGradients", "params": {"baselines": "zero", "method": "gausslegendre", "n_steps": 5}, "semantics": "exact"}


def test_each_variant_says_whose_semantics_it_follows(sweep):
    run = sweep(limit=2, semantics="captum")
    run.config["search_space"]["attribution_methods"] = [
        {"name": "Saliency", "params": {}},
        {"name": "GuidedBackprop", "params": {}, "semantics": "captum_patched"},
    ]
    run.run()
    maps = zarr.open_group(run.stores()[0], mode="r")["attributions"]
    told = {key: array.attrs["attrisweep"]["semantics"] for key, array in maps.members()}
    assert told == {"Saliency": "captum", "GuidedBackprop": "captum_patched"}
    run.config["semantics"] = "exact"
    assert 'Saliency: semantics is "captum" in the store and "exact" in the config' in run.run(code=4).stderr


def test_a_map_that_is_not_written_yet_reads_as_nan_and_never_as_zero(store):
    (store / "attributions" / "Saliency" / "c.1.0.0.0").unlink()
    maps = zarr.open_group(store, mode="r")["attributions/Saliency"]
    assert np.isnan(maps[4:8]).all() and not np.isnan(maps[:4]).any()


def test_a_grid_becomes_one_store_for_each_noise_and_split(sweep):
    run = sweep(limit=3)
    run.config["search_space"] |= {"noise_conditions": NOISES, "splits": ["val", "test"], "attribution_methods": METHODS[:1]}
    run.run()
    names = {f"dataset-rgb_model-resnet18_noise-{noise['name']}_split-{split}.zarr" for noise in NOISES for split in ("val", "test")}
    assert {store.name for store in run.stores()} == names
    images = [zarr.open_group(store, mode="r")["images"][:] for store in run.stores()]
    assert all(not np.array_equal(a, b) for i, a in enumerate(images) for b in images[:i])

"""Stores as the scripts that users have today wrote them, and zips of ours: the same answers as from our folders."""

import shutil
import subprocess

import attrisweep
import numpy as np
import pytest
import torch
import zarr
from support import SCHEDULER

pytestmark = pytest.mark.xdist_group("python")

NAME = "dataset-rgb_model-resnet18_noise-clean_split-test"


@pytest.fixture(scope="module")
def arrays(group):
    """Every array of a store of ours, by path."""
    return {path: array[:] for path, array in zarr.open_group(group.path, mode="r").members(max_depth=None) if isinstance(array, zarr.Array)}


def written_by_scripts(place, arrays, chunk=4, version=3, named=True):
    """The arrays in a store without our attributes, in chunks of `chunk` images, the dimensions unnamed."""
    root = zarr.create_group(place, zarr_format=version)
    for path in ("images", "labels", "model_predictions", "original_indices", *(path for path in arrays if path.startswith(("attributions/", "means/")))):
        values = arrays[path]
        root.create_array(path, data=values, chunks=(min(chunk, len(values)), *values.shape[1:]))
    if named:
        root.attrs.update({"data_flag": "rgb", "model_flag": "resnet18", "noise_name": "clean", "split": "test", "description": "maps"})
    return root


def same(ours, theirs, method="IG_n_steps_5"):
    for asked in ({}, {"correct": False}, {"classes": 1}, {"images": [7, 2]}):
        a, b = ours.maps(method, **asked), theirs.maps(method, **asked)
        assert a.dims == b.dims and np.array_equal(a.values, b.values)
        for name in ("image", "label", "prediction", "correct"):
            assert np.array_equal(a[name], b[name]), name
        assert np.array_equal(ours.images(**asked).values, theirs.images(**asked).values)


@pytest.mark.parametrize("version", [2, 3])
def test_a_zarr_folder_of_the_scripts_gives_the_same_maps(tmp_path, group, arrays, version):
    written_by_scripts(tmp_path / f"{NAME}.zarr", arrays, version=version)
    sweep = attrisweep.open_sweep(tmp_path)
    same(group, sweep[0])
    assert sweep[0].name == group.name and sweep[0].complete and sweep[0].facts == {}
    assert np.array_equal(sweep.tree["rgb/resnet18/clean/test/means/overall"], arrays["means/overall"])


def test_a_zip_of_the_scripts_gives_the_same_maps_and_its_name_tells_the_group(tmp_path, group, arrays):
    with zarr.storage.ZipStore(tmp_path / f"{NAME}.zarr.zip", mode="w") as place:
        written_by_scripts(place, arrays, named=False)
    sweep = attrisweep.open_sweep(tmp_path)
    same(group, sweep[0])
    assert sweep[0].name == group.name and sweep.groups["format"].tolist() == ["zarr.zip"]


def test_a_zip_that_the_scheduler_packed_is_read_and_left_out_beside_its_folder(sweep, tmp_path):
    run = sweep(limit=6)
    run.config["search_space"]["attribution_methods"] = run.config["search_space"]["attribution_methods"][:1]
    run.run()
    (store,) = run.stores()
    subprocess.run([SCHEDULER, "export", "--config", run.file], check=True, capture_output=True)
    folder = attrisweep.open_sweep(run.output)
    assert folder.groups["format"].tolist() == ["zarr"]
    maps = folder[0].maps("Saliency").load()
    shutil.move(store, tmp_path / "away")
    (packed,) = attrisweep.open_sweep(run.output)
    assert packed.format == "zarr.zip" and packed.complete and packed.facts == folder[0].facts
    assert packed.maps("Saliency").identical(maps)


def test_an_interrupted_store_of_the_scripts_has_the_maps_that_are_there_and_no_zeros_for_the_others(tmp_path, arrays):
    store = tmp_path / f"{NAME}.zarr"
    root = written_by_scripts(store, {path: values for path, values in arrays.items() if not path.startswith("attributions/")})
    cut = root.create_array("attributions/Saliency", shape=(10, 3, 28, 28), dtype="f2", chunks=(4, 3, 28, 28))
    cut[:8] = arrays["attributions/Saliency"][:8]
    group = attrisweep.open_sweep(store)[0]
    assert not group.complete and group.methods == ("Saliency",) and group.done == ()
    maps = group.maps("Saliency")
    assert maps["image"].values.tolist() == list(range(8)) and np.array_equal(maps.values, arrays["attributions/Saliency"][:8])


def test_labels_that_are_all_the_fill_value_are_labels(tmp_path, arrays):
    # zarr-python writes no chunk whose values are all the fill value, which is 0 where a script says nothing.
    written_by_scripts(tmp_path / f"{NAME}.zarr", {**arrays, "labels": np.zeros(10, np.int64)})
    assert not list((tmp_path / f"{NAME}.zarr" / "labels" / "c").glob("*"))
    group = attrisweep.open_sweep(tmp_path)[0]
    right = arrays["model_predictions"].argmax(1) == 0
    assert group.accuracy == right.mean() and group.maps("Saliency", classes=0).shape[0] == 10


def tensors(folder, arrays, families=("images", "labels", "model_predictions", "attributions", "means")):
    for path, values in arrays.items():
        if path.partition("/")[0] in families:
            file = folder / f"{path}.pt"
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.save(torch.from_numpy(values), file)
    return folder


def test_a_folder_of_tensors_gives_the_same_maps(tmp_path, group, arrays):
    folder = tensors(tmp_path / "model-resnet18_noise-clean", arrays)
    sweep = attrisweep.open_sweep(tmp_path)
    same(group, sweep[0])
    assert sweep[0].name == attrisweep.GroupName("unknown", "resnet18", "clean", "unknown")
    assert sweep.groups[["format", "complete", "methods_done"]].to_numpy().tolist() == [["pt", True, 3]]
    assert "original_index" not in sweep[0].maps("Saliency").coords
    torch.save(torch.zeros(9, 3, 28, 28), folder / "attributions" / "Saliency.pt")
    with pytest.raises(attrisweep.NotWrittenError, match="Saliency has maps of 9 images, the store has 10"):
        attrisweep.open_sweep(tmp_path)[0].maps("Saliency")


def test_tensors_with_the_metadata_of_a_store_say_all_that_the_store_said(tmp_path, group, arrays):
    families = {path.partition("/")[0] for path in arrays}
    folder = tensors(tmp_path / "dataset-rgb_split-test.pt" / "model-resnet18_noise-clean", arrays, families)
    assert attrisweep.open_sweep(tmp_path)[0].name == group.name, "the names of the folders are enough"
    shutil.copy(group.path / "zarr.json", folder / "attrisweep.json")
    (packed,) = attrisweep.open_sweep(tmp_path)
    assert (packed.name, packed.facts, packed.methods, packed.complete) == (group.name, group.facts, group.methods, True)
    for method in group.methods:
        assert packed.variant(method) == group.variant(method) and packed.maps(method).identical(group.maps(method))
    # A sweep that goes on has made the Zarr folder again; a zip may be there, too.
    shutil.copytree(group.path, tmp_path / group.path.name)
    (tmp_path / f"{group.path.name}.zip").touch()
    assert attrisweep.open_sweep(tmp_path).groups["format"].tolist() == ["zarr"]
    shutil.rmtree(tmp_path / group.path.name)
    (tmp_path / f"{group.path.name}.zip").unlink()
    for text in ("{", "[]", "[" * 100_000):
        (folder / "attrisweep.json").write_text(text)
        with pytest.warns(UserWarning, match="attrisweep.json: found .*, expected an object in JSON"), pytest.raises(attrisweep.NoStoresError):
            attrisweep.open_sweep(tmp_path)


def test_a_part_that_was_exported_has_the_facts_of_its_store_and_is_as_complete_as_its_arrays(tmp_path, group, arrays):
    few = {path: values[2:7] for path, values in arrays.items() if not path.startswith("means/") and "Saliency" in path or "/" not in path}
    root = written_by_scripts(tmp_path / f"{NAME}.zarr", few)
    root.attrs["attrisweep_source"] = dict(group.facts)
    (part,) = attrisweep.open_sweep(tmp_path)
    assert part.facts == group.facts and part.complete and part.asked == ("Saliency",)
    maps = part.maps("Saliency")
    assert maps["original_index"].values.tolist() == [2, 3, 4, 5, 6] and np.array_equal(maps.values, arrays["attributions/Saliency"][2:7])


def test_several_labels_of_an_image_are_neither_right_nor_wrong(tmp_path, arrays):
    labels = np.random.default_rng(0).integers(0, 2, (10, 3))
    written_by_scripts(tmp_path / f"{NAME}.zarr", {**arrays, "labels": labels})
    group = attrisweep.open_sweep(tmp_path)[0]
    assert group.accuracy is None and "correct" not in group.maps("Saliency").coords
    assert attrisweep.open_sweep(tmp_path).tree["rgb/resnet18/clean/test"].coords["label_2"].values.tolist() == labels[:, 2].tolist()
    assert group.maps("Saliency", classes=[0, 2])["image"].values.tolist() == np.flatnonzero(labels[:, 0] | labels[:, 2]).tolist()
    assert group.samples["label_1"].tolist() == labels[:, 1].tolist()
    with pytest.raises(attrisweep.BadRequestError, match="each needs one label"):
        group.maps("Saliency", correct=True)


def test_a_single_logit_predicts_the_second_class_above_zero(tmp_path, arrays):
    logits = np.linspace(-1, 1, 10, dtype=np.float32)[:, None]
    written_by_scripts(tmp_path / f"{NAME}.zarr", {**arrays, "model_predictions": logits, "labels": np.arange(10) % 2})
    table = attrisweep.open_sweep(tmp_path)[0].samples
    assert table["prediction"].tolist() == [0] * 5 + [1] * 5
    assert np.allclose(table["confidence"], 1 / (1 + np.exp(-np.abs(logits[:, 0]))))


def test_the_suffix_of_a_name_and_two_stores_of_one_name_stay_apart(tmp_path, arrays):
    few = {path: arrays[path] for path in ("images", "labels", "model_predictions", "original_indices", "attributions/Saliency")}
    for store in (f"a/{NAME}.zarr", f"a/{NAME}_decorr.zarr", f"b/{NAME}.zarr"):
        written_by_scripts(tmp_path / store, few)
    sweep = attrisweep.open_sweep(tmp_path)
    assert sweep.groups["split"].tolist() == ["test", "test_decorr", "test_2"]
    assert set(sweep.tree["rgb/resnet18/clean"]) == {"test", "test_decorr", "test_2"}

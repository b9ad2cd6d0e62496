"""The package `attrisweep` gives what zarr-python reads from the stores, chosen and named."""

import attrisweep
import numpy as np
import pytest
import xarray
import zarr

pytestmark = pytest.mark.xdist_group("python")


@pytest.fixture(scope="module")
def raw(group):
    return zarr.open_group(group.path, mode="r")


def test_the_table_of_groups_says_what_the_stores_hold(finished, raw):
    table = attrisweep.open_sweep(finished).groups
    names = table[["dataset", "model", "noise", "split"]].to_numpy().tolist()
    assert names == [["rgb", "resnet18", noise, "test"] for noise in ("clean", "gaussian_std_0.15")]
    for column, value in {"images": 10, "complete": True, "methods_done": 3, "methods_asked": 3, "format": "zarr"}.items():
        assert table[column].tolist() == [value, value], column
    right = (raw["model_predictions"][:].argmax(1) == raw["labels"][:]).mean()
    assert table["accuracy"][0] == right and 0 < right < 1
    assert table["path"].tolist() == [str(path) for path in sorted(finished.glob("*.zarr"))]


def test_maps_are_those_of_the_store_with_labels_and_predictions_beside_them(group, raw):
    maps = group.maps("IG_n_steps_5")
    assert maps.dims == ("image", "channel", "height", "width") and maps.dtype == np.float16
    assert not maps.variable._in_memory, "maps are read before they are asked for"
    assert np.array_equal(maps.values, raw["attributions/IG_n_steps_5"][:])
    logits, labels = raw["model_predictions"][:], raw["labels"][:]
    shares = np.exp(logits.astype(np.float64)) / np.exp(logits.astype(np.float64)).sum(1, keepdims=True)
    assert np.array_equal(maps["label"], labels) and np.array_equal(maps["prediction"], logits.argmax(1))
    assert np.array_equal(maps["correct"], logits.argmax(1) == labels)
    assert np.allclose(maps["confidence"], shares.max(1), rtol=1e-5)
    assert np.array_equal(maps["original_index"], raw["original_indices"][:])
    assert np.array_equal(maps["convergence_delta"], raw["convergence_delta/IG_n_steps_5"][:])
    assert np.array_equal(maps["underflow"], raw["underflow/IG_n_steps_5"][:])


def test_maps_are_chosen_by_class_prediction_right_or_wrong_and_position(group, raw):
    everything = raw["attributions/Saliency"][:]
    labels, predictions = raw["labels"][:], raw["model_predictions"][:].argmax(1)
    cases = [
        ({"classes": 2}, labels == 2),
        ({"classes": [0, 3]}, (labels == 0) | (labels == 3)),
        ({"predicted": 1}, predictions == 1),
        ({"correct": True}, labels == predictions),
        ({"correct": False}, labels != predictions),
        ({"correct": False, "classes": {1, 2}}, (labels != predictions) & ((labels == 1) | (labels == 2))),
        ({"images": slice(3, None, 2)}, np.isin(np.arange(10), [3, 5, 7, 9])),
    ]
    for asked, expected in cases:
        maps = group.maps("Saliency", **asked)
        assert maps["image"].values.tolist() == np.flatnonzero(expected).tolist(), asked
        assert np.array_equal(maps.values, everything[expected]), asked
        assert np.array_equal(group.images(**asked).values, raw["images"][:][expected]), asked
    assert np.array_equal(group.maps("Saliency", images=[7, 0, 7]).values, everything[[7, 0, 7]])
    assert np.array_equal(group.maps("Saliency")[2, :, 5:1:-2].values, everything[2, :, 5:1:-2])


def test_the_tree_has_every_array_of_every_group_and_reads_it_later(finished, raw):
    tree = attrisweep.open_sweep(finished).tree
    assert isinstance(tree, xarray.DataTree) and list(tree["rgb/resnet18"]) == ["clean", "gaussian_std_0.15"]
    node = tree["rgb/resnet18/clean/test"]
    for path, array in raw.members(max_depth=None):
        if isinstance(array, zarr.Array) and path not in ("labels", "original_indices"):
            assert not node[path].variable._in_memory, path
            assert np.array_equal(node[path].values, array[:]), path
    assert np.array_equal(node["attributions/Saliency"].coords["label"], raw["labels"][:])
    assert node["written/Saliency"].all()


def test_groups_are_found_by_name_and_an_ambiguous_or_unknown_name_lists_what_there_is(finished):
    sweep = attrisweep.open_sweep(finished)
    assert sweep.group(noise="clean").name == attrisweep.GroupName("rgb", "resnet18", "clean", "test")
    assert [group.path for group in sweep] == [sweep[at].path for at in range(len(sweep))]
    with pytest.raises(attrisweep.UnknownNameError, match="rgb/resnet18/clean/test, rgb/resnet18/gaussian_std_0.15/test"):
        sweep.group(model="resnet18")
    with pytest.raises(attrisweep.UnknownNameError, match="'noise': 'none'.*rgb/resnet18/clean/test"):
        sweep.group(noise="none")
    with pytest.raises(attrisweep.UnknownNameError, match="part of a group's name 'flag'; there is: dataset, model, noise, split"):
        sweep.group(flag="rgb")


def test_requests_that_make_no_sense_are_told_with_what_would(group):
    with pytest.raises(attrisweep.UnknownNameError, match="no method 'GradCAM'; there is: Saliency, InputXGradient, IG_n_steps_5"):
        group.maps("GradCAM")
    with pytest.raises(attrisweep.BadRequestError, match=r"from 0 to 9, found \[10, -1\]"):
        group.maps("Saliency", images=[10, 3, -1])
    with pytest.raises(attrisweep.BadRequestError, match="`classes` is 'cat', expected a whole number"):
        group.maps("Saliency", classes="cat")
    with pytest.raises(attrisweep.BadRequestError, match="expected drop or mask"):
        group.maps("Saliency", missing="nan")
    with pytest.raises(attrisweep.UnknownNameError, match="no array 'scores'"):
        group.array("scores")


def test_a_folder_without_stores_is_told_with_the_names_that_are_looked_for(tmp_path):
    with pytest.raises(attrisweep.NoStoresError, match="found no store there.*expected `dataset-<flag>_model-"):
        attrisweep.open_sweep(tmp_path)
    with pytest.raises(attrisweep.NoStoresError, match="gone: found nothing"):
        attrisweep.open_sweep(tmp_path / "gone")


def test_the_table_of_images_is_that_of_labels_and_logits(group, raw):
    table = group.samples
    assert table["label"].tolist() == raw["labels"][:].tolist() and table["predicted"].all()
    assert table.loc[~table["correct"]].index.tolist() == group.maps("Saliency", correct=False)["image"].values.tolist()


def test_one_store_is_opened_by_its_own_path_and_shows_itself(group, finished):
    sweep = attrisweep.open_sweep(group.path)
    assert len(sweep) == 1 and sweep[0].name == group.name
    assert "10 images, 3 of 3 methods written" in repr(sweep[0]) and "1 groups, 1 complete" in repr(sweep)
    assert "<td>gaussian_std_0.15</td>" in attrisweep.open_sweep(finished)._repr_html_()

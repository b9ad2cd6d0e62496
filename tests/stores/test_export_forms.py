"""`scheduler export --format`: finished stores, and parts of them, as torch, xarray, scipy and zarr-python read them."""

import json
import subprocess

import numpy
import pytest
import scipy.io
import torch
import xarray
import zarr
from support import METHODS, SCHEDULER, Sweep


def export(run, *arguments, code=0):
    command = [SCHEDULER, "export", "--config", run.file, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory, inputs):
    run = Sweep(tmp_path_factory.mktemp("finished"), inputs, limit=10)
    run.config["search_space"]["attribution_methods"] = [METHODS[0], METHODS[4]]
    run.run()
    return run


def arrays(group):
    return {name: member[:] for name, member in group.members(max_depth=None) if isinstance(member, zarr.Array)}


def source(run):
    (store,) = run.stores()
    return arrays(zarr.open_group(store, mode="r"))


def test_tensors_hold_the_arrays_of_the_store_and_torch_loads_and_maps_them(finished, tmp_path):
    export(finished, "--format", "pt", "--to", tmp_path)
    folder = tmp_path / "dataset-rgb_split-test.pt" / "model-resnet18_noise-clean"
    wanted = source(finished)
    found = {str(path.relative_to(folder).with_suffix("")): path for path in folder.rglob("*.pt")}
    assert set(found) == set(wanted)
    for name, path in found.items():
        for options in ({}, {"mmap": True}):
            tensor = torch.load(path, weights_only=True, **options)
            numpy.testing.assert_array_equal(tensor.numpy(), wanted[name], strict=True)
            assert tensor.is_contiguous()
    assert torch.load(folder / "labels.pt", weights_only=True).dtype == torch.int64
    assert torch.load(folder / "attributions" / "Saliency.pt", weights_only=True).dtype == torch.float16


def test_a_netcdf_file_is_read_by_xarray_and_scipy_and_has_attributes_as_json(finished, tmp_path):
    export(finished, "--format", "netcdf", "--to", tmp_path)
    (path,) = tmp_path.glob("*.nc")
    wanted = source(finished)
    with xarray.open_dataset(path) as dataset:
        assert set(dataset.variables) == {name.replace("/", "_") for name in wanted}
        for name, values in wanted.items():
            variable = dataset[name.replace("/", "_")]
            narrow = {"float16": "float32", "int64": "int32"}.get(values.dtype.name, values.dtype.name)
            assert variable.dtype == narrow, name
            numpy.testing.assert_array_equal(variable.values, values.astype(narrow))
        assert dataset["attributions_Saliency"].dims == ("sample", "channel", "y", "x")
        assert dataset["means_overall"].dims == ("channel", "y", "x")
        assert dataset.sizes["sample"] == 10 and dataset.attrs["data_flag"] == "rgb"
        said = json.loads(dataset.attrs["attrisweep_source"])
        assert said["complete"] and said["fingerprint"]["images"] == 10
        assert json.loads(dataset["attributions_Saliency"].attrs["attrisweep"])["class"] == "Saliency"
        right = (dataset["model_predictions"].argmax("class") == dataset["labels"]).mean()
        assert 0 <= float(right) <= 1
    with scipy.io.netcdf_file(path, mmap=True) as file:
        assert file.version_byte == 2
        numpy.testing.assert_array_equal(file.variables["original_indices"][:], wanted["original_indices"])
        del file
    # Again: the file is replaced; a file of somebody else is not.
    export(finished, "--format", "netcdf", "--to", tmp_path)
    path.write_bytes(b"notes")
    assert "is there and is not a store" in export(finished, "--format", "netcdf", "--to", tmp_path, code=4)
    assert path.read_bytes() == b"notes"


@pytest.mark.parametrize("form", ["zarr", "zarr.zip", "pt", "netcdf"])
def test_a_part_has_the_chosen_images_and_methods_in_single_precision(finished, tmp_path, form):
    wanted = source(finished)
    chosen = [1, 2, 3, 8]
    export(finished, "--format", form, "--to", tmp_path, "--methods", "Sal*", "--images", "1..4,8", "--dtype", "float32")
    (place,) = (path for path in tmp_path.iterdir())
    if form == "netcdf":
        with xarray.open_dataset(place) as dataset:
            found = {name.replace("_Saliency", "/Saliency").replace("means_", "means/"): dataset[name].values for name in dataset.variables}
            said = json.loads(dataset.attrs["attrisweep_source"])
    elif form == "pt":
        (folder,) = place.iterdir()
        found = {str(path.relative_to(folder).with_suffix("")): torch.load(path, weights_only=True).numpy() for path in folder.rglob("*.pt")}
        said = json.loads((folder / "source.json").read_text())["attrisweep_source"]
    else:
        opened = zarr.storage.ZipStore(place, mode="r") if form == "zarr.zip" else place
        group = zarr.open_consolidated(opened, mode="r")
        found, said = arrays(group), group.attrs["attrisweep_source"]
    kept = {name for name in wanted if "IntegratedGradients" not in name}
    assert set(found) == kept
    assert said["images"] == chosen
    assert found["attributions/Saliency"].dtype == numpy.float32
    for name in kept:
        rows = wanted[name] if name.startswith("means/") else wanted[name][chosen]
        numpy.testing.assert_array_equal(found[name], rows)


def test_a_part_is_no_store_that_a_sweep_goes_on_with_and_does_not_lie_beside_stores(finished, tmp_path):
    assert "choose another folder" in export(finished, "--format", "zarr", "--images", "0..4", code=3)
    export(finished, "--format", "zarr", "--images", "0..4", "--to", tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    told = finished.run("--check", "--output", str(tmp_path / "out")).stderr
    assert "is a Zarr store of another program: it is left alone" in told
    assert "is there already" in export(finished, "--format", "zarr", "--images", "0..4", "--to", tmp_path / "out", code=4)
    assert {path: path.read_bytes() for path in before} == before


def test_images_and_methods_that_a_store_does_not_have_are_refused_with_those_that_it_has(finished, tmp_path):
    told = export(finished, "--images", "8..12", "--to", tmp_path, code=3)
    assert "has no images 8..12; there are 10" in told
    assert "has no method like `Sailency`; there are IntegratedGradients" in export(finished, "--methods", "Sailency", "--to", tmp_path, code=3)
    for wrong, why in {"5..5": "has no image", "x": "is no position", "-1": "-1"}.items():
        assert why in export(finished, f"--images={wrong}", "--to", tmp_path, code=2)
    assert "expected one of zarr, zarr.zip, pt, netcdf" in export(finished, "--format", "h5", code=2)
    assert not list(tmp_path.rglob("*.*"))


def test_a_store_goes_through_every_form_and_back_to_the_same_bytes(finished, tmp_path):
    def files(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    (store,) = finished.stores()
    before = files(store)
    output = finished.output
    for number, form in enumerate(["pt", "zarr.zip", "pt", "zarr"]):
        to = tmp_path / str(number)
        assert "1 stores exported" in export(finished, "--output", output, "--format", form, "--to", to)
        assert "there     " in export(finished, "--output", to, "--format", form)
        output = to
    (last,) = (tmp_path / "3").iterdir()
    assert files(last) == before
    assert not list(tmp_path.rglob(".*.tmp"))

"""Zarr as people have saved it: versions, compressions, layouts; read by zarr-python and by us."""

import json
import shutil
import subprocess

import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs
from support import METHODS, ROOT, Sweep, make_images

IMAGES = make_images(10, 28, 3, seed=5)
LABELS = np.array([2, 0, 1, 3, 3, 0, 1, 1, 2, 0])
NORMALIZED = ((IMAGES.astype(np.float32) / 255 - np.float32(0.5)) / np.float32(0.5)).transpose(0, 3, 1, 2)


def arrays(group, images, labels, names=("images", "labels"), **how):
    """Writes images in chunks that split every axis, and labels."""
    chunks = (4, *(max(1, size // 2 + 1) for size in images.shape[1:]))
    made = group.create_array(names[0], shape=images.shape, dtype=images.dtype, **{"chunks": chunks} | how)
    made[:] = images
    group.create_array(names[1], shape=labels.shape, dtype=labels.dtype)[:] = labels


def version_2_blosc(place):
    group = zarr.open_group(f"{place}.zarr", mode="w", zarr_format=2)
    arrays(group, IMAGES, LABELS, compressors=numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE))
    group.create_array("original_indices", shape=(10,), dtype="i8")[:] = np.arange(10)


def version_2_zip(place):
    with zarr.storage.ZipStore(f"{place}.zarr.zip", mode="w") as store:
        group = zarr.open_group(store, mode="w", zarr_format=2)
        arrays(group, NORMALIZED, LABELS, chunks=(3, 3, 28, 28), compressors=numcodecs.Blosc("zstd", 6, numcodecs.Blosc.BITSHUFFLE))


def version_2_fortran(place):
    group = zarr.open_group(f"{place}.zarr", mode="w", zarr_format=2)
    arrays(group, IMAGES.astype(">u2"), LABELS[:, None].astype("f8"), names=("test_images", "test_labels"), order="F", compressors=numcodecs.Zlib(1))


def version_3(place):
    group = zarr.open_group(f"{place}.zarr", mode="w")
    arrays(group.create_group("test"), IMAGES, LABELS)
    arrays(group.create_group("train"), IMAGES[:7], LABELS[:7])


def version_3_shards(place):
    group = zarr.open_group(f"{place}_28.zarr", mode="w")
    blosc = zarr.codecs.BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=1)
    arrays(group, IMAGES.transpose(0, 3, 1, 2), LABELS, chunks=(2, 3, 14, 28), shards=(6, 3, 28, 28), compressors=blosc)


def version_3_plain(place):
    group = zarr.open_group(f"{place}/test.zarr", mode="w")
    arrays(group, NORMALIZED, LABELS.astype(np.uint8), chunks=(10, 3, 28, 28), compressors=None)


def smaller(array):
    """Makes an array as long as the others, as programs do that change the shape and leave chunks beyond, and so does Zarr with the part of a
    chunk that is beyond."""
    file = next(path for path in (array.store_path.store.root / array.path).iterdir() if path.name in ("zarr.json", ".zarray"))
    metadata = json.loads(file.read_text())
    metadata["shape"][0] = len(IMAGES)
    file.write_text(json.dumps(metadata))


def version_2_made_smaller(place):
    group = zarr.open_group(f"{place}.zarr", mode="w", zarr_format=2)
    arrays(group, np.concatenate([IMAGES, IMAGES[::-1]]), np.concatenate([LABELS, LABELS + 1]))
    for name in ("images", "labels"):
        smaller(group[name])


def version_3_made_smaller(place):
    group = zarr.open_group(f"{place}.zarr", mode="w")
    arrays(group, np.concatenate([IMAGES, IMAGES[:9]]), np.concatenate([LABELS, LABELS[:9]]), chunks=(1, 28, 28, 3), shards=(4, 28, 28, 3))
    group["images"].resize((13, 28, 28, 3))
    for name in ("images", "labels"):
        smaller(group[name])


def version_3_made_larger(place):
    group = zarr.open_group(f"{place}.zarr", mode="w")
    arrays(group, IMAGES[:7], LABELS[:7], chunks=(4, 28, 28, 3))
    for name, whole in (("images", IMAGES), ("labels", LABELS)):
        group[name].resize(whole.shape)
        group[name][7:] = whole[7:]


WRITERS = [
    version_2_blosc, version_2_zip, version_2_fortran, version_3, version_3_shards, version_3_plain,
    version_2_made_smaller, version_3_made_smaller, version_3_made_larger,
]


@pytest.fixture
def run(tmp_path, inputs):
    """A sweep over one dataset for each writer."""
    (tmp_path / "data").mkdir()
    run = Sweep(tmp_path, inputs, flag="rgb")
    run.config["paths"] |= {"medmnist_data_root": str(tmp_path / "data"), "medmnist_weights_root": str(tmp_path / "weights")}
    run.config["search_space"]["data_flags"] = [writer.__name__ for writer in WRITERS]
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.config["search_space"]["float_range"] = [-1, 1]
    run.config["devices"] = {"cpu": 1}
    for writer in WRITERS:
        shutil.copytree(inputs / "weights" / "weights_rgb", tmp_path / "weights" / f"weights_{writer.__name__}")
        writer(tmp_path / "data" / writer.__name__)
    return run


def test_every_version_layout_and_compression_gives_the_same_images_labels_and_maps(run):
    run.run()
    stores = run.stores()
    assert len(stores) == len(WRITERS)
    first = zarr.open_group(stores[0], mode="r")
    for path in stores:
        store = zarr.open_group(path, mode="r")
        assert (store["images"][:] == NORMALIZED).all(), path
        assert store["labels"][:].tolist() == LABELS.tolist(), path
        assert (store["attributions/Saliency"][:] == first["attributions/Saliency"][:]).all(), path
    status = subprocess.run([run.scheduler, "verify", "--config", run.file], capture_output=True, text=True)
    assert status.returncode == 0, status.stdout + status.stderr
    # Another image in a store changes what the store names.
    array = zarr.open_group(run.folder / "data" / "version_2_blosc.zarr", mode="r+")["images"]
    array[3] = 255 - array[3]
    told = run.run("--check", code=4).stderr
    assert "version_2_blosc" in told and "version_3_plain" not in told, told


def test_a_mean_image_is_that_of_the_train_split_or_of_the_only_split(run):
    run.config["search_space"]["data_flags"] = ["version_3", "version_3_shards"]
    subprocess.run([ROOT / "target" / "debug" / "means", "--config", run.file], check=True, capture_output=True)
    import torch

    for flag, images in [("version_3", NORMALIZED[:7]), ("version_3_shards", NORMALIZED)]:
        mean = torch.load(run.folder / "means" / f"{flag}_mean.pt", weights_only=True).numpy()
        np.testing.assert_allclose(mean, images.astype(np.float64).mean(axis=0), atol=1e-7)


def test_input_zarr_path_is_the_dataset_of_the_config(run):
    del run.config["paths"]["medmnist_data_root"]
    run.config["paths"]["input_zarr_path"] = str(run.folder / "data" / "version_2_zip.zarr.zip")
    told = run.run("--check", code=3).stderr
    assert f"paths.input_zarr_path: one Zarr is one dataset, and there are {len(WRITERS)} of them" in told
    run.config["search_space"]["data_flags"] = ["version_3"]
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    assert store.attrs["data_flag"] == "version_3" and (store["images"][:] == NORMALIZED).all()
    run.config["search_space"]["splits"] = ["val", "test"]
    told = run.run("--check", code=3).stderr
    assert "has one split, whose arrays lie in its root, and the config asks for 2; name one" in told
    run.config["paths"]["input_zarr_path"] = str(run.folder / "data")
    told = run.run("--check", code=3).stderr
    assert "data` is no Zarr: a folder with `zarr.json` or `.zgroup`, or a `.zarr.zip`" in told


def test_what_cannot_be_read_of_a_zarr_is_told_before_anything_starts(run):
    run.config["search_space"]["data_flags"] = ["version_3", "version_3_plain"]
    metadata = run.folder / "data" / "version_3.zarr" / "test" / "images" / "zarr.json"
    text = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(text | {"codecs": [{"name": "bytes"}, {"name": "zfp"}]}))
    del run.config["search_space"]["float_range"]
    told = run.run("--check", code=3).stderr
    assert "version_3.zarr`, member `test/images`: compressed by `zfp`, expected blosc" in told
    assert "pixels of type `float32`, which may have any range" in told and "`[-1, 1]` for images that a script has normalized" in told
    run.config["search_space"]["splits"] = ["val"]
    told = run.run("--check", code=3).stderr
    assert "no array `val/images`, `val_images` or `images`; it has: test, train" in told
    assert "no store `val.zarr` or `val.zarr.zip` in it" in told

"""CIFAR, MNIST and arrays of NumPy in the files that people have: images as torchvision's data sets give them."""

import gzip
import shutil
import struct

import numpy as np
import pytest
import torchvision
import zarr
from support import METHODS, Sweep, make_images


class Cifar10(torchvision.datasets.CIFAR10):
    """The data set on files that are not those of the authors."""

    def _check_integrity(self):
        return True

    def _load_meta(self):
        pass


def pickled_by_python_2(path, pixels, labels):
    """A batch in the steps that Python 2 took: `U` and `T` are its texts, which Python 3 does not write."""
    text = lambda text: b"U" + bytes([len(text)]) + text.encode()  # noqa: E731
    data = pixels.transpose(0, 3, 1, 2).tobytes()
    steps = [b"\x80\x02}q\x01(", text("batch_label"), text("testing batch 1 of 1"), text("labels"), b"]q\x02("]
    steps += [b"K" + bytes([label]) for label in labels]
    steps += [b"e", text("data"), b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01b\x87Rq\x06(K\x01"]
    steps += [b"M" + struct.pack("<H", len(labels)), b"M\x00\x0c\x86q\x07cnumpy\ndtype\nq\x08", text("u1"), b"K\x00K\x01\x87Rq\x09(K\x03"]
    steps += [b"U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T", struct.pack("<I", len(data)), data, b"tb", text("filenames"), b"]q\x0a("]
    steps += [text(f"leptodactylus_{at}.png") for at in range(len(labels))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(steps) + b"eu.")


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


def normalized(images):
    """Images `[n, h, w]` or `[n, h, w, 3]` as a model of three channels takes them."""
    images = images if images.ndim == 4 else images[..., None].repeat(3, axis=3)
    return ((images.astype(np.float32) / 255 - np.float32(0.5)) / np.float32(0.5)).transpose(0, 3, 1, 2)


def images_of(dataset):
    return np.stack([np.asarray(image) for image, _ in dataset]), [label for _, label in dataset]


@pytest.fixture
def sweep_of(tmp_path, inputs):
    """A sweep of one method on `flags`, all with the same weights, and the folder of their data."""
    (tmp_path / "data").mkdir()

    def make(flags, size):
        run = Sweep(tmp_path, inputs, size=size)
        run.config["paths"] |= {"medmnist_data_root": str(tmp_path / "data"), "medmnist_weights_root": str(tmp_path / "weights")}
        run.config["search_space"] |= {"data_flags": flags, "attribution_methods": METHODS[:1]}
        run.config["devices"] = {"cpu": 1}
        for flag in flags:
            (tmp_path / "weights" / f"weights_{flag}").mkdir(parents=True)
            shutil.copy(inputs / "weights" / "weights_rgb" / "resnet18_28_1.pth", tmp_path / "weights" / f"weights_{flag}" / f"resnet18_{size}_1.pth")
        return run, tmp_path / "data"

    return make


def test_pickles_and_records_of_cifar_are_the_images_of_torchvision(sweep_of):
    run, data = sweep_of(["cifar10", "records", "cifar100"], 32)
    pixels, labels = make_images(6, 35, 3, seed=3)[:, :32, :32], [3, 9, 0, 0, 7, 1]
    pickled_by_python_2(data / "cifar-10-batches-py" / "test_batch", pixels, labels)
    planes = pixels.transpose(0, 3, 1, 2).reshape(6, -1)
    for folder, of_label in [("records/cifar-10-batches-bin/test_batch.bin", lambda label: [label]), ("cifar-100-binary/test.bin", lambda label: [15, label])]:
        (data / folder).parent.mkdir(parents=True)
        (data / folder).write_bytes(b"".join(bytes(of_label(label)) + image.tobytes() for label, image in zip(labels, planes)))
    run.run()
    expected, of_torchvision = images_of(Cifar10(data, train=False))
    assert of_torchvision == labels and len(run.stores()) == 3
    for path in run.stores():
        store = zarr.open_group(path, mode="r")
        assert (store["images"][:] == normalized(expected)).all() and store["labels"][:].tolist() == labels, path
    run.config["search_space"]["splits"] = ["val"]
    told = run.run("--check", code=3).stderr
    assert told.count("no split `val`; it has: train, test") == 3


def test_files_of_mnist_and_arrays_of_numpy_are_the_same_images(sweep_of):
    flags = ["fashion_mnist", "packed", "array", "beside", "floats"]
    run, data = sweep_of(flags, 28)
    pixels, labels = make_images(5, 28, 1, seed=4), np.array([3, 0, 2, 2, 1])
    for folder, ending, written in [("FashionMNIST/raw", "", bytes), ("packed", ".gz", gzip.compress)]:
        (data / folder).mkdir(parents=True)
        (data / folder / f"t10k-images-idx3-ubyte{ending}").write_bytes(written(idx(pixels)))
        (data / folder / f"t10k-labels-idx1-ubyte{ending}").write_bytes(written(idx(labels)))
        # torchvision takes no folder without its other split.
        (data / folder / f"train-images-idx3-ubyte{ending}").write_bytes(written(idx(pixels[:1])))
        (data / folder / f"train-labels-idx1-ubyte{ending}").write_bytes(written(idx(labels[:1])))
    (data / "array").mkdir()
    np.save(data / "array" / "test_images.npy", pixels.astype(">i4"))
    np.save(data / "array" / "test_labels.npy", labels[:, None])
    np.save(data / "beside_test_images.npy", np.asfortranarray(pixels[..., None]))
    np.save(data / "beside_test_labels.npy", labels.astype(np.uint8))
    np.save(data / "floats_test_images.npy", normalized(pixels))
    np.save(data / "floats_test_labels.npy", labels)
    run.config["search_space"]["float_range"] = [-1, 1]
    run.run()
    expected, of_torchvision = images_of(torchvision.datasets.FashionMNIST(data, train=False))
    assert of_torchvision == labels.tolist() and len(run.stores()) == len(flags)
    for path in run.stores():
        store = zarr.open_group(path, mode="r")
        assert (store["images"][:] == normalized(expected)).all() and store["labels"][:].tolist() == labels.tolist(), path
    run.config["search_space"]["splits"] = ["val"]
    told = run.run("--check", code=3).stderr
    assert told.count("no split `val`; it has: train, test") == 2 and told.count("no array `val_images.npy` in it") == 3

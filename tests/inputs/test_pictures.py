"""Folders of pictures: images as torchvision makes them of PIL's, to the bit."""

import io
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
import torchvision.transforms as T
import zarr
from PIL import Image
from support import METHODS, Sweep, make_images
from torchvision.datasets import ImageFolder


def picture(height, width, seed, channels=3):
    side = -(-max(height, width) // 7) * 7
    return make_images(1, side, channels, seed)[0][:height, :width]


def saved(path, pixels, mode=None, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **how)


def png_of_16_bits(path, pixels):
    """RGB of 16 bits, which PIL reads and does not write."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_pictures(root):
    """Kinds of pictures that there are, in three classes."""
    a, b, c = root / "10", root / "9", root / "ümlaut"
    saved(a / "large.JPEG", picture(375, 500, 0), quality=92)
    saved(a / "full_chroma.jpg", picture(61, 97, 1), subsampling=0, quality=75)
    saved(a / "half_chroma.jpg", picture(97, 61, 2), subsampling=1, quality=60)
    saved(a / "b" / "progressive.jpg", picture(120, 81, 3), progressive=True, optimize=True)
    saved(a / "b" / "small.jpg", picture(11, 13, 4))
    saved(a / "b-" / "grey.jpg", picture(70, 50, 5, channels=1))
    saved(b / "inks.jpg", picture(64, 65, 6), mode="CMYK")
    exif = Image.Exif()
    exif[274] = 6
    saved(b / "turned.jpg", picture(45, 66, 7), exif=exif)
    saved(b / "long.png", picture(30, 400, 8))
    saved(b / "grey.png", picture(33, 40, 9, channels=1))
    saved(b / "grey_alpha.PNG", picture(33, 40, 10), mode="LA")
    saved(b / "alpha.png", np.concatenate([picture(40, 40, 11), picture(40, 40, 12, channels=1)[..., None]], axis=2))
    saved(c / "palette.png", picture(50, 41, 13), mode="P")
    saved(c / "palette_clear.png", picture(50, 41, 14), mode="P", transparency=3)
    saved(c / "bits.png", picture(29, 29, 15), mode="1")
    saved(c / "named_otherwise.jpg", picture(32, 32, 16), format="PNG")
    png_of_16_bits(c / "deep.png", picture(36, 37, 17).astype(np.uint16) * 251)


def expected(folder, size):
    """Images and labels of torchvision, normalized by 0.5 and 0.5."""
    shorter = round(size * 256 / 224)
    dataset = ImageFolder(folder, T.Compose([T.Resize(shorter), T.CenterCrop(size), T.PILToTensor()]))
    images = np.stack([image.numpy() for image, _ in dataset]).astype(np.float32)
    return (images / 255 - np.float32(0.5)) / np.float32(0.5), [label for _, label in dataset]


@pytest.fixture
def pictures(tmp_path, inputs):
    """A sweep of 28 px on a folder of pictures that is still to be filled."""
    run = Sweep(tmp_path, inputs)
    run.config["paths"]["medmnist_data_root"] = str(tmp_path / "data")
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.config["devices"] = {"cpu": 1}
    return run, tmp_path / "data" / "rgb"


def test_every_kind_of_picture_is_the_image_of_torchvision_to_the_bit(pictures):
    run, folder = pictures
    make_pictures(folder / "test")
    run.run()
    images, labels = expected(folder / "test", 28)
    store = zarr.open_group(run.stores()[0], mode="r")
    off = np.abs(store["images"][:] - images).max(axis=(1, 2, 3)) * 127.5
    assert off.tolist() == [0] * len(images)
    assert store["labels"][:].tolist() == labels and len(set(labels)) == 3
    verdict = subprocess.run([run.scheduler, "verify", "--config", run.file, "--sample", "1"], capture_output=True, text=True)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_pictures_as_large_as_imagenets_are_scaled_to_256_and_cut_to_224_px(pictures, inputs):
    run, folder = pictures
    run.config["search_space"]["image_size"] = 224
    weights = run.folder / "weights" / "weights_rgb"
    weights.mkdir(parents=True)
    shutil.copy(inputs / "weights" / "weights_rgb" / "resnet18_64_1.pth", weights / "resnet18_224_1.pth")
    run.config["paths"]["medmnist_weights_root"] = str(weights.parent)
    for at, (height, width) in enumerate([(375, 500), (500, 333), (1200, 1031)]):
        saved(folder / "test" / "n01440764" / f"{at}.JPEG", picture(height, width, at), quality=[95, 80, 30][at])
    run.run()
    images, _ = expected(folder / "test", 224)
    assert (zarr.open_group(run.stores()[0], mode="r")["images"][:] == images).all()


def test_a_table_names_the_pictures_of_a_flat_folder(pictures):
    run, folder = pictures
    for at in range(3):
        saved(folder / "test" / f"{at}.png", picture(32, 32, at))
    (folder / "test.csv").write_text("file,label\n2.png,1\n0.png,3\n")
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    # All pictures of a folder as a class; 2 and 0 of them are named.
    (folder / "all").mkdir()
    (folder / "all" / "x").symlink_to(folder / "test")
    images, _ = expected(folder / "all", 28)
    assert (store["images"][:] == images[[2, 0]]).all() and store["labels"][:].tolist() == [1, 3]


def test_a_picture_that_is_broken_or_not_understood_is_told_by_its_file(pictures):
    run, folder = pictures
    saved(folder / "test" / "a" / "0.jpg", picture(64, 64, 0))
    whole = io.BytesIO()
    Image.fromarray(picture(64, 64, 1)).save(whole, "JPEG")
    grey = io.BytesIO()
    Image.fromarray(picture(20, 20, 1, channels=1).astype(np.uint16) * 256).save(grey, "PNG")
    for data, told in [
        (whole.getvalue()[:-40], "0.jpg`: it is cut off"),
        (whole.getvalue()[:200], "0.jpg`: damaged"),
        (grey.getvalue(), "0.jpg`: grey of 16 bits, of which PIL makes black and white"),
        (grey.getvalue()[:-60], "0.jpg`: "),
        (b"GIF89a", "0.jpg`: neither a JPEG nor a PNG"),
    ]:
        (folder / "test" / "a" / "0.jpg").write_bytes(data)
        assert told in run.run("--check", code=3).stderr
    assert not run.output.exists()

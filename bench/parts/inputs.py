"""What both sides of a benchmark read: images, their mean, and weights. The images are crops of two photographs.

Models, and how Captum is driven, are those of the tests.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import support  # noqa: E402
from support import captum_maps  # noqa: E402, F401

FLAG = "photos"
CLASSES = 10
SPLITS = ("train", "val", "test")


def grid(keys=None):
    """Method, key and parameters of every variant of the grid, or of those with `keys`, some of which may be in `variants/others.yml`."""
    files = ["grid.yml"] if keys is None else ["grid.yml", "others.yml"]
    methods = [method for file in files for method in yaml.safe_load((ROOT / "bench" / "variants" / file).read_text())]
    every = [(method, key, params) for method in methods for key, params in support.variants(method)]
    unknown = set(keys or ()) - {key for _, key, _ in every}
    if unknown:
        raise SystemExit(f"no such variant: {', '.join(sorted(unknown))}; there are: {', '.join(key for _, key, _ in every)}")
    return [variant for variant in every if keys is None or variant[1] in keys]


def crops(n, size, seed):
    """`n` pieces of real photographs, `[n, size, size, 3]`."""
    # Here, as Captum's process would count it as its own.
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    photographs = load_sample_images().images
    pieces = []
    for _ in range(n):
        photograph = photographs[rng.integers(len(photographs))]
        y, x = (rng.integers(side - size + 1) for side in photograph.shape[:2])
        pieces.append(photograph[y : y + size, x : x + size])
    return np.stack(pieces)


def normalised(pixels):
    """Images as models see them, `[n, 3, size, size]` in -1..1."""
    return (torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255) - 0.5) / 0.5


def make(folder, arch, size, images):
    """Data, mean image and weights in `folder`, where a config expects them."""
    members = {}
    for seed, split in enumerate(SPLITS):
        members[f"{split}_images"] = crops(images, size, seed)
        members[f"{split}_labels"] = np.zeros((images, 1), np.uint8)
    for name in ("data", "means", f"weights/weights_{FLAG}"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    np.savez_compressed(data_file(folder, size), **members)
    torch.save(normalised(members["train_images"]).mean(0), mean_file(folder))
    torch.save({"net": model(arch, size).state_dict()}, weights_file(folder, arch, size))


def model(arch, size):
    """Random weights; the statistics of batch norms are those of photographs, so that activations have natural sizes."""
    torch.manual_seed(0)
    made = support.architecture(arch, size, CLASSES).train()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        made(normalised(crops(16, size, len(SPLITS))))
    return made.eval()


def data_file(folder, size):
    # As MedMNIST names its files.
    return folder / "data" / (f"{FLAG}.npz" if size == 28 else f"{FLAG}_{size}.npz")


def mean_file(folder):
    return folder / "means" / f"{FLAG}_mean.pt"


def weights_file(folder, arch, size):
    return folder / "weights" / f"weights_{FLAG}" / f"{arch}_{size}_1.pth"

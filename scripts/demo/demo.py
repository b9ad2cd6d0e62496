"""Makes the demo's inputs: real images as a MedMNIST file, and a ResNet-18 trained on them for some seconds.

The images are scikit-learn's digits (UCI Optical Recognition of Handwritten Digits, CC BY 4.0; 1797 scans of
handwritten digits, 8x8 px), enlarged to 28 px. Nothing is made twice.
"""

import pathlib
import time

import numpy as np
import torch
import torchvision
from sklearn.datasets import load_digits

ROOT = pathlib.Path(__file__).parents[2] / "demo"
DATA = ROOT / "data" / "digits.npz"
WEIGHTS = ROOT / "weights" / "weights_digits" / "resnet18_28_1.pth"
SPLITS = {"train": slice(0, 1300), "val": slice(1300, 1500), "test": slice(1500, None)}
EPOCHS, BATCH = 3, 64


def images() -> tuple[np.ndarray, np.ndarray]:
    digits = load_digits()
    small = torch.from_numpy(digits.images).float()[:, None] / 16
    large = torch.nn.functional.interpolate(small, size=28, mode="bicubic", align_corners=False)
    return (large[:, 0].clamp(0, 1) * 255).round().byte().numpy(), digits.target.astype(np.uint8)


def write_data() -> None:
    pixels, labels = images()
    order = np.random.default_rng(0).permutation(len(labels))
    pixels, labels = pixels[order], labels[order]
    DATA.parent.mkdir(parents=True, exist_ok=True)
    members = {}
    for split, part in SPLITS.items():
        members[f"{split}_images"], members[f"{split}_labels"] = pixels[part], labels[part][:, None]
    aside = DATA.with_suffix(".tmp.npz")
    np.savez_compressed(aside, **members)
    aside.rename(DATA)
    print(f"{DATA}: {len(labels)} images of 28x28 px")


def tensors(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    with np.load(DATA) as file:
        pixels, labels = file[f"{split}_images"], file[f"{split}_labels"][:, 0]
    grey = (torch.from_numpy(pixels).float() / 255 - 0.5) / 0.5
    return grey[:, None].expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(labels).long()


def train() -> None:
    torch.manual_seed(0)
    started = time.monotonic()
    (x, y), (test_x, test_y) = tensors("train"), tensors("test")
    model = torchvision.models.resnet18(num_classes=10)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    model.eval()
    with torch.no_grad():
        right = (torch.cat([model(part) for part in test_x.split(128)]).argmax(1) == test_y).float().mean()
    WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    aside = WEIGHTS.with_suffix(".tmp")
    torch.save({"net": model.state_dict()}, aside)
    aside.rename(WEIGHTS)
    print(f"{WEIGHTS}: trained in {time.monotonic() - started:.0f} s, right on {right:.1%} of the test images")


if __name__ == "__main__":
    if not DATA.exists():
        write_data()
    if not WEIGHTS.exists():
        train()

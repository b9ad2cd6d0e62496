"""`python -m attrisweep.running.demo FOLDER`: makes data, weights and a config in a folder. Nothing is made twice.

The images are the digits of scikit-learn (UCI Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, CC BY 4.0;
1797 scans of 8x8 px), enlarged to 28 px.
"""

import importlib.resources
import io
import json
import pathlib
import sys
import time
from typing import Any

import numpy as np
import torch

CONFIG = """\
# A sweep over handwritten digits that ends within a minute on two cores. Every key is in the guide.
paths:
  weights_root: {weights}
  data_root: {data}
  means_dir: {means}
  scheduler_log_dir: {logs}
  final_output_dir: {outputs}

search_space:
  data_flags: [digits]
  model_flags: [lenet]
  splits: [test]
  image_size: 28
  noise_conditions:
    - {{name: clean, type: none}}
    - {{name: gaussian_std_0.15, type: gaussian, params: {{std: 0.15}}}}
  attribution_methods:
    - {{name: Saliency}}
    - {{name: InputXGradient}}
    - {{name: GuidedBackprop}}
    - {{name: IntegratedGradients, params: {{n_steps: 50, baselines: zero}}}}
    - {{name: DeepLIFT, class: DeepLift, params: {{baselines: global_mean}}}}
    - {{name: Occlusion, params: {{patch_size: 8, baselines: global_mean}}}}

devices: cpu
limit: 32
"""

SPLITS = {"train": slice(0, 1300), "val": slice(1300, 1500), "test": slice(1500, None)}
EPOCHS, BATCH = 4, 64

# The exit code of the programs for a folder that cannot be written. The last line of standard error says why.
UNWRITABLE = 6


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The images, `[n, 1, 28, 28]` from 0 for black to 1 for white, and the digit of each."""
    with importlib.resources.files(__package__).joinpath("digits.npz").open("rb") as file:
        archive = np.load(file)
        small, labels = torch.from_numpy(archive["images"]), torch.from_numpy(archive["labels"])
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(labels)))
    large = torch.nn.functional.interpolate(small[order, None].float() / 16, size=28, mode="bicubic", align_corners=False)
    return large.clamp(0, 1), labels[order].long()


def write_data(file: pathlib.Path) -> None:
    """Writes the digits as a file of MedMNIST."""
    images, labels = digits()
    pixels, answers = (images[:, 0] * 255).round().byte().numpy(), labels.numpy().astype(np.uint8)[:, None]
    members: dict[str, Any] = {}
    for split, part in SPLITS.items():
        members[f"{split}_images"], members[f"{split}_labels"] = pixels[part], answers[part]
    packed = io.BytesIO()
    np.savez_compressed(packed, **members)
    put(file, packed.getvalue())


def put(file: pathlib.Path, content: bytes) -> None:
    """Writes a file that is whole or not there. What was written of it goes, where the disk is full."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.tmp")
    try:
        aside.write_bytes(content)
        aside.rename(file)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def lenet() -> torch.nn.Module:
    """The network that the catalogue calls `lenet`, for ten classes."""
    nn = torch.nn
    stages = [
        [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        for channels, width in [(3, 16), (16, 32)]
    ]
    head = [nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.Dropout(), nn.ReLU()]
    head += [nn.Linear(128, 64), nn.Dropout(), nn.ReLU(), nn.Linear(64, 10)]
    return nn.Sequential(*stages[0], *stages[1], *head)


def train(data: pathlib.Path, file: pathlib.Path) -> str:
    """Trains the network on the train split, writes its weights, and tells how good they are."""
    torch.manual_seed(0)
    started = time.monotonic()
    (x, y), (test_x, test_y) = tensors(data, "train"), tensors(data, "test")
    model = lenet()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(len(x)), BATCH):
            optimiser.zero_grad()
            torch.autograd.backward(torch.nn.functional.cross_entropy(model(x[batch]), y[batch]))
            optimiser.step()
    model.eval()
    with torch.no_grad():
        right = (model(test_x).argmax(1) == test_y).float().mean().item()
    saved = io.BytesIO()
    torch.save(model.state_dict(), saved)
    put(file, saved.getvalue())
    return f"trained in {time.monotonic() - started:.0f} s, right on {right:.1%} of the test images"


def tensors(file: pathlib.Path, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of a split as the sweep sees them, `[n, 3, 28, 28]`, and their labels."""
    with np.load(file) as archive:
        pixels, labels = archive[f"{split}_images"], archive[f"{split}_labels"][:, 0]
    grey = (torch.from_numpy(pixels).float() / 255 - 0.5) / 0.5
    return grey[:, None].expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(labels).long()


def make(folder: pathlib.Path) -> None:
    """Makes whatever of data, weights and config is not in `folder` yet."""
    data, weights = folder / "data" / "digits.npz", folder / "weights" / "weights_digits" / "lenet_28_1.pth"
    config = folder / "config.yml"
    if not data.exists():
        write_data(data)
        print(f"{data}: 1797 handwritten digits of 28x28 px")
    if not weights.exists():
        print(f"{weights}: a LeNet, {train(data, weights)}")
    if not config.exists():
        # The text of a string in JSON is the same string in YAML, whatever letters a folder has.
        places = {name: json.dumps(str(folder / name)) for name in ("weights", "data", "means", "logs", "outputs")}
        put(config, CONFIG.format(**places).encode())
        print(f"{config}: six methods, clean and noisy images")


if __name__ == "__main__":
    try:
        make(pathlib.Path(sys.argv[1]))
    except OSError as error:
        print(f"cannot write the inputs of the demo to `{sys.argv[1]}`: {error.strerror or error}", file=sys.stderr)
        sys.exit(UNWRITABLE)

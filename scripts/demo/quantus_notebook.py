"""The table of the Quantus notebook: a LeNet on the whole FashionMNIST, four methods, three metrics, over training seeds.

Fetches Debian's package dataset-fashion-mnist (31 MB, MIT) with apt-get, which needs neither root nor an installation; trains the network
of the notebook once for each seed; runs configs/quantus_notebook.yml with its weights, and prints the table beside the published one.
Nothing is made twice. `make quantus-notebook` calls it.
"""

import argparse
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import yaml

HOME = pathlib.Path(__file__).parents[2]
ROOT = HOME / "demo" / "quantus_notebook"
DATA = ROOT / "data" / "fashionmnist"
PACKAGE = "dataset-fashion-mnist"
FILES = [f"{split}-{kind}-ubyte.gz" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
EPOCHS, BATCH = 10, 256

# What the notebook shows: FaithfulnessCorrelation, RelativeInputStability, Sparseness.
PUBLISHED = {
    "Lime": (0.0071, 14.0141, 0.9835),
    "GradientShap": (0.1066, 1.8824, 0.7650),
    "InputXGradient": (0.1190, 1.9936, 0.7574),
    "IntegratedGradients": (0.1195, 1.8695, 0.7642),
}


def fetch() -> None:
    """Leaves the four files of FashionMNIST in DATA."""
    with tempfile.TemporaryDirectory() as folder:
        # apt gives a package to a user of its own, which must be able to write there.
        pathlib.Path(folder).chmod(0o777)
        try:
            subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True, capture_output=True, text=True)
            (package,) = pathlib.Path(folder).glob("*.deb")
            subprocess.run(["dpkg-deb", "--extract", package, folder], check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            sys.exit(
                f"FashionMNIST could not be fetched as Debian's package {PACKAGE}: {getattr(error, 'stderr', '') or error}\n"
                f"Put {', '.join(FILES)} into {DATA} and run this again."
            )
        DATA.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (found,) = pathlib.Path(folder).glob(f"usr/share/**/{name}")
            shutil.copy(found, DATA / f"{name}.part")
            (DATA / f"{name}.part").rename(DATA / name)
    print(f"{DATA}: {', '.join(FILES)}")


def arrays(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images `[n, 1, 28, 28]` from 0 to 1, and labels."""
    read = lambda name, skip: np.frombuffer(gzip.decompress((DATA / name).read_bytes()), np.uint8, offset=skip)
    images = read(f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(read(f"{split}-labels-idx1-ubyte.gz", 8).astype(np.int64))


class LeNet(torch.nn.Module):
    """The network of the notebook: 214,634 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.BatchNorm2d(16)
        self.conv2, self.bn2 = torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.BatchNorm2d(32)
        self.fc1, self.fc2, self.fc3 = torch.nn.Linear(32 * 7 * 7, 128), torch.nn.Linear(128, 64), torch.nn.Linear(64, 10)
        self.dropout = torch.nn.Dropout(0.4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = lambda x: torch.nn.functional.max_pool2d(torch.relu(x), 2)
        x = pooled(self.bn2(self.conv2(pooled(self.bn1(self.conv1(x)))))).flatten(1)
        # The notebook drops before it rectifies.
        x = torch.relu(self.dropout(self.fc1(x)))
        return self.fc3(torch.relu(self.dropout(self.fc2(x))))


def train(seed: int, weights: pathlib.Path) -> None:
    torch.manual_seed(seed)
    (images, labels), (test, wanted) = arrays("train"), arrays("t10k")
    model, started = LeNet(), time.monotonic()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9, weight_decay=1e-4)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(images)).split(BATCH):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
            loss.backward()
            optimiser.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            right = (torch.cat([model(part) for part in test.split(1000)]).argmax(1) == wanted).float().mean()
        print(f"seed {seed}, epoch {epoch + 1} of {EPOCHS}: loss {total:.1f}, right on {right:.2%} of the test images", flush=True)
    weights.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), weights.with_suffix(".part"))
    weights.with_suffix(".part").rename(weights)
    print(f"{weights}: trained in {time.monotonic() - started:.0f} s")


def swept(scheduler: pathlib.Path, seed: int) -> dict[str, list[float]]:
    """Means of the three scores of each method with the weights of `seed`."""
    config = yaml.safe_load((HOME / "configs" / "quantus_notebook.yml").read_text())
    config["paths"] = {key: path.replace("seed-0", f"seed-{seed}") for key, path in config["paths"].items()}
    file = ROOT / f"seed-{seed}" / "config.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    subprocess.run([scheduler, "--config", file], cwd=HOME, check=True)
    subprocess.run([scheduler, "scores", "--config", file], cwd=HOME, check=True)
    (table,) = json.loads((HOME / config["paths"]["final_output_dir"] / "scores.json").read_text())
    return {row["method"].split("_")[0]: [cell["mean"] for cell in row["cells"]] for row in table["rows"]}


def compared(found: list[dict[str, list[float]]]) -> str:
    """Markdown table: the published number, ours as the mean over seeds, and the least and largest of them."""
    lines = ["| method | FaithfulnessCorrelation ↑ | RelativeInputStability ↓ | Sparseness ↑ |", "| --- | --- | --- | --- |"]
    for method, published in PUBLISHED.items():
        cells = []
        for at, number in enumerate(published):
            ours = [of_seed[method][at] for of_seed in found]
            cells.append(f"{number:.4f}; {np.mean(ours):.4f} ({min(ours):.4f} to {max(ours):.4f})")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="number of trainings: 0, 1, ..")
    parser.add_argument("--scheduler", type=pathlib.Path, default=HOME / "target" / "release" / "scheduler")
    asked = parser.parse_args()
    if not all((DATA / name).exists() for name in FILES):
        fetch()
    found = []
    for seed in range(asked.seeds):
        weights = ROOT / f"seed-{seed}" / "weights" / "weights_fashionmnist" / "lenet_28_1.pth"
        if not weights.exists():
            train(seed, weights)
        found.append(swept(asked.scheduler.resolve(), seed))
    text = f"Published; mean over {asked.seeds} trainings (least to largest)\n\n{compared(found)}"
    (HOME / "outputs" / "quantus_notebook" / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

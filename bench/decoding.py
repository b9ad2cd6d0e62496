"""What reading folders of JPEG costs, beside torchvision's DataLoader, and how many cores feed eight GPUs.

    .python/bin/python bench/decoding.py [--pictures 512] [--images-per-second 1590]

Both sides make the mean image of the same pictures, of 500 x 375 pixels as ImageNet's mostly are, at 224 px: `attrisweep means` and a loop over
a DataLoader with as many processes as there are cores. Each is run on many pictures and on few; the difference is what pictures cost without
the start of the program. Memory is the most that all processes of a side held at once.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# A requirement of ipykernel's.
import psutil
from parts import inputs, machine, table
from parts.inputs import support
from PIL import Image

SIZE, QUALITY = 224, 92
WIDTH, HEIGHT = 500, 375
PROGRAM = inputs.ROOT / "target" / "release" / "attrisweep"
# What one GPU of the table in docs/benchmarks.md takes at most: Captum's fastest method there, on an H200.
FASTEST = 1590
LOADER = """
import sys, torch, torchvision.transforms as T
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
folder, workers = sys.argv[1], int(sys.argv[2])
kept = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])
total, count = torch.zeros(3, 224, 224, dtype=torch.float64), 0
for images, _ in DataLoader(ImageFolder(folder, kept), batch_size=32, num_workers=workers):
    total += images.double().sum(0)
    count += len(images)
print(count, (total / count).mean().item())
"""


def pictures(folder, count):
    """A folder of one class for each split. Pictures are pieces of two photographs, none like another."""
    for split in ("train", "test"):
        place = folder / inputs.FLAG / split / "only"
        place.mkdir(parents=True)
        for index in range(count if split == "train" else 1):
            # Pieces are square and of another seed for each picture.
            piece = inputs.crops(1, HEIGHT, index)[0]
            Image.fromarray(piece).resize((WIDTH, HEIGHT)).save(place / f"{index:05}.jpg", quality=QUALITY)


def measured(command, cores):
    """Seconds of a command on these cores, and the most memory that its processes held."""
    began = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", ",".join(map(str, cores)), *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most, told = [0], [b""]
    reader = threading.Thread(target=lambda: told.__setitem__(0, process.stderr.read()))
    reader.start()
    while process.poll() is None:
        most[0] = max(most[0], held(process.pid))
        time.sleep(0.01)
    reader.join()
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {told[0].decode(errors='replace')}")
    return time.monotonic() - began, most[0]


def held(process):
    """Memory of a process and its children, each shared page once for all."""
    total = 0
    try:
        family = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for one in family:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def ours(folder, name, cores):
    place = folder / f"sweep-{name}"
    place.mkdir(exist_ok=True)
    sweep = support.Sweep(place, folder, inputs.FLAG, SIZE, models=["resnet18"])
    sweep.config["paths"]["medmnist_data_root"] = str(folder / name)
    return measured([str(PROGRAM), "means", "--force", "--config", str(sweep.file)], cores)


def theirs(folder, name, cores):
    return measured([sys.executable, "-c", LOADER, str(folder / name / inputs.FLAG / "train"), str(len(cores))], cores)


def row(name, side, folder, counts, cores, wanted):
    """Pictures a second, memory, and the cores that eight GPUs would want."""
    few, many = ([side(folder, which, cores) for _ in range(2)] for which in counts)
    rate = (counts["many"] - counts["few"]) / (min(many)[0] - min(few)[0])
    memory = max(peak for _, peak in many) / table.MIB
    return [name, str(len(cores)), f"{rate:.0f}", f"{memory:.0f}", f"{8 * wanted * len(cores) / rate:.0f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--images-per-second", type=float, default=FASTEST, help="that one GPU takes")
    given = parser.parse_args()
    counts = {"few": max(1, given.pictures // 8), "many": given.pictures}
    every = sorted(os.sched_getaffinity(0))
    rows = [["side", "cores", "pictures/s", "peak MiB", f"cores for 8 GPUs of {given.images_per_second:g} images/s"]]
    with tempfile.TemporaryDirectory(prefix="attrisweep-bench-") as name:
        folder = Path(name)
        for which, count in counts.items():
            pictures(folder / which, count)
        for cores in dict.fromkeys([(every[0],), tuple(every)]):
            for side, of_side in (("attrisweep", ours), ("torchvision", theirs)):
                rows.append(row(side, of_side, folder, counts, cores, given.images_per_second))
    print(f"{machine.facts(len(every))['cpu']}, {len(every)} cores, load {os.getloadavg()[0]:.1f} at the end\n\n{table.markdown(rows)}")


if __name__ == "__main__":
    main()

"""Which images of a Zarr array have been written, told from the names of its chunks' files alone."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from .store import Mask

# The keys of Zarr v3 are `c.3.0.0.0` or `c/3/0/0/0`, those of v2 `3.0.0.0` or `3/0/0/0`. The first number is along the images.
_KEY = re.compile(r"(?:c[./])?(\d{1,18})(?:[./]\d+)*$")


def mask(names: Iterable[str], images: int, rows: int) -> Mask:
    """Whether each of `images` images is in one of the files called `names`, relative to the array, that hold `rows` images each."""
    there = np.zeros(images, dtype=bool)
    for name in names:
        key = _KEY.match(name)
        if key is not None:
            first = int(key[1]) * rows
            there[first : first + rows] = True
    return there


def files(folder: Path) -> Iterator[str]:
    """Names of the files below `folder`, relative to it, with `/` between folders."""
    for place, _, names in os.walk(folder):
        below = Path(place).relative_to(folder)
        yield from ((below / name).as_posix() for name in names)

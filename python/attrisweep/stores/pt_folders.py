"""Folders of `.pt` files, one tensor each: `images.pt`, `labels.pt`, `model_predictions.pt`, `means/` and `attributions/`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import names
from ..errors import DamagedStoreError
from . import torch_file
from .store import Mask, Store, StoredArray

_FIRST = ("images.pt", "labels.pt", "model_predictions.pt")


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder with files of tensors where stores have them."""
    if not path.is_dir() or path.suffix == ".zarr":
        return False
    is_called = names.is_of_tensors(path.name) or names.is_of_store(path.name.removesuffix(".pt"))
    return any((path / name).is_file() for name in _FIRST) or (is_called and any(path.glob("attributions/*.pt")))


def open_folder(path: Path) -> Store:
    """Opens a folder of `.pt` files. Of each file its few hundred bytes of description are read."""
    files = sorted([*path.glob("*.pt"), *path.glob("*/*.pt")])
    arrays = {file.relative_to(path).with_name(file.name.removesuffix(".pt")).as_posix(): _array(file) for file in files}
    return Store(path, "pt", path.name.removesuffix(".pt"), {}, arrays)


def _array(file: Path) -> StoredArray:
    values = torch_file.read(file)
    if not values.shape:
        raise DamagedStoreError(file, "a single number", "a tensor with at least one dimension")

    def written() -> Mask:
        # A file is written as a whole.
        return np.ones(values.shape[0], dtype=bool)

    return StoredArray(values.shape, values.dtype, lambda key: _part(values, key), written)


def _part(values: NDArray[Any], key: tuple[Any, ...]) -> NDArray[Any]:
    """A part by orthogonal indexing. What is a slice or a number is taken first: that reads nothing."""
    kept = [at for at in key if not isinstance(at, int | np.integer)]
    part = values[tuple(slice(None) if isinstance(at, np.ndarray) else at for at in key)]
    for axis, at in enumerate(kept):
        if isinstance(at, np.ndarray):
            part = part[(slice(None),) * axis + (at,)]
    return np.array(part)

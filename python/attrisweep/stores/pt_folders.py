"""Folders of `.pt` files, one tensor each: `images.pt`, `labels.pt`, `model_predictions.pt`, `means/` and `attributions/`.

Scripts leave no more than that. attrisweep puts the folders of a dataset and split into `dataset-<flag>_split-<split>.pt`, and beside the
tensors of each the metadata of the store.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import names
from ..errors import DamagedStoreError
from . import torch_file
from .store import MOST_IMAGES, Mask, Store, StoredArray

_FIRST = ("images.pt", "labels.pt", "model_predictions.pt")
_DATASET = re.compile(r"(?P<dataset>dataset-.+)(?P<split>_split-[^_.]+)\.pt$")
# Metadata of a whole store, and facts beside a part of a store that was exported. A store of a hundred methods has 500 kB of them.
_METADATA, _SOURCE, _MOST_BYTES = "attrisweep.json", "source.json", 1 << 26


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder with files of tensors where stores have them."""
    if not path.is_dir() or path.suffix == ".zarr":
        return False
    is_called = names.is_of_tensors(path.name) or names.is_of_store(path.name.removesuffix(".pt"))
    return any((path / name).is_file() for name in _FIRST) or (is_called and any(path.glob("attributions/*.pt")))


def place(path: Path) -> Path:
    """Path without the suffix of the format: the same for all forms of one store."""
    above = _DATASET.match(path.parent.name)
    if above is None:
        return path.with_name(path.name.removesuffix(".pt"))
    return path.parent.with_name(f"{above['dataset']}_{path.name}{above['split']}")


def open_folder(path: Path) -> Store:
    """Opens a folder of `.pt` files. Of each file its few hundred bytes of description are read."""
    metadata = _json(path / _METADATA)
    attributes = metadata.get("attributes", {}) if metadata else _json(path / _SOURCE)
    nodes = _mapping(_mapping(metadata.get("consolidated_metadata")).get("metadata"))
    arrays = {}
    for file in sorted([*path.glob("*.pt"), *path.glob("*/*.pt")]):
        name = file.relative_to(path).with_name(file.name.removesuffix(".pt")).as_posix()
        arrays[name] = _array(file, _mapping(_mapping(nodes.get(name)).get("attributes")))
    return Store(path, "pt", place(path).name, _mapping(attributes), arrays)


def _json(file: Path) -> Mapping[str, Any]:
    """The object in a file of JSON; empty where no file is."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        found = json.loads(text) if len(text) <= _MOST_BYTES else None
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedStoreError(file, f"{type(error).__name__}: {error}", "an object in JSON") from error
    if not isinstance(found, Mapping):
        raise DamagedStoreError(file, "something else", f"an object in JSON of at most {_MOST_BYTES} bytes")
    return found


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _array(file: Path, attributes: Mapping[str, Any]) -> StoredArray:
    values = torch_file.read(file)
    if not values.shape or values.shape[0] > MOST_IMAGES:
        raise DamagedStoreError(file, f"the shape {values.shape}", f"at least one dimension, and at most {MOST_IMAGES} images")

    def written() -> Mask:
        # A file is written as a whole.
        return np.ones(values.shape[0], dtype=bool)

    return StoredArray(values.shape, values.dtype, lambda key: _part(values, key), written, None, attributes)


def _part(values: NDArray[Any], key: tuple[Any, ...]) -> NDArray[Any]:
    """A part by orthogonal indexing. What is a slice or a number is taken first: that reads nothing."""
    kept = [at for at in key if not isinstance(at, int | np.integer)]
    part = values[tuple(slice(None) if isinstance(at, np.ndarray) else at for at in key)]
    for axis, at in enumerate(kept):
        if isinstance(at, np.ndarray):
            part = part[(slice(None),) * axis + (at,)]
    return np.array(part)

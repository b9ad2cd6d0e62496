"""Arrays on the disk as xarray's lazy variables."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from ..errors import AttrisweepError, DamagedStoreError
from .store import Store, StoredArray

# What stores call their dimensions, and what this package calls them.
_NAMES = {"sample": "image", "y": "height", "x": "width"}
_BY_FAMILY = {"model_predictions": ("class",), "labels": ("label",)}
_OF_IMAGES = {1: ("image",), 3: ("image", "height", "width"), 4: ("image", "channel", "height", "width")}


class _OnDisk(BackendArray):
    """Adapter through which xarray reads parts of a stored array."""

    def __init__(self, array: StoredArray, place: Path) -> None:
        self.array, self.place = array, place
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        try:
            return np.asarray(self.array.read(key))
        except AttrisweepError:
            raise
        # Codecs and stores raise errors of many kinds for bytes that they cannot decode.
        except Exception as error:
            raise DamagedStoreError(self.place, f"{type(error).__name__}: {error}", "chunks that can be decoded") from error


def variable(store: Store, path: str) -> xarray.Variable:
    """The array at `path` as a variable with named dimensions, whose values are read when they are asked for."""
    array = store.arrays[path]
    on_disk = indexing.LazilyIndexedArray(_OnDisk(array, store.path / path))
    return xarray.Variable(dimensions(path, array), on_disk)


def dimensions(path: str, array: StoredArray) -> tuple[str, ...]:
    """Names of the dimensions of the array at `path`: those of the store, or what the place of the array tells."""
    family, count = path.partition("/")[0], len(array.shape)
    if array.dimensions is not None:
        return tuple(_NAMES.get(name, name) for name in array.dimensions)
    if family == "means":
        return ("channel", "height", "width")[-count:] if count <= 3 else _numbered(count)
    if family in _BY_FAMILY:
        return ("image", *_BY_FAMILY[family])[:count] if count <= 2 else _numbered(count)
    return _OF_IMAGES.get(count, _numbered(count))


def _numbered(count: int) -> tuple[str, ...]:
    return ("image", *(f"dim_{at}" for at in range(1, count)))[:count]

"""A store as every format gives it: attributes of the root, and arrays by path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Read = Callable[[tuple[Any, ...]], NDArray[Any]]
Mask = NDArray[np.bool_]

# More images than any sweep has. A mask of a byte for each image is made; a shape is only a number in a file.
MOST_IMAGES = 100_000_000


@dataclass(frozen=True)
class StoredArray:
    """An array that lies on the disk. Nothing of its values has been read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    #: Reads a part. The key has a number, a slice or a sorted array of numbers for each dimension (orthogonal indexing).
    read: Read
    #: Says for each entry of the first dimension whether it has been written.
    written: Callable[[], Mask]
    #: Names of the dimensions as the store has them, if it has any.
    dimensions: tuple[str, ...] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Store:
    """A store of one group."""

    path: Path
    #: Name of the format: `zarr`, `zarr.zip` or `pt`.
    format: str
    #: Name of the file or folder without the suffixes of the format.
    stem: str
    #: Attributes of the root; empty for formats that have none.
    attributes: Mapping[str, Any]
    #: Arrays by path, as `attributions/Saliency`.
    arrays: Mapping[str, StoredArray]

    @property
    def ours(self) -> Mapping[str, Any]:
        """What attrisweep says of the store; empty for a store that other scripts wrote."""
        said = self.attributes.get("attrisweep")
        return said if isinstance(said, Mapping) else {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """What attrisweep says of the numbers: of its store, or of the store from which a part was exported."""
        source = self.attributes.get("attrisweep_source")
        return self.ours or (source if isinstance(source, Mapping) else {})

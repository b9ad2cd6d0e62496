"""Zarr stores, of version 2 and 3, as folders and as zip files: those of attrisweep and those of the reference scripts."""

import functools
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore, ZipStore

from . import names
from ..errors import DamagedStoreError
from . import written
from .store import MOST_IMAGES, Mask, Store, StoredArray

Listing = Callable[[str], Iterable[str]]


def is_folder(path: Path) -> bool:
    """Whether `path` is a Zarr folder that is called as stores are, or has maps where stores have them."""
    has_metadata = any((path / name).is_file() for name in ("zarr.json", ".zgroup"))
    is_zarr = path.is_dir() and (has_metadata or path.suffix == ".zarr")
    return is_zarr and (names.is_of_store(path.name.removesuffix(".zarr")) or (path / "attributions").is_dir())


def is_zip(path: Path) -> bool:
    """Whether `path` is a zip file called `<name of a store>.zarr.zip`."""
    return path.name.endswith(".zarr.zip") and path.is_file() and names.is_of_store(path.name.removesuffix(".zarr.zip"))


def place(path: Path) -> Path:
    """Path without the suffix of the format: the same for all forms of one store."""
    return path.with_name(path.name.removesuffix(".zip").removesuffix(".zarr"))


def open_folder(path: Path) -> Store:
    """Opens a store that is a folder."""
    root = _root(path, LocalStore(path, read_only=True))
    return _store(path, "zarr", place(path).name, root, lambda array: written.files(path / array))


def open_zip(path: Path) -> Store:
    """Opens a store that is a zip file."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.namelist()
        root = _root(path, ZipStore(path, mode="r"))
    except (zipfile.BadZipFile, OSError) as error:
        raise DamagedStoreError(path, str(error), "a zip file with a Zarr store in it") from error
    return _store(path, "zarr.zip", place(path).name, root, _by_folder(entries))


def _by_folder(entries: Iterable[str]) -> Listing:
    """Names of a zip's entries below any folder, relative to it."""
    below: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        parts = entry.split("/")
        # Arrays lie one or two folders deep; what follows is a chunk.
        for depth in range(1, min(len(parts), 3)):
            below["/".join(parts[:depth])].append("/".join(parts[depth:]))
    return lambda array: below.get(array, [])


def _root(path: Path, place: LocalStore | ZipStore) -> zarr.Group:
    try:
        return zarr.open_group(place, mode="r")
    # Metadata that is no JSON, or not that of a group, is told by errors of many kinds.
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise DamagedStoreError(path, found, "the root of a Zarr group (`scheduler verify` says what is wrong with a store)") from error


def _store(path: Path, form: str, stem: str, root: zarr.Group, listing: Listing) -> Store:
    try:
        members = dict(root.members(max_depth=None))
    except Exception as error:
        raise DamagedStoreError(path, f"{type(error).__name__}: {error}", "sound metadata of every array") from error
    arrays = {name: _array(path, name, node, listing) for name, node in members.items() if isinstance(node, zarr.Array) and node.ndim > 0}
    attributes: Mapping[str, Any] = root.attrs.asdict()
    return Store(path, form, stem, attributes, arrays)


def _array(path: Path, name: str, array: "zarr.Array[Any]", listing: Listing) -> StoredArray:
    shape = tuple(int(size) for size in array.shape)
    if not shape or shape[0] > MOST_IMAGES:
        raise DamagedStoreError(path / name, f"the shape {shape}", f"at least one dimension, and at most {MOST_IMAGES} images")

    def now() -> Mask:
        return written.mask(listing(name), shape[0], int((array.shards or array.chunks)[0]))

    has = functools.cache(now)

    def read(key: tuple[Any, ...]) -> NDArray[Any]:
        had, values = has(), np.asarray(array.oindex[key])
        # Zarr gives fill values for files that are gone, as when a sweep has packed its finished store since it was opened.
        if np.any((had & ~now())[key[0]]):
            raise DamagedStoreError(path / name, "fewer chunks than when it was opened", "those that were there; open the sweep again")
        return values

    called = getattr(array.metadata, "dimension_names", None) or ()
    return StoredArray(shape, np.dtype(array.dtype), read, has, tuple(called) if called and all(called) else None, array.attrs.asdict())

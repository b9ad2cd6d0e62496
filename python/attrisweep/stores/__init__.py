"""Stores of a sweep: the formats, and how stores are found below a folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import NoStoresError
from . import pt_folders, zarr_stores
from .store import Mask, Store, StoredArray

__all__ = ["FORMATS", "Mask", "Store", "StoredArray", "find"]

# Folders between the one that is asked for and its stores.
_DEPTH = 3


@dataclass(frozen=True)
class Format:
    """A way in which a store lies on the disk."""

    #: Whether a path is a store of this format. Reads names only.
    finds: Callable[[Path], bool]
    #: Opens the store at a path. Reads descriptions, and no values of images.
    open: Callable[[Path], Store]


#: Every format, in the order of asking.
FORMATS = (
    Format(zarr_stores.is_folder, zarr_stores.open_folder),
    Format(zarr_stores.is_zip, zarr_stores.open_zip),
    Format(pt_folders.is_folder, pt_folders.open_folder),
)


def find(path: Path) -> list[tuple[Path, Callable[[Path], Store]]]:
    """Stores at or below `path`, in the order of their paths, each with what opens it.

    A zip beside the folder that it was packed from is left out.

    Raises:
        NoStoresError: where no store is found.
    """
    if not path.exists():
        raise NoStoresError(f"{path}: found nothing, expected a folder of stores")
    found = dict(_walk(path, _DEPTH))
    if not found:
        raise NoStoresError(
            f"{path}: found no store there or up to {_DEPTH} folders below, expected"
            " `dataset-<flag>_model-<model>_noise-<noise>_split-<split>.zarr` or `.zarr.zip`, or folders `model-<model>_noise-<noise>` of .pt files"
        )
    return [(store, form.open) for store, form in sorted(found.items()) if store.with_suffix("") not in found or store.suffix != ".zip"]


def _walk(path: Path, depth: int) -> Iterator[tuple[Path, Format]]:
    form = next((form for form in FORMATS if form.finds(path)), None)
    if form is not None:
        yield path, form
    elif depth > 0 and path.is_dir():
        for below in path.iterdir():
            if not below.name.startswith("."):
                yield from _walk(below, depth - 1)

"""Stores of a sweep: the formats, and how stores are found below a folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import NoStoresError
from . import pt_folders, zarr_stores
from .store import Mask, Store, StoredArray

__all__ = ["FORMATS", "Found", "Mask", "Store", "StoredArray", "find"]

# Folders between the one that is asked for and its stores.
_DEPTH = 3


@dataclass(frozen=True)
class Format:
    """A way in which a store lies on the disk."""

    #: Whether a path is a store of this format. Reads names only.
    finds: Callable[[Path], bool]
    #: Path of a store without the suffix of the format, which all forms of one store share.
    place: Callable[[Path], Path]
    #: Opens the store at a path. Reads descriptions, and no values of images.
    open: Callable[[Path], Store]


#: Every format. Where a store is there in several, the first counts: a sweep goes on in a Zarr folder.
FORMATS = (
    Format(zarr_stores.is_folder, zarr_stores.place, zarr_stores.open_folder),
    Format(zarr_stores.is_zip, zarr_stores.place, zarr_stores.open_zip),
    Format(pt_folders.is_folder, pt_folders.place, pt_folders.open_folder),
)


@dataclass(frozen=True)
class Found:
    """A store that was found and has not been opened."""

    path: Path
    form: Format

    @property
    def place(self) -> Path:
        """Path without the suffix of the format."""
        return self.form.place(self.path)

    def open(self) -> Store:
        """Opens the store."""
        return self.form.open(self.path)


def find(path: Path) -> list[Found]:
    """Stores at or below `path`, in the order of their paths. Of several forms of one store the first of `FORMATS` is given.

    Raises:
        NoStoresError: where no store is found.
    """
    if not path.exists():
        raise NoStoresError(f"{path}: found nothing, expected a folder of stores")
    by_place: dict[Path, Found] = {}
    real = set()
    # Of a store and a link to the store, as sweeps leave them for later scripts, the store is given.
    for found in sorted(_walk(path, _DEPTH), key=lambda found: (FORMATS.index(found.form), found.path.is_symlink())):
        if found.path.resolve() not in real:
            real.add(found.path.resolve())
            by_place.setdefault(found.place, found)
    if not by_place:
        raise NoStoresError(
            f"{path}: found no store there or up to {_DEPTH} folders below, expected"
            " `dataset-<flag>_model-<model>_noise-<noise>_split-<split>.zarr` or `.zarr.zip`, or folders `model-<model>_noise-<noise>` of .pt files"
        )
    return sorted(by_place.values(), key=lambda found: found.path)


def _walk(path: Path, depth: int) -> Iterator[Found]:
    form = next((form for form in FORMATS if form.finds(path)), None)
    if form is not None:
        yield Found(path, form)
    elif depth > 0 and path.is_dir():
        for below in path.iterdir():
            # What is being written, or removed, has a name that begins with a dot.
            if not below.name.startswith("."):
                yield from _walk(below, depth - 1)

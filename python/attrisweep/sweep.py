"""A sweep: the groups whose stores lie in one folder."""

import functools
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

import pandas
import xarray

from . import stores, tree
from .errors import AttrisweepError, NoStoresError, UnknownNameError
from .group import Group


def open_sweep(path: str | PathLike[str]) -> "Sweep":
    """Opens the stores at or below `path`: an output folder of a sweep, or one store.

    Stores of attrisweep are read, finished or not, and those of the reference scripts: Zarr folders, `.zarr.zip` files and folders
    of `.pt` files. A store that cannot be read is told by a warning and is in `Sweep.unreadable`; the others are there.

    Raises:
        NoStoresError: if there is no store, or none that can be read.
    """
    # A store is named by its folder, which `.` does not say.
    path = Path(path).absolute()
    groups, unreadable = [], {}
    for found in stores.find(path):
        try:
            groups.append(_group(found, path))
        except AttrisweepError as error:
            unreadable[found.path] = error
            warnings.warn(f"a store is left out: {error}", stacklevel=2)
    if not groups:
        raise NoStoresError(f"{path}: none of its stores can be read: " + "; ".join(map(str, unreadable.values())))
    return Sweep(path, groups, unreadable)


def _group(found: stores.Found, folder: Path) -> Group:
    """The group of a store, or of the form that a running sweep has given the store since it was found."""
    try:
        group = Group(found.open())
        len(group)  # Reads labels and logits: what is damaged there is told now.
    except AttrisweepError:
        if found.path.exists() or not folder.exists():
            raise
        others = [other for other in stores.find(folder) if other.place == found.place]
        if not others:
            raise
        return _group(others[0], folder)
    return group


class Sweep:
    """Groups in the order of the paths of their stores."""

    def __init__(self, path: Path, groups: list[Group], unreadable: Mapping[Path, AttrisweepError]) -> None:
        self.path = path
        #: Stores that could not be read, with the reason of each.
        self.unreadable = unreadable
        self._groups = groups
        seen: Counter[str] = Counter()
        for group in groups:
            # Two stores of one name, as in folders of several runs, stay apart.
            seen[group.name.node] += 1
            if seen[group.name.node] > 1:
                group.name = replace(group.name, split=f"{group.name.split}_{seen[group.name.node]}")

    def __len__(self) -> int:
        """Number of groups."""
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)

    def __getitem__(self, at: int) -> Group:
        return self._groups[at]

    def group(self, **names: str) -> Group:
        """The one group with these names of `dataset`, `model`, `noise` and `split`; what is not given may be any.

        Raises:
            UnknownNameError: if no group, or more than one, has these names. The message lists the groups that are meant.
        """
        unknown = set(names) - {"dataset", "model", "noise", "split"}
        if unknown:
            raise UnknownNameError("part of a group's name", min(unknown), ("dataset", "model", "noise", "split"))
        found = [group for group in self if all(getattr(group.name, part) == name for part, name in names.items())]
        if len(found) != 1:
            what = "group with the names" if not found else "single group with the names"
            raise UnknownNameError(what, names, [group.name.node for group in found or self])
        return found[0]

    @functools.cached_property
    def groups(self) -> pandas.DataFrame:
        """Table of the groups, one row each.

        Columns: `dataset`, `model`, `noise`, `split`, `images` (number of images), `complete`, `methods_done` and `methods_asked`
        (numbers of methods), `accuracy` (share of the written images that are predicted right; missing where that has no meaning),
        `format` and `path`.
        """
        rows = [
            {
                "dataset": group.name.dataset,
                "model": group.name.model,
                "noise": group.name.noise,
                "split": group.name.split,
                "images": len(group),
                "complete": group.complete,
                "methods_done": len(group.done),
                "methods_asked": len(group.asked),
                "accuracy": group.accuracy,
                "format": group.format,
                "path": str(group.path),
            }
            for group in self
        ]
        return pandas.DataFrame(rows).astype({"accuracy": "float64"})

    @functools.cached_property
    def tree(self) -> xarray.DataTree:
        """All groups as a DataTree with nodes `/<dataset>/<model>/<noise>/<split>`; images, logits and maps are lazy.

        The node `written` of a group says which images have a map of each method: elsewhere values mean nothing.
        """
        return tree.tree(self)

    def __repr__(self) -> str:
        complete = sum(group.complete for group in self)
        return f"<attrisweep.Sweep {self.path}: {len(self)} groups, {complete} complete>"

    def _repr_html_(self) -> str:
        """The table of groups, for notebooks."""
        return str(self.groups.drop(columns="path").to_html(index=False))

"""What a figure shows: its rows, its columns, and the maps in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BadRequestError, NotWrittenError
from ..group import Group
from . import pictures, scale
from .labels import title
from .scale import Channels, Panel
from .signs import is_signed

_MOST_PANELS = 1000
_FIRST = 6


@dataclass(frozen=True)
class Column:
    """One method of one group; without a method, the images of the group."""

    group: Group
    method: str | None
    title: str
    #: Whether maps of the method have signs.
    is_signed: bool = False


@dataclass(frozen=True)
class Grid:
    """Rows of images, columns of methods, and what is in them as far as it has been written."""

    rows: list[int]
    columns: list[Column]
    #: Maps with one number a pixel, by row and column.
    panels: dict[tuple[int, int], Panel]
    #: Pictures of the images of each group, by the group's place and the position of the image.
    pictures: dict[tuple[Group, int], NDArray[np.float32]]


def grid(groups: list[Group], methods: Sequence[str] | None, images: object, channels: Channels) -> Grid:
    """The grid for `methods` of `groups`, or for all methods, and for `images`, or for the first six.

    Raises:
        BadRequestError: for no group, images that are not there, or more panels than a figure can have.
        UnknownNameError: for a method that a group does not have.
    """
    if not groups:
        raise BadRequestError("no group was given")
    if isinstance(methods, str):
        raise BadRequestError(f"`methods` is {methods!r}, expected a list of methods")
    columns = [column for group in groups for column in _columns(group, groups, methods, channels)]
    rows = _rows(min(len(group) for group in groups), images)
    if len(rows) * len(columns) > _MOST_PANELS:
        raise BadRequestError(f"{len(rows)} images in {len(columns)} columns, expected at most {_MOST_PANELS} panels")
    panels = {(row, at): panel for at, column in enumerate(columns) for row, panel in _maps(column, rows, channels).items()}
    return Grid(rows, columns, panels, {key: image for group in groups for key, image in _pictures(group, rows).items()})


def _columns(group: Group, groups: list[Group], methods: Sequence[str] | None, channels: Channels) -> list[Column]:
    where = "" if len(groups) == 1 else _difference(group, groups) + "\n"
    columns = [Column(group, None, title(where + "image"))]
    for method in group.methods if methods is None else methods:
        signed = channels != "mean_abs" and is_signed(group, method)
        columns.append(Column(group, method, title(where + method), signed))
    return columns


def _difference(group: Group, groups: list[Group]) -> str:
    """What tells the group from the others: the parts of its name that are not the same for all."""
    parts = ("dataset", "model", "noise", "split")
    differing = [part for part in parts if len({getattr(other.name, part) for other in groups}) > 1]
    return " ".join(str(getattr(group.name, part)) for part in differing)


def _rows(count: int, images: object) -> list[int]:
    """Positions of the images that are asked for, whether they have been written or not."""
    every = np.arange(count)
    if images is None:
        return list(range(min(count, _FIRST)))
    asked = every[images] if isinstance(images, slice) else np.atleast_1d(np.asarray(list(images) if isinstance(images, range | set) else images))
    if asked.ndim != 1 or asked.dtype.kind not in "iu" or not asked.size or asked.min() < 0 or asked.max() >= count:
        raise BadRequestError(f"`images` is {images!r}, expected numbers from 0 to {count - 1}")
    return [int(image) for image in asked]


def _maps(column: Column, rows: list[int], channels: Channels) -> dict[int, Panel]:
    """Maps of a column, by row, as far as they have been written."""
    if column.method is None:
        return {}
    maps = column.group.maps(column.method, images=rows)
    by_image = dict(zip(maps["image"].to_numpy().tolist(), scale.reduced(maps.to_numpy(), channels), strict=True))
    return {row: by_image[image] for row, image in enumerate(rows) if image in by_image}


def _pictures(group: Group, rows: list[int]) -> dict[tuple[Group, int], NDArray[np.float32]]:
    try:
        found = group.images(images=rows)
    except NotWrittenError:
        # A store without images is one to plot all the same.
        return {}
    shown = zip(found["image"].to_numpy(), found.to_numpy(), strict=True)
    return {(group, int(at)): pictures.picture(image, group.facts) for at, image in shown}

"""A figure of maps: rows are images, columns are methods, of one group or of several."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..errors import BadRequestError
from ..group import Group
from . import pictures, scale as scales
from .grid import Grid, grid
from .labels import of_image
from .scale import Channels, Outliers, Scale

# Inches of a panel, and of what is beside and below the grid.
_PANEL, _BESIDE, _BELOW = 1.45, 1.6, 1.0


class MapsFigure(Figure):
    """A matplotlib figure that notebooks show as a picture, whether pyplot was imported or not."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


def plot_maps(
    group: Group | Sequence[Group],
    methods: Sequence[str] | None = None,
    images: object = None,
    *,
    scale: Scale = "map",
    outliers: Outliers = 99.0,
    channels: Channels = "sum",
    overlay: float = 0.0,
    signed_colours: str = "RdBu_r",
    unsigned_colours: str = "inferno",
    class_names: Sequence[str] | None = None,
) -> MapsFigure:
    """Plots maps of `methods` (all, if none are given) for `images`, one row each, and gives the figure.

    Args:
        group: a group, or several whose images are the same, as those of one dataset under several noises.
        images: positions in the store; the first six if none are given.
        scale: maps that share their scale: `map`, `row`, `column` or `all`.
        outliers: percentile of absolute values that gets the full colour, `captum` for Captum's rule, `None` for the largest value.
        channels: `sum`, `mean_abs`, or the number of a channel.
        overlay: share of the image in each panel, from 0 (none) to 1: the map is laid over the image in grey.
        signed_colours: colour map of methods with signs, whose middle is zero; of the others: `unsigned_colours`.
        class_names: names of the classes, in their order.

    Images that are predicted wrong have a red frame and a cross. A map that has not been written is an empty panel that says so,
    and a map that is zero everywhere says so below.

    Raises:
        BadRequestError: for arguments that make no sense; more errors as those of `Group.maps`.
    """
    if not 0 <= overlay <= 1:
        raise BadRequestError(f"`overlay` is {overlay!r}, expected a number from 0 to 1")
    for name in (signed_colours, unsigned_colours):
        if name not in colormaps:
            raise BadRequestError(f"there is no colour map {name!r} in matplotlib")
    shown = grid([group] if isinstance(group, Group) else list(group), methods, images, channels)
    limits = scales.limits(shown.panels, scale, outliers)
    size = (_PANEL * len(shown.columns) + _BESIDE, (_PANEL + 0.2) * len(shown.rows) + _BELOW)
    figure = MapsFigure(figsize=size, layout="constrained")
    axes = figure.subplots(len(shown.rows), len(shown.columns), squeeze=False)
    _fill(axes, shown, limits, (unsigned_colours, signed_colours), overlay, class_names)
    signs = {shown.columns[at].is_signed for _, at in shown.panels}
    for is_signed in sorted(signs, reverse=True):
        _bar(figure, axes, signed_colours if is_signed else unsigned_colours, is_signed, limits if scale == "all" else {})
    figure.supxlabel(scales.told(scale, outliers, channels), fontsize=8, wrap=True)
    return figure


def _fill(
    axes: Any, shown: Grid, limits: dict[tuple[int, int], float], colours: tuple[str, str], overlay: float, class_names: Sequence[str] | None
) -> None:
    for at, column in enumerate(shown.columns):
        axes[0, at].set_title(column.title, fontsize=8)
        for row, image in enumerate(shown.rows):
            axis, seen = axes[row, at], shown.pictures.get((column.group, image))
            axis.set(xticks=[], yticks=[])
            if column.method is None:
                _show_image(axis, column.group, image, seen, class_names)
            elif (row, at) not in shown.panels:
                _say(axis, "not written")
            else:
                if overlay > 0 and seen is not None:
                    axis.imshow(pictures.grey(seen), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                opacity = 1 - overlay if seen is not None else 1.0
                _show_map(axis, shown.panels[row, at], limits[row, at], colours[column.is_signed], column.is_signed, opacity)


def _show_image(axis: Axes, group: Group, image: int, seen: NDArray[np.float32] | None, class_names: Sequence[str] | None) -> None:
    text, is_wrong = of_image(group, image, class_names)
    axis.set_ylabel(text, fontsize=8)
    if seen is None:
        return _say(axis, "not written")
    axis.imshow(seen, interpolation="nearest")
    if is_wrong:
        for spine in axis.spines.values():
            spine.set(edgecolor="red", linewidth=2.5)


def _show_map(axis: Axes, panel: NDArray[np.float32], limit: float, colours: str, is_signed: bool, opacity: float) -> None:
    axis.imshow(panel, cmap=colours, norm=_norm(limit, is_signed), interpolation="nearest", alpha=opacity)
    axis.set_xlabel(f"{'±' if is_signed else ''}{limit:.2g}" if panel.any() else "all zero", fontsize=7)


def _norm(limit: float, is_signed: bool) -> Normalize:
    """Values that get the first and the last colour. Where all maps are zero, any number will do."""
    top = limit if limit > 0 else 1.0
    return Normalize(-top if is_signed else 0.0, top)


def _say(axis: Axes, text: str) -> None:
    axis.text(0.5, 0.5, text, ha="center", va="center", fontsize=7, transform=axis.transAxes)
    for spine in axis.spines.values():
        spine.set(edgecolor="0.8")


def _bar(figure: Figure, axes: Any, colours: str, is_signed: bool, limits: dict[tuple[int, int], float]) -> None:
    """A colour bar: in values where all maps share a scale, else in shares of the number below a map."""
    common = max(limits.values(), default=0.0)
    mappable = ScalarMappable(_norm(common, is_signed), colormaps[colours])
    bar = figure.colorbar(mappable, ax=axes, shrink=0.6, aspect=30, pad=0.01)
    bar.ax.tick_params(labelsize=7)
    bar.set_label("value" if common > 0 else "share of the number below the map", fontsize=7)

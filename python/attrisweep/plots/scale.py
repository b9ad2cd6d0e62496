"""From maps to pictures of one number a pixel, and the value that gets the full colour."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import BadRequestError

#: Maps that share a value of full colour: each alone, those of a row, those of a column, or all.
Scale = Literal["map", "row", "column", "all"]
#: What counts as an outlier and gets the full colour as well: values above a percentile of the absolute values, in (0, 100];
#: `captum`, values behind which 2 % of the sum of the absolute values lie; or `None`, no value but the largest.
Outliers = float | Literal["captum"] | None
#: One number a pixel: the sum over channels, the mean of the absolute values, or one channel.
Channels = Literal["sum", "mean_abs"] | int

Panel = NDArray[np.float32]


def reduced(maps: NDArray[Any], channels: Channels) -> Panel:
    """One number a pixel, `[..., height, width]`, of maps `[..., channel, height, width]`."""
    values = maps.astype(np.float32)
    if channels == "sum":
        return np.asarray(values.sum(axis=-3), dtype=np.float32)
    if channels == "mean_abs":
        return np.asarray(np.abs(values).mean(axis=-3), dtype=np.float32)
    count = values.shape[-3]
    if isinstance(channels, bool) or not isinstance(channels, int) or not 0 <= channels < count:
        raise BadRequestError(f"`channels` is {channels!r}, expected sum, mean_abs or a number from 0 to {count - 1}")
    return values[..., channels, :, :]


def full_colour(values: Panel, outliers: Outliers) -> float:
    """The absolute value from which on pixels of `values` get the full colour; 0 where all values are zero. Values that are not finite do not count."""
    sizes = np.abs(values.astype(np.float64)).ravel()
    sizes = np.sort(sizes[np.isfinite(sizes)])
    if sizes.size == 0:
        return 0.0
    if outliers is None:
        return float(sizes[-1])
    if outliers == "captum":
        # The first value at which the sum over all smaller ones reaches 98 %: a share of the sum, not of the pixels.
        sums = np.cumsum(sizes)
        return float(sizes[np.searchsorted(sums, sums[-1] * 0.98)])
    if isinstance(outliers, bool) or not isinstance(outliers, int | float) or not 0 < outliers <= 100:
        raise BadRequestError(f"`outliers` is {outliers!r}, expected a percentile above 0 and up to 100, captum or None")
    found = float(np.percentile(sizes, outliers))
    # A map whose few values are all outliers would be a map of nothing.
    return found if found > 0 else float(sizes[-1])


def limits(panels: dict[tuple[int, int], Panel], scale: Scale, outliers: Outliers) -> dict[tuple[int, int], float]:
    """Value of full colour of each panel, by row and column."""
    if scale not in ("map", "row", "column", "all"):
        raise BadRequestError(f"`scale` is {scale!r}, expected map, row, column or all")
    together: dict[tuple[int, int], list[Panel]] = {}
    for at, panel in panels.items():
        together.setdefault(_sharing(at, scale), []).append(panel.ravel())
    found = {key: full_colour(np.concatenate(members), outliers) for key, members in together.items()}
    return {at: found[_sharing(at, scale)] for at in panels}


def _sharing(at: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """What panels with the same scale have in common; -1 stands for any row or column."""
    row, column = at
    return (row if scale in ("map", "row") else -1, column if scale in ("map", "column") else -1)


def told(scale: Scale, outliers: Outliers, channels: Channels) -> str:
    """What the colours of a figure mean, as a line below it."""
    shared = {"map": "each map has its own scale", "row": "one scale for each row", "column": "one scale for each column", "all": "one scale for all maps"}
    largest = "the largest absolute value"
    clipped = "Captum's rule, 2 % of the sum" if outliers == "captum" else largest if outliers is None else f"the {outliers:g}th percentile of absolute values"
    one = {"sum": "sum over channels", "mean_abs": "mean of absolute values over channels"}.get(str(channels), f"channel {channels}")
    return f"{one}; {shared[scale]}; full colour at {clipped}, which is the number below each map"

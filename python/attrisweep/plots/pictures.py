"""Images as they were before they were made into what a model takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Preprocessing of the reference scripts, and of every store that records none: pixels in [0, 1] become values in [-1, 1].
_DEFAULT: Mapping[str, Any] = {"range": [0.0, 1.0], "mean": [0.5], "std": [0.5]}


def picture(image: NDArray[Any], facts: Mapping[str, Any]) -> NDArray[np.float32]:
    """Red, green and blue in [0, 1], `[height, width, 3]`, of an image `[channel, height, width]` as a model saw it.

    `facts` are those of the store, whose preprocessing is undone. One channel is grey; of more than three, the first three are shown.
    """
    said = facts.get("preprocessing")
    how = said if isinstance(said, Mapping) else _DEFAULT
    black, white = (float(value) for value in how["range"])
    mean, std = (_by_channel(how[name], len(image)) for name in ("mean", "std"))
    pixels = (image.astype(np.float32) * std + mean - black) / (white - black)
    three = np.repeat(pixels[:1], 3, axis=0) if len(pixels) < 3 else pixels[:3]
    return np.clip(three.transpose(1, 2, 0), 0, 1).astype(np.float32)


def _by_channel(numbers: Any, channels: int) -> NDArray[np.float32]:
    """A number for each channel, `[channel, 1, 1]`. The last number counts for all channels that follow."""
    listed = [float(number) for number in numbers][:channels]
    return np.array(listed + listed[-1:] * (channels - len(listed)), dtype=np.float32)[:, None, None]


def grey(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The brightness of a picture, `[height, width]`, on which maps are laid."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.asarray(image @ weights, dtype=np.float32)

"""Arguments for metrics of Quantus: images, the classes that were explained, maps, and a function that looks maps up."""

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from .errors import NotWrittenError
from .group import Group


class QuantusArguments(TypedDict):
    """Arguments of `quantus.Metric.__call__`, beside the model."""

    #: Images as the model saw them, float32 `[n, channel, height, width]`.
    x_batch: NDArray[np.float32]
    #: Predicted classes, which the maps explain, `[n]`.
    y_batch: NDArray[np.int64]
    #: Maps, float32 `[n, channel, height, width]`.
    a_batch: NDArray[np.float32]
    channel_first: bool
    explain_func: "StoredMaps"


class StoredMaps:
    """Function that Quantus calls for maps: the map of an image is looked up by the image's values."""

    def __init__(self, where: str, images: NDArray[np.float32], classes: NDArray[np.int64], maps: NDArray[np.float32]) -> None:
        self._where = where
        self._at = {image.tobytes(): at for at, image in enumerate(images)}
        self._shape, self._classes, self._maps = images.shape[1:], classes, maps

    def __call__(self, model: Any, inputs: Any, targets: Any, **_: Any) -> NDArray[np.float32]:
        """Maps `[n, channel, height, width]` of the images `inputs` for the classes `targets`. The model is not asked.

        Raises:
            NotWrittenError: for an image, or a class, that the maps were not computed for.
        """
        images = np.ascontiguousarray(inputs, dtype=np.float32).reshape(-1, *self._shape)
        return np.stack([self._map(image, int(target)) for image, target in zip(images, np.asarray(targets).reshape(-1), strict=True)])

    def _map(self, image: NDArray[np.float32], target: int) -> NDArray[np.float32]:
        at = self._at.get(image.tobytes())
        if at is None:
            raise NotWrittenError(
                f"{self._where}: the metric asks for the map of an image that was not given to it, probably a changed one;"
                " give it an explain_func that computes maps"
            )
        if target != self._classes[at]:
            raise NotWrittenError(f"{self._where}: the metric asks for a map of class {target}, and the map there is explains class {self._classes[at]}")
        return np.array(self._maps[at])


def quantus_arguments(
    group: Group, method: str, *, classes: object = None, predicted: object = None, correct: bool | None = None, images: object = None
) -> QuantusArguments:
    """Arguments for a metric of Quantus: `metric(model=model, **quantus_arguments(group, "Saliency", images=range(64)))`.

    Images are chosen as `Group.maps` does; those without a map of `method` are left out. All of them are read into memory, and
    each call gives arrays of its own, since some metrics change what they are given.

    Raises:
        NotWrittenError: if no image is left, or the store has no predictions.
    """
    maps = group.maps(method, classes=classes, predicted=predicted, correct=correct, images=images)
    if "prediction" not in maps.coords or not maps.sizes["image"]:
        raise NotWrittenError(f"{group.path}: no image with a map of {method} and a prediction is among those that were asked for")
    pictures = group.images(images=maps["image"].to_numpy())
    # An image may be missing whose map is there, where a damaged file was removed.
    maps = maps.isel(image=np.isin(maps["image"].to_numpy(), pictures["image"].to_numpy()))
    x, a = (np.array(values.to_numpy(), dtype=np.float32, order="C") for values in (pictures, maps))
    y = maps["prediction"].to_numpy().copy()
    stored = StoredMaps(f"{group.name.node}, {method}", x.copy(), y.copy(), a.copy())
    return {"x_batch": x, "y_batch": y, "a_batch": a, "channel_first": True, "explain_func": stored}

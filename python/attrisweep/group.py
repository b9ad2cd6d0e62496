"""A group of a sweep: one dataset, model, noise and split, in one store."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas
import xarray
from numpy.typing import NDArray

from . import samples
from .errors import BadRequestError, NotWrittenError, UnknownNameError
from .samples import Samples
from .stores import Mask, Store, lazy, names

Missing = Literal["drop", "mask"]

# Families of numbers that belong to maps, one for each image.
_BESIDE_MAPS = ("convergence_delta", "underflow")


class Group:
    """Maps, images and predictions of one store.

    Nothing of maps and images is read before their values are asked for. What has been written when the group was opened is
    what its answers are about; open the sweep again to see what was written since.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.name = names.of_store(store.stem, store.attributes)

    @property
    def path(self) -> Path:
        """Folder or file of the store."""
        return self._store.path

    @property
    def format(self) -> str:
        """Format of the store: `zarr`, `zarr.zip` or `pt`."""
        return self._store.format

    @property
    def facts(self) -> Mapping[str, Any]:
        """What attrisweep recorded of the numbers (fingerprint, preprocessing, ...); empty for stores of other scripts.

        Those of a part that was exported are the facts of the store that the part was taken from.
        """
        return self._store.facts

    @functools.cached_property
    def methods(self) -> tuple[str, ...]:
        """Keys of the methods that have an array of maps, those of the last config first."""
        there = [path.removeprefix("attributions/") for path in self._store.arrays if path.startswith("attributions/")]
        return tuple([key for key in self.asked if key in there] + sorted(set(there) - set(self.asked)))

    @functools.cached_property
    def asked(self) -> tuple[str, ...]:
        """Keys of the methods that the last config asked for; for stores of other scripts, of all that have an array."""
        keys = self._store.ours.get("variants")
        if isinstance(keys, list):
            return tuple(str(key) for key in keys)
        return tuple(sorted(path.removeprefix("attributions/") for path in self._store.arrays if path.startswith("attributions/")))

    @functools.cached_property
    def _samples(self) -> Samples:
        return samples.read(self._store)

    def __len__(self) -> int:
        """Number of images, written or not."""
        return self._samples.count

    @property
    def accuracy(self) -> float | None:
        """Share of the written images that are predicted right, in [0, 1]; `None` where that has no meaning."""
        return self._samples.accuracy

    @property
    def classes(self) -> int:
        """Number of classes of the model; 0 if the store has no predictions."""
        return self._samples.classes

    @functools.cached_property
    def complete(self) -> bool:
        """Whether everything was written: what attrisweep says of its store; else, whether each method has a map of each image."""
        said = self._store.ours.get("complete")
        if isinstance(said, bool):
            return said
        return bool(self.methods) and set(self.done) == set(self.methods)

    @property
    def done(self) -> tuple[str, ...]:
        """Keys of the methods that have a map of each image."""
        return tuple(method for method in self.fitting if self.written(method).all())

    @property
    def fitting(self) -> tuple[str, ...]:
        """Keys of the methods whose arrays have a place for each image: users add others."""
        return tuple(method for method in self.methods if self._store.arrays[self._path(method)].shape[0] == len(self))

    def written(self, method: str) -> Mask:
        """Whether each image has a map of `method`, `[images]`."""
        maps = self._store.arrays[self._path(method)]
        if maps.shape[0] != len(self):
            raise NotWrittenError(f"{self.path}: {method} has maps of {maps.shape[0]} images, the store has {len(self)} images")
        return maps.written() & self._samples.predicted

    def variant(self, method: str) -> Mapping[str, Any]:
        """What attrisweep recorded of `method`: its class, parameters and semantics; empty for stores of other scripts."""
        said = self._store.arrays[self._path(method)].attributes.get("attrisweep")
        return said if isinstance(said, Mapping) else {}

    def _path(self, method: str) -> str:
        path = f"attributions/{method}"
        if path in self._store.arrays:
            return path
        if method in self.asked:
            raise NotWrittenError(f"{self.path}: {method} was asked for, and nothing of it has been written yet")
        raise UnknownNameError("method", method, self.methods)

    def maps(
        self,
        method: str,
        *,
        classes: object = None,
        predicted: object = None,
        correct: bool | None = None,
        images: object = None,
        missing: Missing = "drop",
    ) -> xarray.DataArray:
        """Maps of `method`, `[image, channel, height, width]`, of the images that meet every condition that is given.

        Args:
            method: key of the method, as in `methods`.
            classes: labels, a number or several.
            predicted: predicted classes, a number or several. A map explains the predicted class.
            correct: images that are predicted right, or wrong. Images without a label of the model's classes are neither.
            images: positions in the store, a number, several or a slice; their order is kept.
            missing: `drop` leaves out images whose map has not been written; `mask` keeps them, with values that mean
                nothing, and `False` in the coordinate `written`.

        Coordinates by `image`, where the store has what they need: `label` (or `label_0`, `label_1`, ...), `prediction`, `confidence` (probability of the
        predicted class), `correct`, `original_index`, `convergence_delta`, `underflow`, and always `written`.
        """
        if missing not in ("drop", "mask"):
            raise BadRequestError(f"`missing` is {missing!r}, expected drop or mask")
        written = self.written(method)
        among = written if missing == "drop" else np.ones(len(self), dtype=bool)
        at = samples.positions(self._samples, among, classes=classes, predicted=predicted, correct=correct, images=images)
        beside = {family: self._beside(f"{family}/{method}", at) for family in _BESIDE_MAPS if f"{family}/{method}" in self._store.arrays}
        maps = self._chosen(self._path(method), at, {"written": ("image", written[at]), **beside})
        return maps.rename(method).assign_attrs({"method": method, "group": self.name.node})

    def images(
        self, *, classes: object = None, predicted: object = None, correct: bool | None = None, images: object = None
    ) -> xarray.DataArray:
        """Images as the model saw them, noise included, `[image, channel, height, width]`; chosen as maps are.

        Images that have not been written are left out.
        """
        if "images" not in self._store.arrays:
            raise NotWrittenError(f"{self.path}: the store has no images")
        written = self._store.arrays["images"].written() & self._samples.predicted
        at = samples.positions(self._samples, written, classes=classes, predicted=predicted, correct=correct, images=images)
        return self._chosen("images", at, {}).rename("images")

    def _beside(self, path: str, at: NDArray[np.int64]) -> tuple[str, NDArray[Any]]:
        return "image", lazy.variable(self._store, path)[at].to_numpy()

    def _chosen(self, path: str, at: NDArray[np.int64], beside: Mapping[str, tuple[str, NDArray[Any]]]) -> xarray.DataArray:
        values = lazy.variable(self._store, path)
        if values.dims[:1] != ("image",):
            values = values.copy(deep=False)
            values.dims = ("image", *values.dims[1:])
        return xarray.DataArray(values[at], coords={**self.coordinates(at), **beside})

    def coordinates(self, at: NDArray[np.int64] | None = None) -> dict[str, tuple[str, NDArray[Any]]]:
        """Coordinates of the images at the positions `at`, or of all images: what is known of each.

        Several labels of one image are several coordinates, `label_0` and so on: those of an array have its dimensions alone.
        """
        known = self._samples
        of_images: dict[str, NDArray[Any] | None] = {"image": np.arange(known.count), "label": known.label, "prediction": known.prediction}
        of_images |= {"confidence": known.confidence, "correct": known.correct, "original_index": known.original_index}
        if known.label is not None and known.label.ndim == 2:
            of_images |= {"label": None, **{f"label_{column}": known.label[:, column] for column in range(known.label.shape[1])}}
        chosen = slice(None) if at is None else at
        return {name: ("image", values[chosen]) for name, values in of_images.items() if values is not None}

    @property
    def scored(self) -> tuple[str, ...]:
        """Keys of the scores that the store has, of at least one method."""
        return tuple(sorted({key for key, _ in self._scores()}))

    def _scores(self) -> list[tuple[str, str]]:
        """Key and method of each score."""
        parts = [path.split("/") for path in self._store.arrays if path.startswith("scores/")]
        return [(part[1], part[2]) for part in parts if len(part) == 3]

    def scores(self, score: str) -> xarray.DataArray:
        """Numbers of the score `score` of each image and method, `[image, method]`: NaN where a score is undefined or not written.

        One method is taken with `.sel({"method": "Saliency"})`: xarray's `sel` has an option of its own that is called `method`.
        """
        methods = [method for key, method in self._scores() if key == score]
        if not methods:
            raise UnknownNameError("score", score, self.scored)
        columns = [lazy.variable(self._store, f"scores/{score}/{method}")[:].to_numpy() for method in methods]
        coordinates = {**self.coordinates(), "method": methods}
        return xarray.DataArray(np.stack(columns, axis=1), dims=("image", "method"), coords=coordinates, name=score)

    @property
    def score_table(self) -> pandas.DataFrame:
        """Mean of each score (column) of each method (row) over the images whose score is defined: with `only: correct`, over the
        images that are predicted right."""
        told = self.facts.get("evaluation", {}).get("scores", [])
        only = {score["key"] for score in told if score.get("only") == "correct"}
        correct = self._samples.correct
        right = np.zeros(len(self), dtype=bool) if correct is None else correct
        taken = {score: right if score in only else slice(None) for score in self.scored}
        means = {score: self.scores(score).isel(image=images).mean("image").to_series() for score, images in taken.items()}
        return pandas.DataFrame(means)

    def is_wrong(self, image: int) -> bool:
        """Whether the image at this position has one label of the model's classes and another prediction."""
        known = self._samples
        return known.correct is not None and bool(known.comparable[image] and not known.correct[image])

    @property
    def samples(self) -> pandas.DataFrame:
        """Table of the images: label, prediction, confidence, correct, original index, and whether each has been predicted."""
        columns = {name: values for name, (_, values) in self.coordinates().items()}
        return pandas.DataFrame({**columns, "predicted": self._samples.predicted}).set_index("image")

    def array(self, path: str) -> xarray.DataArray:
        """Any array of the store by its path, as `means/overall`, whole and lazy. Entries that have not been written hold fill values."""
        if path not in self._store.arrays:
            raise UnknownNameError("array", path, self._store.arrays)
        return xarray.DataArray(lazy.variable(self._store, path), name=path.rpartition("/")[2])

    @property
    def arrays(self) -> tuple[str, ...]:
        """Paths of all arrays of the store."""
        return tuple(self._store.arrays)

    def __repr__(self) -> str:
        done = f"{len(self.done)} of {len(self.methods)} methods written"
        return f"<attrisweep.Group {self.name.node}: {len(self)} images, {done}, {self.path}>"

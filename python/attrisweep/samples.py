"""What is known of each image of a group: label, prediction, confidence, and whether it has been predicted at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadRequestError, DamagedStoreError
from .stores import Mask, Store


@dataclass(frozen=True)
class Samples:
    """Facts of the images of one group, `[images]` each, or `None` where the store does not have them."""

    #: Number of images.
    count: int
    #: Whether the image has been predicted; without predictions in the store, true.
    predicted: Mask
    #: Label, -1 where an image has none; `[images, labels]` of a multi-label set.
    label: NDArray[np.int64] | None
    #: Predicted class, -1 where an image has not been predicted. Maps explain this class.
    prediction: NDArray[np.int64] | None
    #: Probability of the predicted class, in [0, 1]; NaN where an image has not been predicted.
    confidence: NDArray[np.float32] | None
    #: Index of the image in its split.
    original_index: NDArray[np.int64] | None
    #: Number of classes; 0 if it is not known.
    classes: int

    @property
    def comparable(self) -> Mask:
        """Whether an image has a prediction and one label of the model's classes, so that it is right or wrong."""
        if self.label is None or self.prediction is None or self.label.ndim != 1:
            return np.zeros(self.count, dtype=bool)
        return self.predicted & (self.label >= 0) & (self.label < self.classes)

    @property
    def correct(self) -> Mask | None:
        """Whether an image is predicted right; `None` where that has no meaning: several labels, or no labels or predictions."""
        if self.label is None or self.prediction is None or self.label.ndim != 1:
            return None
        return np.asarray(self.comparable & (self.label == self.prediction))

    @property
    def accuracy(self) -> float | None:
        """Share of the comparable images that are predicted right, in [0, 1]."""
        correct, count = self.correct, int(self.comparable.sum())
        return float(correct.sum() / count) if correct is not None and count else None


def read(store: Store) -> Samples:
    """Reads labels, logits and indices of `store`."""
    count = _count(store)
    predictions = store.arrays.get("model_predictions")
    predicted = predictions.written() if predictions is not None else np.ones(count, dtype=bool)
    prediction, confidence, classes = None, None, 0
    if predictions is not None:
        logits = _values(store, "model_predictions", count, (2,)).astype(np.float32)
        classes = max(logits.shape[1], 2)
        prediction, confidence = _outcome(logits, predicted)
    label = _integers(store, "labels", count, (1, 2))
    if label is not None and label.ndim == 2 and label.shape[1] == 1:
        label = label[:, 0]
    return Samples(count, predicted, label, prediction, confidence, _integers(store, "original_indices", count, (1,)), classes)


def _outcome(logits: NDArray[np.float32], predicted: Mask) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Predicted classes and their probabilities. A model of a single logit predicts class 1 where the logit is above zero."""
    prediction = np.full(len(logits), -1, dtype=np.int64)
    confidence = np.full(len(logits), np.nan, dtype=np.float32)
    there = logits[predicted]
    if logits.shape[1] == 1:
        there = np.concatenate([np.zeros_like(there), there], axis=1)
    if there.size:
        prediction[predicted] = there.argmax(axis=1)
        # The softmax of the largest logit, without overflow.
        confidence[predicted] = 1 / np.exp(there - there.max(axis=1, keepdims=True)).sum(axis=1)
    return prediction, confidence


def _count(store: Store) -> int:
    for path in ("images", "model_predictions", "labels"):
        if path in store.arrays:
            return store.arrays[path].shape[0]
    maps = [array.shape[0] for path, array in store.arrays.items() if path.startswith("attributions/")]
    if not maps:
        raise DamagedStoreError(store.path, "neither images nor predictions nor maps", "at least one of them")
    return maps[0]


def _integers(store: Store, path: str, count: int, dimensions: tuple[int, ...]) -> NDArray[np.int64] | None:
    return _values(store, path, count, dimensions).astype(np.int64) if path in store.arrays else None


def _values(store: Store, path: str, count: int, dimensions: tuple[int, ...]) -> NDArray[Any]:
    array = store.arrays[path]
    if array.shape[0] != count or len(array.shape) not in dimensions or array.dtype.kind not in "iufb":
        expected = f"numbers for {count} images in {' or '.join(map(str, dimensions))} dimensions"
        raise DamagedStoreError(store.path / path, f"the shape {array.shape} of {array.dtype}", expected)
    try:
        return array.read((slice(None),) * len(array.shape))
    except Exception as error:
        raise DamagedStoreError(store.path / path, f"{type(error).__name__}: {error}", "chunks that can be decoded") from error


def positions(
    samples: Samples,
    written: Mask,
    *,
    classes: object = None,
    predicted: object = None,
    correct: bool | None = None,
    images: object = None,
) -> NDArray[np.int64]:
    """Positions of the images that a request is for and that are `written`, in the order of the store or of `images`."""
    chosen = written.copy()
    if classes is not None:
        chosen &= _with_label(samples, _numbers("classes", classes))
    if predicted is not None:
        if samples.prediction is None:
            raise BadRequestError("images cannot be chosen by prediction: the store has no model_predictions")
        chosen &= np.isin(samples.prediction, _numbers("predicted", predicted))
    if correct is not None:
        if samples.correct is None:
            raise BadRequestError("images cannot be chosen by right or wrong: each needs one label and a prediction")
        chosen &= samples.comparable & (samples.correct == correct)
    if images is None:
        return np.flatnonzero(chosen)
    asked = np.arange(samples.count)[images] if isinstance(images, slice) else _numbers("images", images)
    beyond = asked[(asked < 0) | (asked >= samples.count)]
    if beyond.size:
        raise BadRequestError(f"images are numbered from 0 to {samples.count - 1}, found {beyond.tolist()[:10]}")
    return asked[chosen[asked]]


def _with_label(samples: Samples, classes: NDArray[np.int64]) -> Mask:
    if samples.label is None:
        raise BadRequestError("images cannot be chosen by class: the store has no labels")
    if samples.label.ndim == 1:
        return np.isin(samples.label, classes)
    # Images of a multi-label set belong to each class whose label is 1.
    width = samples.label.shape[1]
    beyond = classes[(classes < 0) | (classes >= width)]
    if beyond.size:
        raise BadRequestError(f"images have {width} labels, found class {beyond.tolist()[0]}")
    return np.asarray((samples.label[:, classes] == 1).any(axis=1))


def _numbers(name: str, given: object) -> NDArray[np.int64]:
    """One number or several as an array."""
    numbers = np.atleast_1d(np.asarray(list(given) if isinstance(given, range | set | frozenset) else given))
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise BadRequestError(f"`{name}` is {given!r}, expected a whole number or several")
    return numbers.astype(np.int64)

"""The one pickle that is read: that of a single tensor, as `torch.save` writes it. No name of a pickle is imported."""

import collections
import io
import pickle
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DamagedStoreError

# Element types by the names of torch's storages. numpy has no bfloat16.
DTYPES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}
# What torch.save writes for a tensor is some hundred bytes.
MOST_BYTES = 1 << 16
_OPCODES = {
    "PROTO", "GLOBAL", "STACK_GLOBAL", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "MEMOIZE", "MARK", "BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1",
    "BININT2", "LONG1", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE", "EMPTY_DICT", "BINPERSID", "NEWTRUE", "NEWFALSE", "NONE", "REDUCE", "STOP", "FRAME",
}


@dataclass(frozen=True)
class Tensor:
    """Where the values of a tensor lie in its storage. Numbers count elements."""

    #: Name of the storage's entry below `data/`.
    storage: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def extent(self) -> int:
        """Number of elements that the storage must have."""
        if 0 in self.shape:
            return 0
        return 1 + self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


@dataclass(frozen=True)
class _Storage:
    kind: str


@dataclass(frozen=True)
class _StorageOf:
    key: str
    dtype: str


def tensor(path: Path, data: bytes, byte_order: str) -> Tensor:
    """The tensor that the pickle `data` of the file at `path` describes. `byte_order` is `<` or `>`."""
    try:
        _check(data)
        found = _Reader(io.BytesIO(data), byte_order).load()
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, EOFError, AttributeError, OverflowError) as error:
        raise DamagedStoreError(path, f"a pickle that is not read ({error})", "one tensor, as torch.save writes it") from error
    if not isinstance(found, Tensor):
        raise DamagedStoreError(path, f"an object of type {type(found).__name__}", "one tensor")
    return found


def _check(data: bytes) -> None:
    """Refuses what no tensor needs, before anything is built: a pickle is a program."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has {len(data)} bytes, a tensor takes at most {MOST_BYTES}")
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name not in _OPCODES:
            raise ValueError(f"it has the instruction {opcode.name}")
        # The memo of the unpickler grows to twice the number that is named.
        if opcode.name.endswith("BINPUT") and isinstance(argument, int) and argument > len(data):
            raise ValueError(f"it remembers something as number {argument}")


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, byte_order: str) -> None:
        super().__init__(file)
        self.byte_order = byte_order

    def find_class(self, module: str, name: str) -> Callable[..., Any] | _Storage:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if (module, name) == ("collections", "OrderedDict"):
            return _hooks
        if module == "torch" and name in DTYPES:
            return _Storage(name)
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: object) -> _StorageOf:
        match pid:
            case ("storage", _Storage(kind), str(key), str(), int()):
                return _StorageOf(key, DTYPES[kind])
        raise pickle.UnpicklingError("its storage is not described as torch.save does it")

    def _rebuild(self, storage: object, offset: object, size: object, stride: object, *_: object) -> Tensor:
        numbers = (offset, *size, *stride) if isinstance(size, tuple) and isinstance(stride, tuple) else (None,)
        is_sound = all(type(number) is int and 0 <= number < 1 << 62 for number in numbers)
        if not (isinstance(storage, _StorageOf) and is_sound and len(size) == len(stride) <= 8):  # type: ignore[arg-type]
            raise pickle.UnpicklingError("its shape or strides are no numbers")
        dtype = np.dtype(self.byte_order + storage.dtype)
        return Tensor(storage.key, dtype, offset, size, stride)  # type: ignore[arg-type]


def _hooks() -> collections.OrderedDict[str, object]:
    """Backward hooks of a tensor, of which saved tensors have none."""
    return collections.OrderedDict()

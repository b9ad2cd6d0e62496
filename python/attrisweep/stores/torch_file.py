"""A tensor in a file of `torch.save`, read without torch: values stay on the disk until they are asked for."""

import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedStoreError
from . import pickles

# Fixed part of the header before an entry's bytes; the lengths of the name and of the extra field are its last four bytes.
_HEADER, _LENGTHS, _MAGIC = 30, 26, b"PK\x03\x04"


def read(path: Path) -> NDArray[Any]:
    """The tensor that is all that the file at `path` holds: a read-only array over the file where its entry is stored as it is,
    else an array in memory.

    Files of torch 1.6 and later are read (zip files); older ones are refused, and so is anything but one tensor of numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _tensor(path, archive)
    except zipfile.BadZipFile as error:
        raise DamagedStoreError(path, f"no sound zip file ({error})", "a tensor saved by torch 1.6 or later") from error
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error, zlib.error) as error:
        raise DamagedStoreError(path, f"{type(error).__name__}: {error}", "a file of torch.save that can be read") from error


def _tensor(path: Path, archive: zipfile.ZipFile) -> NDArray[Any]:
    entries = {info.filename: info for info in archive.infolist()}
    descriptions = [name for name in entries if name.rpartition("/")[2] == "data.pkl"]
    if len(descriptions) != 1:
        raise DamagedStoreError(path, f"{len(descriptions)} entries called data.pkl", "one, as torch.save writes it")
    (pickle,) = descriptions
    top = pickle.removesuffix("data.pkl")
    tensor = pickles.tensor(path, _small(path, archive, entries[pickle]), _byte_order(path, archive, entries.get(f"{top}byteorder")))
    entry = entries.get(f"{top}data/{tensor.storage}")
    if entry is None:
        raise DamagedStoreError(path, f"no entry {top}data/{tensor.storage}", "the tensor's values there")
    # A view that repeats its values would be larger than its file, and so is not believed.
    needed = max(tensor.extent, math.prod(tensor.shape))
    if needed * tensor.dtype.itemsize > entry.file_size:
        expected = f"{needed} elements of {tensor.dtype.itemsize} bytes for the shape {tensor.shape}"
        raise DamagedStoreError(path, f"{entry.file_size} bytes in {entry.filename}", expected)
    return _shaped(tensor, _values(path, archive, entry, tensor))


def _small(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > pickles.MOST_BYTES:
        raise DamagedStoreError(path, f"{entry.file_size} bytes in {entry.filename}", f"at most {pickles.MOST_BYTES}: one tensor")
    with archive.open(entry) as file:
        return file.read(pickles.MOST_BYTES)


def _byte_order(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None) -> str:
    said = b"little" if entry is None else _small(path, archive, entry)
    if said not in (b"little", b"big"):
        raise DamagedStoreError(path, f"the byte order {said[:20]!r}", "little or big")
    return "<" if said == b"little" else ">"


def _values(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, tensor: pickles.Tensor) -> NDArray[Any]:
    """The elements of a storage up to the last that the tensor has. What is compressed must fit in memory; torch compresses nothing."""
    size = tensor.extent * tensor.dtype.itemsize
    if entry.compress_type != zipfile.ZIP_STORED:
        with archive.open(entry) as file:
            data = file.read(size)
        if len(data) < size:
            raise DamagedStoreError(path, f"{len(data)} bytes in {entry.filename}", f"{size}")
        return np.frombuffer(data, tensor.dtype)
    start, end = _start(path, entry), path.stat().st_size
    if start + size > end:
        raise DamagedStoreError(path, f"an entry from byte {start} on of {size} bytes", f"an end before byte {end}")
    return np.memmap(path, tensor.dtype, mode="r", offset=start, shape=(tensor.extent,)) if size else np.empty(0, tensor.dtype)


def _start(path: Path, entry: zipfile.ZipInfo) -> int:
    """Place in the file of the first byte of `entry`, in bytes."""
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise DamagedStoreError(path, f"no header at byte {entry.header_offset}", f"that of {entry.filename}")
    name, extra = struct.unpack_from("<HH", header, _LENGTHS)
    return entry.header_offset + _HEADER + int(name) + int(extra)


def _shaped(tensor: pickles.Tensor, values: NDArray[Any]) -> NDArray[Any]:
    if math.prod(tensor.shape) == 0:
        return np.empty(tensor.shape, tensor.dtype)
    strides = tuple(stride * tensor.dtype.itemsize for stride in tensor.strides)
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides, writeable=False)

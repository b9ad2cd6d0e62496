"""Tensors that torch saved are read without torch, and nothing else is."""

import io
import os
import pickle
import random
import zipfile
from collections import OrderedDict

import attrisweep
import numpy as np
import pytest
import torch
from attrisweep.stores import torch_file

pytestmark = pytest.mark.xdist_group("python")

DTYPES = [torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
ROUNDS = int(os.environ.get("ATTRISWEEP_ROUNDS", "400"))


def saved(path, value, **options):
    torch.save(value, path, **options)
    return path


def rewritten(source, target, change=lambda name, data: data, compression=zipfile.ZIP_STORED):
    """The zip `source` with entries as `change` gives them."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for info in old.infolist():
            data = change(info.filename, old.read(info))
            if data is not None:
                new.writestr(info.filename, data)
    return target


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_tensor_of_every_type_is_what_torch_loads(tmp_path, dtype):
    tensor = (torch.rand(3, 4, 5) * 100).to(dtype)
    found = torch_file.read(saved(tmp_path / "t.pt", tensor))
    assert found.shape == (3, 4, 5) and np.array_equal(found, tensor.numpy()) and found.dtype == tensor.numpy().dtype


def test_views_of_a_storage_keep_their_order_and_empty_tensors_their_shape(tmp_path):
    base = torch.arange(120.0).reshape(4, 5, 6)
    for view in (base.permute(2, 0, 1), base[1:, ::2], base[:, :, 3], torch.empty(0, 3, 8, 8), torch.nn.Parameter(base).detach()):
        found = torch_file.read(saved(tmp_path / "t.pt", view))
        assert found.shape == tuple(view.shape) and np.array_equal(found, view.numpy())


def test_values_stay_on_the_disk_until_they_are_asked_for(tmp_path):
    path = saved(tmp_path / "t.pt", torch.arange(1 << 20, dtype=torch.float32))
    found = torch_file.read(path)
    base = found
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap) and not found.flags.writeable
    assert found[777] == 777


def test_compressed_entries_and_the_other_byte_order_are_read_too(tmp_path):
    tensor = torch.rand(6, 7)
    path = saved(tmp_path / "t.pt", tensor)
    packed = rewritten(path, tmp_path / "packed.pt", compression=zipfile.ZIP_DEFLATED)
    assert np.array_equal(torch_file.read(packed), tensor.numpy())

    def swapped(name, data):
        if name.endswith("byteorder"):
            return b"big"
        return np.frombuffer(data, "<f4").astype(">f4").tobytes() if "/data/" in name else data

    assert np.array_equal(torch_file.read(rewritten(path, tmp_path / "big.pt", swapped)), tensor.numpy())


class Runs:
    """An object whose pickle runs a command when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch RAN",)


def test_whatever_is_not_one_tensor_is_refused_and_nothing_of_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensor = torch.rand(2)
    others = {
        "a dictionary": {"a": tensor}, "a list": [tensor, tensor], "numpy": np.ones(3), "a number": 3, "code": Runs(), "bfloat16": tensor.bfloat16(),
        "a module": torch.nn.Linear(2, 2), "ordered": OrderedDict(a=tensor), "sparse": torch.eye(3).to_sparse(), "complex": torch.ones(2) * 1j,
    }
    for name, value in others.items():
        with pytest.raises(attrisweep.DamagedStoreError, match="t.pt: found .*, expected one tensor"):
            torch_file.read(saved(tmp_path / "t.pt", value))
        assert not (tmp_path / "RAN").exists(), name
    with pytest.raises(attrisweep.DamagedStoreError, match="expected a tensor saved by torch 1.6 or later"):
        torch_file.read(saved(tmp_path / "t.pt", tensor, _use_new_zipfile_serialization=False))
    (tmp_path / "t.pt").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(attrisweep.DamagedStoreError, match="no sound zip file"):
        torch_file.read(tmp_path / "t.pt")
    assert not (tmp_path / "RAN").exists()


def test_a_shape_that_its_values_do_not_fill_is_refused(tmp_path):
    path = saved(tmp_path / "t.pt", torch.rand(40, 50))

    def grown(name, data):
        # 40 rows become 200: the pickle has them as one byte behind the instruction K.
        return data.replace(b"K\x28K\x32\x86", b"K\xc8K\x32\x86") if name.endswith("data.pkl") else data

    with pytest.raises(attrisweep.DamagedStoreError, match=r"8000 bytes in .*expected 10000 elements of 4 bytes for the shape \(200, 50\)"):
        torch_file.read(rewritten(path, tmp_path / "grown.pt", grown))
    with pytest.raises(attrisweep.DamagedStoreError, match="4 bytes in .*expected 1000000 elements"):
        torch_file.read(saved(tmp_path / "repeated.pt", torch.rand(1).expand(1000, 1000)))
    with pytest.raises(attrisweep.DamagedStoreError, match="no entry .*data/0"):
        torch_file.read(rewritten(path, tmp_path / "none.pt", lambda name, data: None if "/data/" in name else data))


def test_a_pickle_that_would_fill_memory_is_refused_before_it_is_read(tmp_path):
    path = saved(tmp_path / "t.pt", torch.rand(4))
    # LONG_BINPUT with the number 2^31: the memo would get twice as many places of eight bytes.
    bomb = b"\x80\x02K\x01r\xff\xff\xff\x7f."
    for data, told in ((bomb, "remembers something as number 2147483647"), (b"\x80\x02" + b"N0" * (1 << 16), "at most 65536")):
        with pytest.raises(attrisweep.DamagedStoreError, match=told):
            torch_file.read(rewritten(path, tmp_path / "bomb.pt", lambda name, old, data=data: data if name.endswith("data.pkl") else old))


def test_hostile_files_of_tensors_are_read_or_refused_by_name(tmp_path):
    buffer = io.BytesIO()
    torch.save(torch.arange(30, dtype=torch.float32).reshape(5, 6), buffer)
    sound, path = buffer.getvalue(), tmp_path / "t.pt"
    seeds = [int(os.environ["ATTRISWEEP_SEED"])] if "ATTRISWEEP_SEED" in os.environ else range(ROUNDS)
    refused = 0
    for seed in seeds:
        rng, data = random.Random(seed), bytearray(sound)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        try:
            found = torch_file.read(path)
            # Whatever is given can be read to its end, and is no more than what the file holds.
            assert found.size * found.itemsize <= len(sound) and np.array(found).shape == found.shape, f"ATTRISWEEP_SEED={seed}"
        except attrisweep.DamagedStoreError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"ATTRISWEEP_SEED={seed}") from error
    assert refused > len(seeds) / 8 or len(seeds) == 1

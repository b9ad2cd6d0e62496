"""`scheduler export`: finished stores in a zip, for readers that want one file."""

import subprocess
import time
import zipfile

import numpy
import pytest
import xarray
import zarr
from support import METHODS, NOISES, SCHEDULER


def export(run, *arguments, code=0):
    command = [SCHEDULER, "export", "--config", run.file, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def finished(sweep):
    run = sweep(limit=5)
    run.config["search_space"]["attribution_methods"] = METHODS[:2]
    run.run()
    return run


def test_a_packed_store_is_the_store_for_zarr_and_xarray_and_the_same_bytes_each_time(finished):
    (store,) = finished.stores()
    assert "1 stores exported, 0 left out" in export(finished)
    packed = store.with_name(store.name + ".zip")
    with zarr.storage.ZipStore(packed, mode="r") as opened:
        ours, theirs = zarr.open_group(store, mode="r"), zarr.open_group(opened, mode="r")
        assert dict(ours.attrs) == dict(theirs.attrs)
        arrays = [name for name, member in ours.members(max_depth=None) if isinstance(member, zarr.Array)]
        assert len(arrays) > 6 and set(arrays) <= {name for name, _ in theirs.members(max_depth=None)}
        for name in arrays:
            numpy.testing.assert_array_equal(ours[name][:], theirs[name][:])
    with zarr.storage.ZipStore(packed, mode="r") as opened:
        assert xarray.open_zarr(opened, group="attributions")["Saliency"].shape == (5, 3, 28, 28)
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None and archive.namelist()[0] == "zarr.json"
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    before = packed.read_bytes()
    time.sleep(2.1)  # The date of an entry has two seconds.
    export(finished)
    assert packed.read_bytes() == before
    assert "Nothing was left to compute" in finished.run().stdout


def test_what_is_not_complete_is_left_out_and_named(finished):
    finished.config["search_space"]["noise_conditions"] = NOISES[:2]
    (store,) = finished.stores()
    told = export(finished, "--to", finished.folder / "zips", code=1)
    assert "it is not there yet" in told and "1 stores exported, 1 left out" in told
    assert [path.name for path in (finished.folder / "zips").iterdir()] == [store.name + ".zip"]
    finished.config["search_space"]["noise_conditions"] = NOISES[:1]
    for key, more in {"limit": 6, "search_space": {**finished.config["search_space"], "attribution_methods": METHODS[:3]}}.items():
        before = finished.config[key]
        finished.config[key] = more
        assert "it is not complete; run the sweep to its end" in export(finished, "--to", finished.folder / "more", code=1)
        finished.config[key] = before
    assert not list((finished.folder / "more").iterdir())


def test_a_file_of_somebody_else_in_the_place_of_a_zip_is_left_alone(finished):
    (store,) = finished.stores()
    packed = store.with_name(store.name + ".zip")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("zarr.json", '{"zarr_format": 3, "node_type": "group", "attributes": {"data_flag": "rgb"}}')
    before = packed.read_bytes()
    assert f"`{packed}` is there and is not a store that attrisweep packed" in export(finished, code=4)
    assert packed.read_bytes() == before


def test_what_a_killed_export_left_is_removed_by_the_next_and_by_clean(finished):
    (store,) = finished.stores()
    left = store.with_name(f".{store.name}.zip.{2**32 - 1}.tmp")
    for command in ("export", "clean"):
        left.write_bytes(b"torn")
        subprocess.run([SCHEDULER, command, "--config", finished.file], capture_output=True, check=True, timeout=120)
        assert not left.exists(), command

"""`store.format`: finished stores in other forms, which a sweep goes on with, and which every command reads."""

import shutil
import subprocess
import zipfile

import numpy
import pytest
import torch
import xarray
import zarr
from support import METHODS, NOISES, SCHEDULER, Sweep


def command(run, name, *arguments, code=0):
    done = subprocess.run([SCHEDULER, name, "--config", run.file, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def configured(folder, inputs, form, methods=METHODS[:2], limit=6):
    run = Sweep(folder, inputs, limit=limit, store={"shard": 4, "format": form})
    run.config["search_space"]["attribution_methods"] = methods
    return run


def packed(run):
    return sorted(run.output.glob("*.zarr.zip"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory, inputs):
    """The same sweep in folders."""
    run = configured(tmp_path_factory.mktemp("folders"), inputs, "zarr")
    run.run()
    return run


@pytest.fixture
def zipped(tmp_path, inputs):
    run = configured(tmp_path, inputs, "zarr.zip")
    run.told = run.run().stdout
    return run


def entries(zip):
    with zipfile.ZipFile(zip) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def files(store):
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_a_sweep_in_zips_leaves_the_files_of_one_in_folders_in_a_zip_and_every_command_reads_it(zipped, folders):
    (zip,), (store,) = packed(zipped), folders.stores()
    assert not zipped.stores() and not list(zipped.output.glob(".*.tmp"))
    theirs = files(store)
    ours = entries(zip)
    # The root names the paths of weights and images, which are the same here.
    assert ours == theirs
    opening = f'zarr.open_group(zarr.storage.ZipStore("{zip}", mode="r"), mode="r")'
    assert opening in zipped.told
    maps = eval(opening)["attributions/Saliency"]
    numpy.testing.assert_array_equal(maps[:], zarr.open_group(store, mode="r")["attributions/Saliency"][:])
    with zarr.storage.ZipStore(zip, mode="r") as opened:
        assert xarray.open_zarr(opened, group="attributions")["Saliency"].shape == (6, 3, 28, 28)
    assert f"complete  {zip}" in zipped.run("--check").stdout
    assert "Nothing was left to compute" in zipped.run().stdout
    assert "12 of 12 maps" in command(zipped, "status")
    assert "maps were computed again" in command(zipped, "verify")
    assert packed(zipped) == [zip] and not zipped.stores()


def test_a_method_and_images_that_are_added_unpack_the_store_and_pack_it_again(zipped, tmp_path, inputs):
    (tmp_path / "whole").mkdir()
    whole = configured(tmp_path / "whole", inputs, "zarr.zip", METHODS[:3], limit=9)
    whole.run()
    zipped.config["search_space"]["attribution_methods"] = METHODS[:3]
    assert "to do" in zipped.run("--check").stdout
    zipped.config["limit"] = 9
    zipped.run()
    assert not zipped.stores()
    ours, theirs = entries(*packed(zipped)), entries(*packed(whole))
    assert ours == theirs


def test_a_config_of_other_numbers_is_refused_and_the_zip_stays(zipped):
    (zip,) = packed(zipped)
    before = zip.read_bytes()
    zipped.config["seed"] = 7
    zipped.config["search_space"]["noise_conditions"] = [{**NOISES[1], "name": zipped.config["search_space"]["noise_conditions"][0]["name"]}]
    assert f"`{zip}` was computed from something else" in zipped.run(code=4).stderr
    assert zip.read_bytes() == before


def test_finished_folders_are_packed_by_the_next_run_and_zips_count_whatever_the_config_says(tmp_path, inputs, folders):
    run = configured(tmp_path, inputs, "zarr.zip")
    shutil.copytree(folders.output, run.output)
    before = files(*run.stores())
    assert "Nothing was left to compute" in run.run().stdout
    assert not run.stores() and entries(*packed(run)) == before
    run.config["store"]["format"] = "zarr"
    assert "Nothing was left to compute" in run.run().stdout
    assert not run.stores() and len(packed(run)) == 1


def test_a_zip_of_somebody_else_is_told_before_anything_is_computed_and_a_misspelt_format_with_a_hint(tmp_path, inputs, folders):
    run = configured(tmp_path, inputs, "zarr.zip")
    shutil.copytree(folders.output, run.output)
    (store,) = run.stores()
    with zipfile.ZipFile(store.with_name(store.name + ".zip"), "w") as archive:
        archive.writestr("zarr.json", '{"zarr_format": 3, "node_type": "group", "attributes": {"data_flag": "rgb"}}')
    assert "is there and is not a store that attrisweep packed" in run.run("--check", code=4).stderr
    shutil.rmtree(store)
    assert "is a Zarr store in a zip: it is left alone" in run.run("--check").stderr
    run.config["store"]["format"] = "zarr.zp"
    assert "store.format: unknown format `zarr.zp`, did you mean `zarr.zip`?" in run.run("--check", code=3).stderr


@pytest.fixture
def tensors(tmp_path, inputs):
    run = configured(tmp_path, inputs, "pt")
    run.told = run.run().stdout
    return run


def folder(run):
    """The only store of tensors."""
    (store,) = run.output.glob("*.pt/*")
    return store


def test_a_sweep_in_tensors_leaves_what_torch_loads_and_every_command_reads_it(tensors, folders):
    (store,), place = folders.stores(), folder(tensors)
    assert place.relative_to(tensors.output).as_posix() == "dataset-rgb_split-test.pt/model-resnet18_noise-clean"
    assert not tensors.stores() and not list(tensors.output.rglob(".*.tmp"))
    theirs = zarr.open_group(store, mode="r")
    for name in ("images", "labels", "model_predictions", "means/overall", "attributions/Saliency"):
        numpy.testing.assert_array_equal(torch.load(place / f"{name}.pt", weights_only=True, mmap=True).numpy(), theirs[name][:], strict=True)
    assert "import torch" in tensors.told
    assert f"complete  {place}" in tensors.run("--check").stdout
    assert "Nothing was left to compute" in tensors.run().stdout
    told = command(tensors, "status")
    assert "12 of 12 maps" in told and "images predicted right" in told
    assert "maps were computed again" in command(tensors, "verify")
    assert not tensors.stores()


def test_what_is_added_to_a_store_of_tensors_gives_the_tensors_of_one_sweep(tensors, tmp_path, inputs):
    (tmp_path / "whole").mkdir()
    whole = configured(tmp_path / "whole", inputs, "pt", METHODS[:3], limit=9)
    whole.run()
    tensors.config["search_space"]["attribution_methods"] = METHODS[:3]
    tensors.config["limit"] = 9
    tensors.run()
    assert not tensors.stores() and files(folder(tensors)) == files(folder(whole))
    tensors.config["seed"] = 7
    tensors.config["search_space"]["noise_conditions"] = [{**NOISES[1], "name": NOISES[0]["name"]}]
    assert "was computed from something else" in tensors.run(code=4).stderr


@pytest.mark.parametrize(
    ("name", "damage", "why"),
    [
        ("attributions/Saliency.pt", lambda data: data[:-9000] + bytes([data[-9000] ^ 1]) + data[-8999:], "checksum"),
        ("images.pt", lambda data: data[:-7], "invalid Zip archive"),
        ("labels.pt", None, None),
        ("means/overall.pt", lambda data: b"not a zip", "invalid Zip archive"),
    ],
)
def test_damage_in_a_store_of_tensors_is_found_and_redone(tensors, name, damage, why):
    place = folder(tensors)
    whole = files(place)
    if damage is None:
        (place / name).unlink()
        assert "not there yet" in command(tensors, "verify", code=1)
    else:
        (place / name).write_bytes(damage(whole[name]))
        (place / "notes.txt").write_text("mine")
        told = command(tensors, "verify", code=7)
        assert f"unsound: {place}/{name}" in told and why.lower() in told.lower()
        assert f"not ours, and left alone: {place}/notes.txt" in told
        assert f"removed: {place}/{name}" in command(tensors, "verify", "--redo", code=7)
    tensors.run()
    assert files(folder(tensors)) == whole | ({} if damage is None else {"notes.txt": b"mine"})
    command(tensors, "verify")


def test_damage_in_a_zip_is_found_and_redone(zipped):
    (zip,) = packed(zipped)
    whole = entries(zip)
    with zipfile.ZipFile(zip) as archive:
        at = next(entry for entry in archive.infolist() if entry.filename.endswith("Saliency/c.1.0.0.0")).header_offset
    data = bytearray(zip.read_bytes())
    data[at + 2000] ^= 1
    zip.write_bytes(data)
    assert f"unsound: {zip}/attributions/Saliency/c.1.0.0.0" in command(zipped, "verify", code=7)
    assert "removed: " in command(zipped, "verify", "--redo", code=7)
    zipped.run()
    assert entries(*packed(zipped)) == whole
    command(zipped, "verify")

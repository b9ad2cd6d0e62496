"""What pip installs runs without Rust, a compiler, the checkout, or anything set in the environment."""

import hashlib
import zipfile

import pytest
import zarr
from support import ROOT
from support.stand_ins.machines.environment import Environment, build_wheel


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.install(wheel)
    return environment


def test_a_fresh_environment_goes_from_pip_install_to_maps(environment, tmp_path):
    told = environment.run("attrisweep", "demo", "here", cwd=tmp_path)
    assert "a LeNet" in told.stdout, told
    stores = sorted((tmp_path / "here" / "outputs").glob("*.zarr"))
    assert [store.name for store in stores] == [
        f"dataset-digits_model-lenet_noise-{noise}_split-test.zarr" for noise in ("clean", "gaussian_std_0.15")
    ]
    for store in stores:
        maps = zarr.open_group(store)["attributions/Saliency"]
        assert maps.shape == (32, 3, 28, 28) and maps[:].max() > 0
    again = environment.run("python", "-m", "attrisweep", "verify", "--config", "here/config.yml", "--seconds", "1", cwd=tmp_path)
    assert "sound" in again.stdout, again


@pytest.mark.parametrize("name", ["scheduler", "preflight", "means"])
def test_the_programs_of_the_reference_are_there_under_their_names(environment, name):
    assert f"Usage: {name} " in environment.run(name, "--help").stdout


def test_a_rehearsal_finds_the_scheduler_where_one_file_is_all_programs(environment, tmp_path):
    environment.run("python", "-m", "attrisweep.running.demo", "here", cwd=tmp_path)
    environment.run("preflight", "--mode", "full_test", "--config", "here/config.yml", cwd=tmp_path)
    assert not list((tmp_path / "here" / "outputs").glob("*.zarr"))


NOTEBOOK = """
from attrisweep import SweepFailedError, start

sweep = start("here/config.yml", output="there")
assert sweep.running, sweep.told()
sweep.stop()
# While the config is checked, nobody listens to signals yet.
assert not sweep.running and sweep.code in (-15, 130), sweep.told()

with start("here/config.yml", output="there") as sweep:
    assert {store["maps"] for store in sweep.status()["stores"]} == {192}
    assert "Wrote" in sweep.wait(200)
assert all(store["complete"] for store in sweep.status()["stores"])

with start("nothing.yml") as sweep:
    try:
        sweep.wait(60)
    except SweepFailedError as error:
        assert error.code == 3 and "nothing.yml" in str(error), error
    else:
        raise AssertionError("a config that is not there was run")
"""


def test_a_notebook_starts_a_sweep_follows_it_and_stops_it(environment, tmp_path):
    environment.run("python", "-m", "attrisweep.running.demo", "here", cwd=tmp_path)
    environment.run("python", "-c", NOTEBOOK, cwd=tmp_path)


def test_another_torch_is_told_in_one_sentence(wheel, tmp_path):
    environment = Environment(tmp_path / "environment", without=["torch"])
    (environment.site / "torch").mkdir()
    (environment.site / "torch" / "__init__.py").touch()
    version = environment.site / "torch" / "version.py"
    version.write_text("__version__ = '2.11.0'\n")
    environment.install(wheel)
    version.write_text("__version__ = '2.9.1+cu128'\n")
    told = environment.run("attrisweep", "--help", code=5).stderr
    assert told.startswith("error: attrisweep needs torch 2.11.0, and ") and " has 2.9.1: run `" in told, told
    assert told.count("\n") == 1


def test_no_torch_is_told_in_one_sentence(wheel, tmp_path):
    environment = Environment(tmp_path / "environment")
    environment.install(wheel)
    (environment.site / "torch").unlink()
    told = environment.run("scheduler", "--help", code=5).stderr
    assert told.startswith("error: attrisweep needs torch 2.11.0, and there is none in ") and told.count("\n") == 1, told


def test_two_builds_have_the_same_digest(wheel, tmp_path):
    again = build_wheel(tmp_path)
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (wheel, again)]
    assert digests[0] == digests[1]


def test_the_wheel_names_the_torch_that_the_tests_run_with_and_what_it_contains(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name.rsplit("/", 1)[-1] for name in archive.namelist() if "/bin/" in name}
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        wanted = archive.read(metadata).decode()
    assert names == {"attrisweep", "worker", "NOTICES"}
    pinned = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch=="))
    assert f"Requires-Dist: {pinned}\n" in wanted

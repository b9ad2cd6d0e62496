"""A small real sweep that the tests of the Python package read: two noises, three methods, ten images in shards of four."""

import shutil

import attrisweep
import pytest
from support import METHODS, NOISES, Sweep


@pytest.fixture(scope="session")
def finished(tmp_path_factory, inputs):
    run = Sweep(tmp_path_factory.mktemp("python"), inputs, limit=10)
    run.config["search_space"]["noise_conditions"] = NOISES[:2]
    run.config["search_space"]["attribution_methods"] = [*METHODS[:2], {"name": "IG", "class": "IntegratedGradients", "params": {"n_steps": 5}}]
    run.run()
    return run.output


@pytest.fixture
def stores(finished, tmp_path):
    """The stores of that sweep, for a test that changes them."""
    return shutil.copytree(finished, tmp_path / "stores")


@pytest.fixture(scope="session")
def group(finished):
    return attrisweep.open_sweep(finished).group(noise="clean")

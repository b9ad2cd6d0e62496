"""A finished sweep of two noises and two methods, whose stores each test may damage."""

import shutil

import pytest
from support import METHODS, NOISES, Sweep


@pytest.fixture(scope="session")
def configured(inputs):
    def make(folder):
        run = Sweep(folder, inputs, limit=10)
        run.config["search_space"] |= {"noise_conditions": NOISES[1:2], "attribution_methods": [METHODS[0], METHODS[4]]}
        return run

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory, configured):
    run = configured(tmp_path_factory.mktemp("finished"))
    run.run()
    return run


@pytest.fixture
def run(tmp_path, configured, finished):
    shutil.copytree(finished.output, tmp_path / "out")
    return configured(tmp_path)

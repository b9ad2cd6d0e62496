"""What all clusters have to write: the stores of one worker of this machine."""

import pytest
from support import Sweep
from support.sweep import SAME, noisy


@pytest.fixture(scope="session")
def expected(tmp_path_factory, inputs):
    """Digests of the files of one local worker, for a sweep of four noises."""
    run = noisy(Sweep(tmp_path_factory.mktemp("local"), inputs, **SAME))
    run.config["devices"] = "cpu"
    run.run()
    return run.digests()


@pytest.fixture
def big(sweep):
    """The same sweep, for workers of a cluster."""
    return noisy(sweep(**SAME))

"""A sweep whose inputs a test may damage."""

import pytest
from support import Sweep, make_dataset, make_weights


@pytest.fixture
def own(tmp_path):
    """A sweep with inputs of its own, to be damaged."""
    make_dataset(tmp_path / "in" / "data", "rgb", 28, 12)
    weights = make_weights(tmp_path / "in" / "weights", "rgb", "resnet18", 28)
    return Sweep(tmp_path, tmp_path / "in"), tmp_path / "in" / "data" / "rgb.npz", weights

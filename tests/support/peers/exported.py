"""Programs of torch.export in the tests."""

import pytest
import torch

from ..inputs import make_dataset
from ..sweep import Sweep

SIZE = 64
DEEP_LIFT = {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": -0.5}}


def export(model, path, size=SIZE, dynamic=True):
    shapes = ({0: torch.export.Dim.DYNAMIC},) if dynamic else None
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.export.save(torch.export.export(model, (torch.zeros(2, 3, size, size),), dynamic_shapes=shapes), path)


def store_name(model):
    return f"dataset-rgb_model-{model}_noise-clean_split-test.zarr"


@pytest.fixture
def program(tmp_path):
    """A sweep on one program, which the test is to write."""
    make_dataset(tmp_path / "data", "rgb", SIZE, 2)
    run = Sweep(tmp_path, tmp_path, size=SIZE, models=["mine"])
    return run, tmp_path / "weights" / "weights_rgb" / f"mine_{SIZE}_1.pt2"

"""Models in PyTorch and methods as both sides of a comparison with Captum take them."""

import torch

from .. import captum_maps
from ..grid import DETERMINISTIC, METHODS
from ..inputs import architecture


def methods_with(layer):
    """All deterministic methods, Grad-CAM's at `layer`."""
    methods = []
    for method in METHODS + DETERMINISTIC:
        params = {name: layer if value == "LAYER" else value for name, value in method["params"].items()}
        methods.append({**method, "params": params})
    return methods


def torch_model(inputs, flag, size, arch, every=False):
    """The model of a weights file in PyTorch, as Captum needs it."""
    state = torch.load(inputs / "weights" / f"weights_{flag}" / f"{arch}_{size}_1.pth", weights_only=True)["net"]
    model = architecture(arch, size, 4)
    model.load_state_dict(state)
    return captum_maps.distinct_relus(model, every)

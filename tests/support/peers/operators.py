"""Small networks around one operator, and what is compared of them: in the tests of exported programs."""

import numpy as np
import torch
import zarr
from torch import nn

from ..inputs import make_dataset
from ..sweep import Sweep
from .exported import DEEP_LIFT, export, store_name

SIZE = 16


class Net(nn.Module):
    """A convolution, what is to be tried on its eight channels, and a linear layer."""

    def __init__(self, middle, weights):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.middle = middle
        self.w = nn.ParameterList(torch.randn(shape) for shape in weights)
        self.narrow = True
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        with torch.no_grad():
            values = self.tried(torch.zeros(2, 3, SIZE, SIZE)).flatten(1).shape[1]
        self.head = nn.Linear(values, 4)

    def tried(self, x):
        return self.middle(self, self.stem(x))

    def forward(self, x):
        return self.head(self.tried(x).flatten(1))


def of(function, *weights):
    """A network around `function` of itself and of `x` [n, 8, 8, 8]."""
    return lambda: Net(function, weights)


class Held(nn.Module):
    """A network around a module."""

    def __init__(self, module):
        super().__init__()
        self.stem, self.module = nn.Conv2d(3, 8, 3, stride=2, padding=1), module
        with torch.no_grad():
            self.head = nn.Linear(module(torch.zeros(2, 8, 8, 8)).flatten(1).shape[1], 4)

    def forward(self, x):
        return self.head(self.module(self.stem(x)).flatten(1))


def held(module):
    return lambda: Held(module())


def elementwise(function):
    return of(lambda _, x: function(x))


def sweep_of(folder, models):
    """One sweep over the `models`, each by its name a function that builds it: the models, and the store of each."""
    make_dataset(folder / "data", "rgb", SIZE, 3)
    built = {}
    for name, build in models.items():
        torch.manual_seed(5)
        built[name] = build().eval()
        export(built[name], folder / "weights" / "weights_rgb" / f"{name}_{SIZE}_1.pt2", size=SIZE)
        built[name].narrow = False
    run = Sweep(folder, folder, size=SIZE, models=models, store={"shard": 4, "dtype": "float32"})
    run.config["search_space"]["attribution_methods"] = [{"name": "Product", "class": "InputXGradient", "params": {}}, DEEP_LIFT]
    run.run()
    return built, {name: zarr.open_group(run.output / store_name(name), mode="r") for name in models}


def assert_as_torch(model, store):
    """Logits and gradients of the `store` are those of torch."""
    images = torch.from_numpy(store["images"][:]).requires_grad_()
    logits = model(images)
    ours = torch.from_numpy(store["model_predictions"][:])
    assert float((logits - ours).detach().abs().max() / ours.abs().max()) < 1e-5
    gradient, = torch.autograd.grad(logits.gather(1, ours.argmax(1)[:, None]).sum(), images)
    theirs = (images * gradient).detach()
    error = (theirs - torch.from_numpy(store["attributions"]["Product"][:])).abs().max()
    assert float(error / theirs.abs().max()) < 1e-4


def assert_complete(store):
    """The multipliers of DeepLIFT add up to the difference of the logits."""
    delta, logits = store["convergence_delta"]["DeepLIFT_baselines_-0.5"][:], store["model_predictions"][:]
    assert np.abs(delta).max() < 1e-4 * np.abs(logits).max()

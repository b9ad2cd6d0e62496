"""Programs of torch.export that no map can be made of: refused, with what to do about it."""

import pytest
import torch
from support.peers.exported import SIZE, export
from torch import nn
from torch.nn import functional


class Odd(nn.Module):
    """A model whose `forward` does something to its features that no map can be made of."""

    def __init__(self, odd):
        super().__init__()
        self.features, self.odd, self.head = nn.Conv2d(3, 4, 3, 8), odd, nn.LazyLinear(4)
        self(torch.zeros(2, 3, SIZE, SIZE))

    def forward(self, x):
        return self.head(self.odd(self.features(x)).flatten(1))


class Counter(nn.Module):
    """Its output depends on how often it was called."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x * self.calls


def old_part(x):
    """A part of a value that another part is assigned to before it is read."""
    y = x * 2
    part = y[:, 1]
    y[:, 1:3] = x[:, :2]
    return y + part.unsqueeze(1)


def assigned_without_gradient(x):
    """PyTorch keeps the gradient of what was there."""
    y = x * 2
    with torch.no_grad():
        y[:, 1] = x[:, 0]
    return y


def assigned_diagonal(x):
    """A change through a view that no operator of a graph puts back."""
    y = x * 2
    y.diagonal(dim1=-2, dim2=-1).fill_(0.0)
    return y


REFUSALS = {
    "an assignment to a diagonal": (lambda: Odd(assigned_diagonal).eval(), "diagonal"),
    "an assignment under no_grad": (lambda: Odd(assigned_without_gradient).eval(), "the argument `self` of torch.ops.aten.copy_.default"),
    "a part that was changed behind its back": (lambda: Odd(old_part).eval(), "in place, and `unsqueeze` reads it afterwards"),
    "places beyond the last": (lambda: Odd(lambda x: x.index_add(1, torch.tensor([0, 0]), x[:, :2])).eval(), "expected places below 4, each once"),
    "a counter that is computed with": (lambda: Odd(Counter()).eval(), "changes the buffer `odd.calls` each time that the model runs"),
    "a module that drops": (lambda: Odd(nn.Dropout(0.5)).train(), "it was exported in training; export model.eval()"),
    "a function that drops": (lambda: Odd(lambda x: functional.dropout(x, 0.5)).eval(), "pass training=self.training to it"),
    "statistics of the batch": (
        lambda: Odd(nn.BatchNorm2d(4, track_running_stats=False)).eval(),
        "the statistics of the batch would mix its images (track_running_stats=False)",
    ),
    "a batch norm in training": (lambda: Odd(nn.BatchNorm2d(4)).train(), "it was exported in training; export model.eval()"),
    "no gradient at all": (lambda: Odd(torch.Tensor.detach).eval(), "the logits have no gradient at the images"),
    "images that mix behind a detach": (
        lambda: Odd(lambda x: x - x.mean(0, keepdim=True).detach()).eval(),
        "the logits of an image change with the images beside it",
    ),
    "images that mix in a condition": (
        lambda: Odd(lambda x: torch.where(x > x.mean(0, keepdim=True), x, 2 * x)).eval(),
        "the logits of an image change with the images beside it",
    ),
    "several operators that nobody knows": (
        lambda: Odd(lambda x: torch.erfinv(x.tanh()) + torch.lgamma(x) * torch.erfinv(x.sigmoid())).eval(),
        "the operators aten.erfinv.default (2 calls, the first is node `erfinv`, in the model itself, ",
    ),
}


class OfTwo(nn.Module):
    """Takes what images alone do not give."""

    def __init__(self):
        super().__init__()
        self.features = nn.Linear(3 * SIZE * SIZE, 4)

    def forward(self, x, ages):
        return self.features(x.flatten(1)) + ages


def test_a_program_of_several_inputs_is_told_how_to_become_one_of_images(program):
    run, file = program
    file.parent.mkdir(parents=True)
    shapes = ({0: torch.export.Dim.DYNAMIC}, {0: torch.export.Dim.DYNAMIC})
    torch.export.save(torch.export.export(OfTwo(), (torch.zeros(2, 3, SIZE, SIZE), torch.zeros(2, 1)), dynamic_shapes=shapes), file)
    error = run.run(code=3).stderr
    assert "the program takes 2 tensors; expected one batch of images; wrap the model in a module" in error, error


@pytest.mark.parametrize("what", REFUSALS)
def test_what_no_map_can_be_made_of_is_refused_with_what_to_do(program, what):
    run, file = program
    build, told = REFUSALS[what]
    export(build(), file)
    error = run.run(code=3).stderr
    assert told in error, error
    # Nobody is told to do what they did.
    assert ("model.eval()" in error) == ("training" in told), error

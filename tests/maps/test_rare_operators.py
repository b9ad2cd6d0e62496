"""Operators of models that few people use: recurrent layers, folded patches, rounded quotients, masks of each image."""

import numpy as np
import pytest
import torch
import zarr
from support.peers.exported import SIZE, export
from support.peers.operators import assert_as_torch, assert_complete, elementwise, held, of, sweep_of
from torch import nn
from torch.nn import functional


class Rows(nn.Module):
    """A recurrent layer over the rows of a picture, and what is read of it."""

    def __init__(self, layer, read=lambda output, states: output, first=None):
        super().__init__()
        self.layer, self.read = layer, read
        self.first = None if first is None else nn.Parameter(torch.randn(first))

    def forward(self, x):
        rows = x.flatten(1, 2) if self.layer.batch_first else x.flatten(1, 2).transpose(0, 1)
        if self.first is None:
            return self.read(*self.layer(rows))
        first = self.first.expand(-1, x.shape[0], -1).contiguous()
        return self.read(*self.layer(rows, (first, first.tanh()) if isinstance(self.layer, nn.LSTM) else first))


def last(_, states):
    """The states after the last row, of all layers and directions."""
    return states.transpose(0, 1)


def first_by_hand(net, x):
    """A first state of zeros, as tutorials write it."""
    zeros = torch.zeros(1, x.shape[0], 5).requires_grad_()
    return net.layer(x.flatten(1, 2), (zeros.detach(), zeros.detach()))[0]


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(8, 5, batch_first=True)

    def forward(self, x):
        return first_by_hand(self, x)


class States(nn.Module):
    """An LSTM whose last states are all that is read, as torch.export writes them down: with a dimension that they do not have."""

    def __init__(self, values, read, layers=1, bidirectional=False):
        super().__init__()
        self.layer = nn.LSTM(48, 5, layers, batch_first=True, bidirectional=bidirectional)
        self.read, self.head = read, nn.Linear(5 * values, 4)

    def forward(self, x):
        return self.head(self.read(*self.layer(x.transpose(1, 2).flatten(2))[1]))

    @classmethod
    def of(cls, *args, **options):
        return lambda: cls(*args, **options)


def positions_of_each_image(net, x):
    """SAM's: what is added to the products of an attention is itself a product with the queries."""
    query = x.flatten(2).transpose(1, 2).unsqueeze(1)
    mask = torch.einsum("bhnc,mc->bhnm", query, net.w[0])
    return functional.scaled_dot_product_attention(query, query * 0.3, query.tanh(), attn_mask=mask)


def rounded(_, x):
    quotient = torch.div(x, 0.3, rounding_mode="floor") + torch.div(x[:, :1], x.square() + 0.1, rounding_mode="trunc")
    places = torch.div(torch.arange(8), 2, rounding_mode="floor") + torch.arange(8) // 2 + torch.arange(8) % 2
    return quotient + x.detach().floor_divide(0.7) + x * places.view(8, 1, 1)


# Of these DeepLIFT is complete.
COMPLETE = {
    "folded": elementwise(lambda x: functional.fold(functional.unfold(x, 3, padding=1, stride=2).sigmoid(), 8, 3, padding=1, stride=2)),
    "folded_dilated": elementwise(lambda x: functional.fold(functional.unfold(x, (2, 3), 2, (0, 1)), (8, 8), (2, 3), 2, (0, 1)).tanh()),
}
# And of these it is not: they have no rule, or no gradient somewhere.
OTHERS = {
    "lstm": held(lambda: Rows(nn.LSTM(8, 5, batch_first=True))),
    "lstm_of_layers": held(lambda: Rows(nn.LSTM(8, 5, 2, batch_first=True, bidirectional=True, dropout=0.5))),
    "lstm_rows_in_front": held(lambda: Rows(nn.LSTM(8, 5, 2, bias=False), lambda y, _: torch.cat([y[-1], y[0]], 1))),
    "lstm_first_learned": held(lambda: Rows(nn.LSTM(8, 5, batch_first=True, bidirectional=True), first=(2, 1, 5))),
    "lstm_first_by_hand": held(ByHand),
    "lstm_states": States.of(1, lambda h, c: h[-1]),
    "lstm_states_of_layers": States.of(3, lambda h, c: torch.cat([c[1].tanh(), h[-1], c[-1]], -1), layers=2, bidirectional=True),
    "lstm_states_in_rows": States.of(2, lambda h, c: c.view(2, 2, -1, 5)[1].transpose(0, 1).flatten(1), layers=2, bidirectional=True),
    "lstm_states_squeezed": States.of(1, lambda h, c: functional.dropout((h * c.sigmoid()).squeeze(0).relu() + c[0], 0.5, False)),
    "lstm_states_in_layers": States.of(1, lambda h, c: functional.layer_norm(h[0] - 2 * c[0], [5])),
    "gru": held(lambda: Rows(nn.GRU(8, 5, 2, batch_first=True, bidirectional=True), last)),
    "gru_first_learned": held(lambda: Rows(nn.GRU(8, 5), lambda y, s: y[-1], first=(1, 1, 5))),
    "rnn": held(lambda: Rows(nn.RNN(8, 5, batch_first=True))),
    "rnn_relu": held(lambda: Rows(nn.RNN(8, 5, nonlinearity="relu", batch_first=True), last)),
    "positions_of_each_image": of(positions_of_each_image, [64, 8]),
    "rounded": of(rounded),
    "left_over": elementwise(lambda x: torch.remainder(x, 0.3) + torch.fmod(x, 0.4) + torch.remainder(x, x.square() + 0.2)),
}
MODELS = COMPLETE | OTHERS


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    return sweep_of(tmp_path_factory.mktemp("operators"), MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_an_operator_computes_and_differentiates_as_torch_does(swept, name):
    assert_as_torch(swept[0][name], swept[1][name])


@pytest.mark.parametrize("name", COMPLETE)
def test_deep_lift_is_complete_where_every_operator_has_a_rule(swept, name):
    assert_complete(swept[1][name])


class Read(nn.Module):
    """A recurrent network over the rows of an image, as tutorials have it."""

    def __init__(self, read):
        super().__init__()
        self.layer, self.head, self.read = nn.LSTM(3 * SIZE, 7, batch_first=True), nn.Linear(7, 4), read

    def forward(self, x):
        return self.head(self.read(*self.layer(x.transpose(1, 2).flatten(2))))


def test_of_a_program_for_one_number_of_images_the_rows_are_read_and_states_are_refused_with_the_way_out(program):
    run, file = program
    export(Read(lambda rows, _: rows[:, -1]).eval(), file, dynamic=False)
    run.run()
    run.output.rename(run.folder / "first")
    export(Read(lambda _, states: states[0][-1]).eval(), file, dynamic=False)
    error = run.run(code=3).stderr
    assert "does not have the images in front: export it with a dynamic batch" in error, error
    # What comes of them by their sum nobody knows: the program says another shape.
    export(Read(lambda _, states: states[0].sum(1)[-1]).eval(), file)
    error = run.run(code=3).stderr
    assert "read the last row of its output instead" in error, error


class Standardised(nn.Module):
    """A large layer whose weight is made of the stored one in ten steps, each of which is as large, 43 MiB."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(920, 3 * SIZE * SIZE))
        self.head = nn.Linear(920, 4)

    def forward(self, x):
        weight = self.weight - self.weight.mean(1, keepdim=True)
        for _ in range(3):
            weight = weight * 0.5 + self.weight * 0.1
        return self.head(functional.linear(x.flatten(1), weight).tanh())


def test_weights_that_are_made_of_those_of_a_large_file_are_no_bomb(program):
    run, file = program
    torch.manual_seed(3)
    model = Standardised().eval()
    export(model, file)
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    with torch.no_grad():
        logits = model(torch.from_numpy(store["images"][:]))
    assert float((logits - torch.from_numpy(store["model_predictions"][:])).abs().max() / logits.abs().max()) < 1e-4


class Padded(nn.Module):
    """Begins as TensorFlow's networks do: with a border on one side."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU())
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.features(functional.pad(x, (0, 1, 0, 1))).mean((2, 3)))


def test_of_a_network_that_pads_its_images_grad_cam_looks_at_the_last_picture(program):
    run, file = program
    torch.manual_seed(3)
    export(Padded().eval(), file)
    cam = {"class": "LayerGradCam", "params": {"relu_attributions": False}}
    named = {"name": "Named", **cam, "params": {**cam["params"], "layer": "features"}}
    run.config["search_space"]["attribution_methods"] = [{"name": "Default", **cam}, named]
    run.run()
    assert "of mine looks at `features" in run.run("--check").stdout
    maps = zarr.open_group(run.stores()[0], mode="r")["attributions"]
    default, other = (array[:] for _, array in sorted(maps.arrays()))
    assert np.array_equal(default, other) and np.abs(default).max() > 0

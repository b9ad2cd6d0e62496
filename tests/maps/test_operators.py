"""Operators of exported programs, one by one: logits and gradients as torch has them, DeepLIFT complete where it has a rule."""

import pytest
import torch
from support.peers.operators import assert_as_torch, assert_complete, elementwise, held, of, sweep_of
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations


def standardised(net, x):
    kernel = net.w[0]
    normed = functional.batch_norm(kernel.reshape(1, 8, -1), None, None, training=True, momentum=0.0, eps=1e-6)
    spread, mean = torch.var_mean(net.w[1], dim=[1, 2, 3], keepdim=True)
    return functional.conv2d(functional.conv2d(x, normed.reshape_as(kernel)), (net.w[1] - mean) / torch.sqrt(spread + 1e-5))


def positions(_, x):
    down = torch.cumsum(torch.ones(8, 8), 0)
    grids = torch.meshgrid(torch.linspace(-1, 1, 8), torch.arange(0.0, 4.0, 0.5), indexing="ij")
    waves = torch.stack([down.sin(), (grids[0] * grids[1]).cos()]).repeat(4, 1, 1)
    return torch.where(~(down > 3), x, 2 * x) + waves + torch.eye(8).tril() @ torch.outer(grids[0][:, 0], grids[1][0])


def under_no_grad(_, x):
    with torch.no_grad():
        gate = torch.sigmoid(x.mean((2, 3), keepdim=True))
        with torch.enable_grad():
            still = x * 0.5
    return x * gate + still


def under_autocast(net, x):
    """Exported in 16 bits and compared in 32: a graph computes in the precision of the config."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=net.narrow):
        y = functional.conv2d(x, net.w[0]).sigmoid()
    with torch.autocast("cpu", enabled=False):
        return y.float() * x


def counted(net, x):
    net.count += 1
    return torch.utils.checkpoint.checkpoint(torch.tanh, x, use_reentrant=False)


def channels_attended(net, x):
    """CBAM's and ECA's."""
    largest, mean = x.amax(1, keepdim=True), x.mean(1, keepdim=True)
    gate = functional.conv1d(x.mean((2, 3)).unsqueeze(1), net.w[0], padding=1)
    return x * torch.sigmoid(gate).transpose(1, 2).unsqueeze(-1) * torch.sigmoid(largest + mean)


def assigned(net, x):
    """Parts of a value changed in place, of which some are taken before and read afterwards."""
    y = x * 2
    first = y[:, 0]
    first += x[:, 1]
    gate = first.unsqueeze(1).sigmoid()
    y[:, 2:4] = x[:, 5:7] * gate
    y[:, 1:3, ::2] *= 0.5
    y[:, 4] = 0.25
    y[:, [6, -1]] = x[:, :2]
    y[..., 3].mul_(3)
    return y.tanh() + gate


def shifted(_, x):
    """What TSM and ShiftViT do with channels."""
    out = torch.zeros_like(x)
    out[:, :2, 1:] = x[:, :2, :-1]
    out[:, 2:4, :-1] = x[:, 2:4, 1:]
    out[:, 4:] = x[:, 4:]
    held = torch.zeros(x.shape[0], 3, 8, 8)
    held[:, 1] = x[:, 0]
    return torch.cat([out, held, torch.slice_scatter(x, out[:, :2], 1, 3, 5), x.select_scatter(x[:, 0], 1, 4)], 1)


def chosen(_, x):
    """A gate that keeps the three best of eight experts, as mixtures and routed attention have it."""
    scores, places = torch.topk(x.mean((2, 3)), 3)
    kept = torch.zeros(x.shape[0], 8).scatter_(1, places, scores.softmax(1))
    least = torch.topk(x, 2, dim=1, largest=False)[0]
    routed = torch.gather(x.flatten(2), 1, places.unsqueeze(-1).expand(-1, -1, 64))
    return (x * kept[:, :, None, None]).flatten(1) + torch.cat([least.flatten(1), routed.flatten(1), x[:, :3].flatten(1)], 1)


def twice(x):
    """Equal values of other gradients, side by side."""
    return torch.stack([x, 2 * x - x.detach()], 1)


# Of these DeepLIFT is complete.
COMPLETE = {
    "adaptive_max_pool2d": elementwise(lambda x: functional.adaptive_max_pool2d(x, 3)),
    "amax": elementwise(lambda x: x.amax((2, 3))),
    "amin": elementwise(lambda x: x.amin(1, keepdim=True)),
    "max_dim": elementwise(lambda x: x.max(1)[0] - x.flatten(2).min(-1, keepdim=True)[0]),
    "maximum": elementwise(lambda x: torch.maximum(x[:, :4], x[:, 4:]) - torch.minimum(x, torch.tensor(0.1)).mean(1, keepdim=True)),
    "prelu": held(lambda: nn.PReLU(8, 0.2)),
    "selu": elementwise(functional.selu),
    "celu": elementwise(lambda x: functional.celu(x, 0.7)),
    "glu": elementwise(lambda x: functional.glu(x, 1)),
    "log_sigmoid": elementwise(functional.logsigmoid),
    "threshold": elementwise(lambda x: functional.threshold(x, 0.1, -0.3)),
    "waves": elementwise(lambda x: x.sin() * x.cos() + x.atan() + x.expm1() + x.square().log1p() + torch.erf(x)),
    "steps": elementwise(lambda x: x + (3 * x).round() + x.sign() + (5 * x).floor()),
    "where_constant": of(lambda net, x: torch.where(net.w[0] > 0, x, 0.5), [8, 8]),
    "addcmul": of(lambda net, x: torch.addcmul(net.w[0], x, x.sigmoid(), value=0.5), [8, 1, 1]),
    "stack": of(lambda net, x: torch.stack([x, 2 * x, net.w[0].expand_as(x)], 2), [8, 1, 1]),
    "repeat": of(lambda net, x: x.repeat(1, 2, 1, 1) + net.w[0].repeat(x.shape[0], 16, 1, 1), [1, 8, 1]),
    "repeat_interleave": elementwise(lambda x: x.repeat_interleave(3, 1)),
    "pixel_shuffle": elementwise(lambda x: functional.pixel_shuffle(x, 2).tanh()),
    "pixel_unshuffle": elementwise(lambda x: functional.pixel_unshuffle(x, 2).tanh()),
    "channel_shuffle": held(lambda: nn.Sequential(nn.ChannelShuffle(4), nn.Conv2d(8, 4, 3, groups=2))),
    "flip": elementwise(lambda x: x.flip(-1, 1)),
    "channels_gathered": of(lambda net, x: x[:, [2, 1, 0, -1]] + x.index_select(1, torch.tensor([3, 3, 0, 1]))),
    "pad_reflect": elementwise(lambda x: functional.pad(x, (1, 2, 3, 0), "reflect")),
    "pad_replicate": elementwise(lambda x: functional.pad(x, (1, 2, 3, 0), "replicate")),
    "pad_circular": elementwise(lambda x: functional.pad(x, (1, 2, 3, 0), "circular")),
    "conv_transpose2d": held(lambda: nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1, groups=2)),
    "conv_transpose2d_dilated": held(lambda: nn.ConvTranspose2d(8, 6, 3, dilation=2, bias=False)),
    "conv1d": held(lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(8, 6, 5, stride=2, padding=2, groups=2), nn.ReLU())),
    "conv1d_same": held(lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(8, 6, 3, padding="same", dilation=2))),
    "pools1d": elementwise(lambda x: functional.avg_pool1d(functional.max_pool1d(x.flatten(2), 3, 2, 1), 4, padding=1)),
    "adaptive_pools1d": elementwise(lambda x: functional.adaptive_avg_pool1d(functional.adaptive_max_pool1d(x.flatten(2), 16), 5)),
    "windows": elementwise(lambda x: x.unfold(2, 4, 2).unfold(-2, 3, 1).tanh()),
    "im2col": elementwise(lambda x: functional.unfold(x, 3, padding=1, stride=2)),
    "local_response_norm": held(lambda: nn.LocalResponseNorm(5, alpha=0.1)),
    "generalised_mean": of(lambda net, x: functional.avg_pool2d(x.clamp(min=1e-6).pow(net.w[0].abs() + 1), 4).pow(1 / (net.w[0].abs() + 1)), [1]),
    "powers": of(lambda net, x: x.sigmoid().pow(net.w[0]), [8, 1, 1]),
    "powers_of_a_number": elementwise(lambda x: 2 ** x.tanh() + torch.pow(torch.tensor(0.3), x.sigmoid())),
    "powers_of_weights": of(lambda net, x: torch.pow(net.w[0].abs() + 0.1, x.sigmoid()), [8, 1, 1]),
    # XCiT's and DETR's positions.
    "powers_of_positions": of(lambda _, x: x / (10000 ** (2 * torch.div(torch.arange(8), 2, rounding_mode="floor") / 8)).view(8, 1, 1)),
    "channels_attended": of(channels_attended, [1, 1, 3]),
    "batch_of_constants": elementwise(lambda x: torch.cat([x, x.new_zeros(x.shape[0], 1, 8, 8), torch.ones_like(x)], 1)),
    "weight_norm": held(lambda: nn.Sequential(parametrizations.weight_norm(nn.Conv2d(8, 4, 3)), nn.utils.weight_norm(nn.Conv2d(4, 4, 1)))),
    "spectral_norm": held(lambda: nn.Sequential(parametrizations.spectral_norm(nn.Conv2d(8, 4, 3)), nn.utils.spectral_norm(nn.Conv2d(4, 4, 1)))),
    "orthogonal": held(lambda: nn.Sequential(nn.Flatten(), parametrizations.orthogonal(nn.Linear(512, 6)))),
    "standardised": of(standardised, [8, 8, 3, 3], [4, 8, 3, 3]),
    "positions": of(positions),
    "assigned": of(assigned),
    "shifted": of(shifted),
    "bilinear_smoothed": elementwise(lambda x: functional.interpolate(x, size=(5, 3), mode="bilinear", antialias=True).tanh()),
    "bicubic_smoothed": elementwise(lambda x: functional.interpolate(x, scale_factor=0.6, mode="bicubic", antialias=True)),
    "nearest_exact": elementwise(lambda x: functional.interpolate(x, size=5, mode="nearest-exact")),
    "type_as": of(lambda net, x: x.type_as(net.w[0]) * net.count.type_as(x).add(2).sigmoid(), [1]),
    "under_autocast": of(under_autocast, [8, 8, 1, 1]),
    "counted": of(counted),
}
# And of these it is not: they have no rule, or no gradient somewhere.
OTHERS = {
    "where": elementwise(lambda x: torch.where(x > 0.1, x, x.square()) + (x * (x <= 0)).exp() + (x > 0).float() * x),
    "masked": elementwise(lambda x: x.masked_fill((x < 0) & (x > -0.2), 0.3)),
    "instance_norm": held(lambda: nn.InstanceNorm2d(8, affine=True)),
    "instance_norm_tracked": held(lambda: nn.InstanceNorm2d(8, track_running_stats=True)),
    "rms_norm": held(lambda: nn.Sequential(nn.Flatten(2), nn.RMSNorm(64))),
    "std": elementwise(lambda x: x.std((2, 3)) + x.var(1, correction=0, keepdim=True).mean((2, 3))),
    "var_mean": elementwise(lambda x: torch.cat([*torch.var_mean(x, (2, 3)), torch.std_mean(x, (1, 2, 3), unbiased=False)[0][:, None]], 1)),
    "ties": elementwise(lambda x: twice(x).amax(1) + 3 * twice(x).max(1)[0]),
    "chosen": of(chosen),
    "assigned_where": elementwise(lambda x: x.clone().index_put_((x < 0.1,), torch.tensor(0.2))),
    "detach": elementwise(lambda x: x * x.sigmoid().detach()),
    "under_no_grad": of(under_no_grad),
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

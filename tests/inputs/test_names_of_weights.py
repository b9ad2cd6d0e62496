"""Weights under other names, and models that no other test loads: predictions say that every weight is in its place."""

import numpy as np
import pytest
import torch
import zarr
from safetensors.torch import save_file
from support import METHODS, Sweep, make_weights
from support.peers.parity import torch_model

# MedMNIST's names of residual networks, torchvision's of dense ones before 2018, and timm's of transformers.
OTHER_NAMES = {
    "resnet18": [("downsample", "shortcut"), ("fc.", "linear.")],
    "densenet121": [("norm1", "norm.1"), ("norm2", "norm.2"), ("conv1", "conv.1"), ("conv2", "conv.2")],
    "vit_s_16": [
        ("conv_proj", "patch_embed.proj"), ("class_token", "cls_token"), ("encoder.pos_embedding", "pos_embed"),
        ("encoder.layers.encoder_layer_", "blocks."), ("ln_1", "norm1"), ("ln_2", "norm2"), ("self_attention.in_proj_", "attn.qkv."),
        ("self_attention.out_proj", "attn.proj"), ("mlp.0", "mlp.fc1"), ("mlp.3", "mlp.fc2"), ("encoder.ln", "norm"), ("heads.head", "head"),
    ],
}


@pytest.mark.parametrize("arch", OTHER_NAMES)
def test_weights_under_their_other_names_are_the_same_model(inputs, tmp_path, arch):
    """And without a count of batches, which old files do not have."""
    path = inputs / "weights" / "weights_rgb" / f"{arch}_64_1.pth"
    renamed = {}
    for name, tensor in torch.load(path, weights_only=True)["net"].items():
        for ours, other in OTHER_NAMES[arch]:
            name = name.replace(ours, other) if arch != "densenet121" or "denselayer" in name else name
        if "num_batches_tracked" not in name:
            renamed[name] = tensor
    (tmp_path / "in" / "weights" / "weights_rgb").mkdir(parents=True)
    torch.save(renamed, tmp_path / "in" / "weights" / "weights_rgb" / f"{arch}_64_1.pth")
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    run = Sweep(tmp_path, tmp_path / "in", size=64, models=[arch], limit=2)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    with torch.no_grad():
        logits = torch_model(inputs, "rgb", 64, arch)(torch.from_numpy(store["images"][:]))
    assert np.allclose(store["model_predictions"][:], logits, atol=1e-5)


# How a last layer is called by others, and what a checkpoint is then made of.
HEADS = {
    "`classifier`:": lambda backbone, weight, bias: backbone | {"classifier.weight": weight, "classifier.bias": bias},
    "`state_dict.model.fc.1`:": lambda backbone, weight, bias: {
        "state_dict": {f"model.{name}": tensor for name, tensor in (backbone | {"fc.1.weight": weight, "fc.1.bias": bias}).items()}
    },
    # MMEngine keeps it beside the backbone.
    "`state_dict.head.fc`, without a bias:": lambda backbone, weight, bias: {
        "state_dict": {f"backbone.{name}": tensor for name, tensor in backbone.items()} | {"head.fc.weight": weight}
    },
}
NO_HEADS = [
    lambda weight, bias: {"fc.0.weight": torch.zeros(512, 512), "fc.0.bias": torch.zeros(512), "fc.2.weight": weight, "fc.2.bias": bias},
    lambda weight, bias: {"head.weight": weight, "head.scale": bias},
    lambda weight, bias: {"head.weight": weight[:, :500]},
    lambda weight, bias: {"head.weight": weight, "other.bias": bias},
    lambda weight, bias: {"head.weight": weight, "head.bias": bias[:-1]},
]


def test_one_linear_layer_under_another_name_is_the_head_and_is_told_and_others_are_refused_with_a_way_out(inputs, tmp_path):
    model = torch_model(inputs, "rgb", 28, "resnet18")
    backbone = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("fc.")}
    weight, bias = model.fc.weight.detach(), model.fc.bias.detach()
    file = tmp_path / "in" / "weights" / "weights_rgb" / "resnet18_28_1.pth"
    file.parent.mkdir(parents=True)
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    run = Sweep(tmp_path, tmp_path / "in", size=28, models=["resnet18"], limit=2)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    for head in NO_HEADS:
        torch.save(backbone | head(weight, bias), file)
        told = run.run("--check", code=3).stderr
        assert "1 tensors missing: fc.weight" in told or "2 tensors missing: fc.weight, fc.bias" in told
        assert '"my_resnet18_28_1.pt2")`, and write `my_resnet18` in `model_flags`' in told
    for name, checkpoint in HEADS.items():
        torch.save(checkpoint(backbone, weight, bias), file)
        assert f"warning: `{file}`: its last layer is {name} the only linear layer of 512" in run.run("--check").stderr
    torch.save(backbone | {"fc.weight": weight}, file)
    assert f"warning: `{file}`: its last layer `fc` has no bias" in run.run("--check").stderr
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    with torch.no_grad():
        logits = model(torch.from_numpy(store["images"][:])) - bias
    assert np.allclose(store["model_predictions"][:], logits, atol=1e-5)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_narrow_weights_of_safetensors_are_those_numbers_in_single_precision(inputs, tmp_path, kind):
    model = torch_model(inputs, "rgb", 28, "resnet18")
    narrow = {name: tensor.to(kind) if tensor.is_floating_point() else tensor for name, tensor in model.state_dict().items()}
    file = tmp_path / "in" / "weights" / "weights_rgb" / "resnet18_28_1.safetensors"
    file.parent.mkdir(parents=True)
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    save_file(narrow, file, metadata={"format": "pt"})
    run = Sweep(tmp_path, tmp_path / "in", size=28, models=["resnet18"], limit=2)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    model.load_state_dict(narrow)
    with torch.no_grad():
        assert np.allclose(store["model_predictions"][:], model(torch.from_numpy(store["images"][:])), atol=1e-5)


# Checkpoints that hold an average beside weights that stand under no name, and the word for the average.
AVERAGES = {
    "ema": lambda net, average: net | {"ema": average, "epoch": 3},
    "ema.module": lambda net, average: net | {f"ema.module.{name}": tensor for name, tensor in average.items()} | {"ema.updates": torch.tensor(7)},
    "model_ema": lambda net, average: {"net": net, "model_ema": average, "fc.weight": torch.zeros(4, 512)},
}


@pytest.mark.parametrize("word", AVERAGES)
def test_of_weights_and_their_average_it_is_said_which_are_taken_and_a_word_takes_the_others(inputs, tmp_path, word):
    model = torch_model(inputs, "rgb", 28, "resnet18")
    net = model.state_dict()
    average = {name: tensor * 0.5 if name == "fc.weight" else tensor for name, tensor in net.items()}
    file = tmp_path / "in" / "weights" / "weights_rgb" / "resnet18_28_1.pth"
    file.parent.mkdir(parents=True)
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    run = Sweep(tmp_path, tmp_path / "in", size=28, models=["resnet18"], limit=2)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    torch.save(AVERAGES[word](net, average), file)
    where = "under `net`" if word == "model_ema" else "that stand under no name"
    told = run.run().stderr
    assert f"it holds several sets of weights: those {where} are taken, and not `{word}`; `weights: {{set: {word}}}`" in told, told
    predictions = lambda: zarr.open_group(run.stores()[0], mode="r")["model_predictions"][:]
    images = torch.from_numpy(zarr.open_group(run.stores()[0], mode="r")["images"][:])
    with torch.no_grad():
        assert np.allclose(predictions(), model(images), atol=1e-5)
        model.load_state_dict(average)
        run.output.rename(tmp_path / "first")
        run.config["weights"] = {"set": word}
        assert "several sets" not in run.run().stderr
        assert np.allclose(predictions(), model(images), atol=1e-5)


def test_a_second_branch_with_the_same_names_is_no_second_set_of_weights(inputs, tmp_path):
    net = torch_model(inputs, "rgb", 28, "resnet18").state_dict()
    file = tmp_path / "in" / "weights" / "weights_rgb" / "resnet18_28_1.pth"
    file.parent.mkdir(parents=True)
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    torch.save(net | {f"branch.{name}": tensor for name, tensor in net.items() if not name.startswith("fc.")}, file)
    run = Sweep(tmp_path, tmp_path / "in", size=28, models=["resnet18"], limit=2)
    assert "tensors unexpected: branch.bn1.bias" in run.run("--check", code=3).stderr


def test_the_other_models_are_torchvisions(sweep, inputs, tmp_path):
    """Those that no other test loads: their predictions, and with them every weight by its name."""
    models = ["resnet34", "resnet101", "densenet201", "vgg11", "vgg16", "vgg16_bn", "vit_b_16"]
    for arch in models:
        make_weights(tmp_path / "in" / "weights", "rgb", arch, 64)
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    run = Sweep(tmp_path, tmp_path / "in", size=64, models=models, limit=3)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    for arch in models:
        store = zarr.open_group(run.output / f"dataset-rgb_model-{arch}_noise-clean_split-test.zarr", mode="r")
        with torch.no_grad():
            logits = torch_model(tmp_path / "in", "rgb", 64, arch)(torch.from_numpy(store["images"][:]))
        error = np.abs(store["model_predictions"][:] - logits.numpy()).max() / logits.abs().max()
        assert error < 1e-5, f"{arch}: {error}"

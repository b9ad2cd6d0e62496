"""Maps equal Captum's, on every model and size, in both types of store."""

import os
import subprocess

import numpy as np
import pytest
import torch
import torchvision
import zarr
from support import DETERMINISTIC, METHODS, SCHEDULER, Sweep, captum_maps, variants
from support.peers.parity import methods_with, torch_model

# Model, size, and the layer that Grad-CAM looks at.
CASES = [
    ("rgb", 28, "resnet18", "layer4"),
    ("grey", 28, "resnet18", "layer2"),
    ("rgb", 64, "resnet50", "layer4"),
    ("rgb", 64, "densenet121", "features.denseblock3"),
    ("rgb", 64, "vgg11_bn", "features.24"),
    ("rgb", 64, "vit_s_16", "conv_proj"),
    ("rgb", 28, "vit_cifar", "conv_proj"),
]


def compare(run, model, methods, tolerance, logits_tolerance=1e-5):
    """Every map of the run's only store against Captum's on the store's own images."""
    (path,) = run.stores()
    store = zarr.open_group(path, mode="r")
    images, logits = (torch.from_numpy(store[name][:]) for name in ("images", "model_predictions"))
    if logits.shape[1] == 1:
        # What stands for the class that is not there, and for the one that is.
        logits = torch.cat([-logits, logits], 1)
    with torch.no_grad():
        assert torch.allclose(model(images), logits, atol=logits_tolerance)
    means = list((run.folder / "means").glob("*_mean.pt"))
    mean = torch.load(means[0], weights_only=True)[: images.shape[1]] if means else None
    seen = 0
    for method in methods:
        for key, params in variants(method):
            ours = torch.from_numpy(store["attributions"][key][:].astype(np.float32))
            theirs = captum_maps.maps(model, method["class"], params, images, logits.argmax(1), mean)
            peak = theirs.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
            # What is left of two logits after their subtraction has the rounding of the logits.
            error = float((((ours - theirs).abs() - 1e-6 * logits.abs().max()).clamp_min(0) / peak).max())
            assert error < tolerance, f"{key}: {error}"
            seen += 1
    assert seen == len(list(store["attributions"]))


@pytest.mark.parametrize(("flag", "size", "arch", "layer"), CASES)
def test_every_map_is_captums(sweep, inputs, flag, size, arch, layer):
    store = {"shard": 4, "dtype": "float32"}
    run = sweep(flag=flag, size=size, models=[arch], store=store, limit=2, semantics="captum")
    run.config["search_space"]["attribution_methods"] = methods_with(layer)
    run.run()
    # With eight lanes oneDNN's 1x1 convolutions add the pixels that a window leaves in another order than those of a whole image.
    tolerance = 1e-5 if "ATTRISWEEP_MAX_CPU_ISA" not in os.environ else 3e-5
    compare(run, torch_model(inputs, flag, size, arch), methods_with(layer), tolerance)


def test_captum_patched_is_captum_with_every_relu_a_module(sweep, inputs):
    store = {"shard": 4, "dtype": "float32"}
    run = sweep(size=64, models=["densenet121"], store=store, limit=4, semantics="captum_patched")
    methods = [method for method in methods_with("features") if method["class"] in ("GuidedBackprop", "Deconvolution", "DeepLift")]
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    compare(run, torch_model(inputs, "rgb", 64, "densenet121", every=True), methods, 1e-5)


def test_images_and_maps_are_captums_by_the_numbers_that_weights_want(sweep, inputs):
    wanted = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    run = sweep(size=28, store={"dtype": "float32", "shard": 4}, limit=4, normalize={**wanted, "model": "resnet18"})
    methods = [*METHODS, *(method for method in DETERMINISTIC if method["class"] in ("FeatureAblation", "Occlusion", "DeepLift"))]
    run.config["semantics"] = "captum"
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    pixels = np.load(inputs / "data" / "rgb.npz")["test_images"][:4]
    tensor = torchvision.transforms.Compose([torchvision.transforms.ToTensor(), torchvision.transforms.Normalize(**wanted)])
    expected = torch.stack([tensor(image) for image in pixels])
    store = zarr.open_group(run.stores()[0], mode="r")
    assert float((torch.from_numpy(store["images"][:]) - expected).abs().max()) < 1e-6
    compare(run, torch_model(inputs, "rgb", 28, "resnet18"), methods, 1e-5)
    assert "sound" in subprocess.run([SCHEDULER, "verify", "--config", run.file], capture_output=True, text=True, check=True).stdout
    # Numbers are facts of a store.
    run.config["normalize"]["std"] = 0.5
    assert "preprocessing is" in run.run(code=4).stderr


def test_half_precision_stores_are_off_by_their_rounding(sweep, inputs):
    run = sweep(size=64, models=["resnet18"], limit=4)
    run.config["search_space"]["attribution_methods"].append(DETERMINISTIC[1])
    run.config["search_space"]["attribution_methods"][-1] = {**DETERMINISTIC[1], "semantics": "captum"}
    run.run()
    # In half precision a value is off by 2^-11 of itself at most.
    compare(run, torch_model(inputs, "rgb", 64, "resnet18"), [*METHODS, DETERMINISTIC[1]], 5e-4)


STOCHASTIC = [
    {"name": "GradientShap", "class": "GradientShap", "params": {"baselines": "combined_zng", "n_samples": 1500, "n_noise_baselines": 200}},
    {"name": "DeepLIFT_SHAP", "class": "DeepLiftShap", "params": {"baselines": "combined_zng", "n_noise_baselines": 40}},
    {"name": "SmoothGrad", "class": "NoiseTunnel", "params": {"attribution_method": "InputXGradient", "nt_type": "smoothgrad", "nt_samples": 150, "stdevs": 0.2}},
    {"name": "VarGrad", "class": "NoiseTunnel", "params": {"attribution_method": "Saliency", "nt_type": "vargrad", "nt_samples": 150, "stdevs": 0.2}},
    {"name": "Lime", "class": "Lime", "params": {"patch_size": 14, "n_samples": 300, "baselines": "zero", "alpha": 0.0001}},
    {"name": "KernelShap", "class": "KernelShap", "params": {"patch_size": 14, "n_samples": 300, "baselines": "global_mean"}},
]


def test_the_mean_over_many_draws_is_captums(sweep, inputs):
    run = sweep(flag="rgb", size=28, models=["resnet18"], store={"dtype": "float32"}, limit=2, semantics="captum", batch_size=2)
    run.config["search_space"]["attribution_methods"] = STOCHASTIC
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    images, logits = (torch.from_numpy(store[name][:]) for name in ("images", "model_predictions"))
    model, mean = torch_model(inputs, "rgb", 28, "resnet18"), torch.load(run.folder / "means" / "rgb_mean.pt")
    torch.manual_seed(0)
    np.random.seed(0)
    for method in STOCHASTIC:
        (key, params), = variants(method)
        # Captum draws noise baselines anew with every call, one for each image of the batch.
        draws = {"DeepLiftShap": 20, "GradientShap": 40}.get(method["class"], 1)
        few = {**params, "n_samples": 40} if method["class"] == "GradientShap" else params
        theirs = sum(captum_maps.maps(model, method["class"], few, images, logits.argmax(1), mean, 2) for _ in range(draws)) / draws
        ours = torch.from_numpy(store["attributions"][key][:]).flatten()
        cosine = float(torch.nn.functional.cosine_similarity(ours, theirs.flatten(), dim=0))
        size = float(ours.norm() / theirs.norm())
        assert cosine > 0.94 and abs(size - 1) < 0.15, f"{key}: cosine {cosine}, size {size}"


def test_deltas_are_beside_the_maps_and_what_is_missing_is_told(sweep):
    run = sweep(size=28, store={"dtype": "float32"}, limit=4)
    run.config["search_space"]["attribution_methods"] = [
        {"name": "IG", "class": "IntegratedGradients", "params": {"n_steps": [2, 60]}},
        {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}},
        {"name": "Saliency", "class": "Saliency", "params": {}},
    ]
    told = run.run().stdout
    store = zarr.open_group(run.stores()[0], mode="r")
    assert set(store["convergence_delta"]) == {"IG_n_steps_2", "IG_n_steps_60", "DeepLIFT_baselines_global_mean"}
    deltas = {key: np.abs(store["convergence_delta"][key][:]) for key in store["convergence_delta"]}
    assert (deltas["DeepLIFT_baselines_global_mean"] < 1e-4 * np.abs(store["model_predictions"][:]).max()).all()
    assert deltas["IG_n_steps_60"].mean() < deltas["IG_n_steps_2"].mean()
    assert "IG_n_steps_2" in told and "n_steps" in told


class LeNet(torch.nn.Module):
    """As a notebook of Quantus has it, with names of its own."""

    def __init__(self, kernel, padding, features, classes=10):
        super().__init__()
        nn = torch.nn
        self.block1 = nn.Sequential(nn.Conv2d(1, 16, kernel, padding=padding), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.block2 = nn.Sequential(nn.Conv2d(16, 32, kernel, padding=padding), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(features, 128), nn.Dropout(), nn.ReLU(), nn.Linear(128, 64), nn.Dropout(), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x):
        return self.head(self.block2(self.block1(x)))


class CifarResNet(torchvision.models.ResNet):
    """torchvision's network with the stem for small images."""

    def __init__(self):
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2], num_classes=4)
        self.conv1, self.maxpool = torch.nn.Conv2d(1, 64, 3, padding=1, bias=False), torch.nn.Identity()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("lenet", lambda: LeNet(5, 2, 32 * 7 * 7)),
        ("lenet", lambda: LeNet(3, 0, 32 * 5 * 5)),
        ("resnet18", CifarResNet),
    ],
)
def test_small_networks_for_grey_images_are_found_by_the_shapes_of_their_weights(tmp_path, inputs, name, make):
    torch.manual_seed(3)
    model = make().train()
    with torch.no_grad():
        model(torch.rand(16, 1, 28, 28) * 2 - 1)
    (tmp_path / "in" / "weights" / "weights_grey").mkdir(parents=True)
    torch.save(model.eval().state_dict(), tmp_path / "in" / "weights" / "weights_grey" / f"{name}_28_1.pth")
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    run = Sweep(tmp_path, tmp_path / "in", flag="grey", models=[name], store={"dtype": "float32"}, limit=4, semantics="captum")
    methods = [*METHODS, {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}}]
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    compare(run, captum_maps.distinct_relus(model), methods, 2e-5)


def test_of_one_logit_every_map_is_captums_of_the_class_that_is_predicted(tmp_path, inputs):
    torch.manual_seed(3)
    model = LeNet(5, 2, 32 * 7 * 7, classes=1).train()
    with torch.no_grad():
        model(torch.rand(16, 1, 28, 28) * 2 - 1)
    model = model.eval()
    with np.load(inputs / "data" / "grey.npz") as file:
        images = torch.from_numpy(file["test_images"][:4, None]).float() / 127.5 - 1
    last = model.head[-1]
    with torch.no_grad():
        # Logits as large as a trained model's, of images of both classes.
        last.weight *= 30
        last.bias -= model(images).mean()
        assert set((model(images) > 0).flatten().tolist()) == {False, True}
    (tmp_path / "in" / "weights" / "weights_grey").mkdir(parents=True)
    torch.save(model.state_dict(), tmp_path / "in" / "weights" / "weights_grey" / "lenet_28_1.pth")
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    run = Sweep(tmp_path, tmp_path / "in", flag="grey", models=["lenet"], store={"dtype": "float32"}, limit=4, semantics="captum")
    methods = methods_with("block2.0")
    run.config["search_space"]["attribution_methods"] = methods
    assert "elsewhere class 0 and the logit with the other sign" in run.run().stderr
    subprocess.run([str(SCHEDULER), "verify", "--config", str(run.file)], check=True, capture_output=True)
    # The two logits -z and z are a model whose larger one is the class that is predicted.
    both = torch.nn.Linear(64, 2)
    with torch.no_grad():
        both.weight.copy_(torch.cat([-last.weight, last.weight]))
        both.bias.copy_(torch.cat([-last.bias, last.bias]))
    model.head[-1] = both
    compare(run, captum_maps.distinct_relus(model), methods, 2e-5)


def test_images_are_those_of_the_file_scaled_as_the_reference_scales_them(sweep, inputs):
    run = sweep(flag="grey", limit=5)
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    with np.load(inputs / "data" / "grey.npz") as file:
        pixels, labels = file["test_images"][:5], file["test_labels"][:5, 0]
    grey = torchvision.transforms.functional.normalize(torch.from_numpy(pixels)[:, None].float().div(255), [0.5], [0.5])
    assert np.array_equal(store["images"][:], grey.repeat(1, 3, 1, 1).numpy())
    assert np.array_equal(store["labels"][:], labels)
    assert np.array_equal(store["original_indices"][:], np.arange(5))
    for label in set(labels.tolist()):
        assert np.allclose(store[f"means/class_{label}"][:], store["images"][:][labels == label].mean(0), atol=1e-6)
    assert np.allclose(store["means/overall"][:], store["images"][:].mean(0), atol=1e-6)

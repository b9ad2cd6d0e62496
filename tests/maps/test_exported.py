"""Programs of torch.export: a user's own architecture in a sweep, compared with torch and Captum."""

import numpy as np
import pytest
import torch
import torchvision
import zarr
from support import METHODS, Sweep, captum_maps, make_dataset, variants
from support.peers.exported import DEEP_LIFT, SIZE, export, store_name
from torch import nn
from torch.nn import functional

# Those that hook no module: here modules are shared, and functions are called.
GRADIENTS = [method for method in METHODS if method["name"] in ("Saliency", "InputXGradient")]
GRADIENTS += [
    {"name": "IntegratedGradients", "class": "IntegratedGradients", "params": {"n_steps": [5], "baselines": "zero"}},
    {"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": 16, "baselines": "zero"}},
]


class Own(nn.Module):
    """What users write: functions and modules, one module twice, constants, arithmetic, attention."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.rand(1, 3, 1, 1))
        self.first = nn.Conv2d(3, 8, 3, padding="same")
        self.norm = nn.BatchNorm2d(8, eps=1e-3)
        self.shared = nn.Conv2d(8, 8, 3, padding=1)
        self.relu = nn.ReLU()
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        self.groups = nn.GroupNorm(2, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = functional.relu(self.norm(self.first((x - self.mean) / 0.5)))
        y = self.relu(self.shared(x))
        y = self.relu(self.shared(y))
        x = self.groups(1 - x + 2 * y * self.scale)
        x = functional.avg_pool2d(functional.interpolate(x, scale_factor=0.5, mode="bilinear"), 4)
        x = x * torch.sigmoid(x.mean((2, 3), keepdim=True))
        n, c, h, w = x.shape
        tokens = torch.cat([self.token.expand(n, -1, -1), x.view(n, c, h * w).transpose(1, 2)], 1)
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        left, right = tokens.chunk(2, -1)
        return self.head(torch.cat([functional.normalize(right, dim=-1), left], -1)[:, 0])


class Fourier(nn.Module):
    """Nobody has taught the graph this one."""

    def __init__(self):
        super().__init__()
        self.spectrum = nn.Sequential(nn.Conv2d(3, 4, 3))
        self.head = nn.Linear(4, 4)

    def forward(self, x):
        return self.head(torch.fft.rfft(self.spectrum(x)).abs().mean((2, 3)))


def tiny_vit():
    vit = torchvision.models.VisionTransformer(SIZE, 16, 2, 4, 32, 64, num_classes=4)
    # It starts with zeros: every logit would be the same.
    nn.init.normal_(vit.heads.head.weight)
    return vit


def of_torchvision(name):
    return lambda: torchvision.models.get_model(name, num_classes=4)


MODELS = {
    "efficientnet_b0": of_torchvision("efficientnet_b0"),
    "mobilenet_v3_small": of_torchvision("mobilenet_v3_small"),
    "convnext_tiny": of_torchvision("convnext_tiny"),
    "shufflenet_v2_x0_5": of_torchvision("shufflenet_v2_x0_5"),
    "tiny_vit": tiny_vit,
    "own": Own,
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 4)),
}
# Every operation of these has a rule of DeepLIFT, products and all; layer norms and attention have none.
COMPLETE = ["efficientnet_b0", "mobilenet_v3_small", "shufflenet_v2_x0_5", "linear"]


def settled(model):
    """The model with the statistics of some images in its batch norms, nothing dropped meanwhile."""
    for part in model.modules():
        part.train(isinstance(part, nn.BatchNorm2d))
    with torch.no_grad():
        for _ in range(2):
            model(torch.rand(4, 3, SIZE, SIZE) * 2 - 1)
    return model.eval()


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """One sweep over all models: the models, and the store of each."""
    folder = tmp_path_factory.mktemp("exported")
    make_dataset(folder / "data", "rgb", SIZE, 4)
    models = {}
    for name, build in MODELS.items():
        torch.manual_seed(3)
        models[name] = settled(build())
        export(models[name], folder / "weights" / "weights_rgb" / f"{name}_{SIZE}_1.pt2")
    run = Sweep(folder, folder, size=SIZE, models=MODELS, store={"shard": 4, "dtype": "float32"})
    run.config["search_space"]["attribution_methods"] = [*GRADIENTS, DEEP_LIFT]
    run.run()
    return models, {name: zarr.open_group(run.output / store_name(name), mode="r") for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_an_exported_model_predicts_and_is_explained_as_in_python(swept, name):
    model, store = swept[0][name], swept[1][name]
    images, logits = (torch.from_numpy(store[array][:]) for array in ("images", "model_predictions"))
    with torch.no_grad():
        theirs = model(images)
    assert float((theirs - logits).abs().max() / theirs.abs().max()) < 1e-5
    for method in GRADIENTS:
        for key, params in variants(method):
            ours = torch.from_numpy(store["attributions"][key][:])
            theirs = captum_maps.maps(model, method["class"], params, images, logits.argmax(1), None)
            peak = theirs.abs().amax((1, 2, 3), keepdim=True)
            # What is left of two logits after their subtraction has the rounding of the logits.
            error = ((ours - theirs).abs() - 1e-5 * logits.abs().max()).clamp_min(0)
            assert float((error / peak).max()) < 1e-4, key


def looked_at(model, module, images, targets):
    """Grad-CAM at a picture, by torch alone: `turn` gives it as [n, c, h, w]."""
    held = []
    hook = module.register_forward_hook(lambda _, __, value: held.append(value))
    logits = model(images)
    hook.remove()
    gradient, = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), held[0])
    return held[0].detach(), gradient


# The last picture of each, and one on the way whose channels come last.
LAYERS = {
    "efficientnet_b0": ["features"],
    "mobilenet_v3_small": ["features"],
    "shufflenet_v2_x0_5": ["conv5"],
    "regnet_y_400mf": ["trunk_output"],
    "convnext_tiny": ["features", "features.7.2.block.2"],
    "swin_t": ["norm", "features.3"],
}
LAST = {"channels last": ("features.7.2.block.2", "norm", "features.3")}


@pytest.mark.parametrize("name", LAYERS)
def test_grad_cam_looks_at_the_last_picture_and_knows_where_its_channels_are(program, name):
    run, file = program
    torch.manual_seed(3)
    model = settled(of_torchvision(name)())
    export(model, file)
    run.config["store"] = {"dtype": "float32"}
    cam = {"relu_attributions": False, "interpolate_mode": "nearest"}
    default = {"name": "Default", "class": "LayerGradCam", "params": cam}
    named = {"name": "Named", "class": "LayerGradCam", "params": {**cam, "layer": LAYERS[name]}}
    run.config["search_space"]["attribution_methods"] = [default, named]
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    images, targets = torch.from_numpy(store["images"][:]), torch.from_numpy(store["model_predictions"][:]).argmax(1)
    # The layer that was taken is told, in the store too.
    (taken,) = store.attrs["attrisweep"]["provenance"]["layers"].values()
    assert f"of mine looks at `{taken}`" in run.run("--check").stdout
    ours = dict(zip(["", *LAYERS[name]], [store["attributions"][key][:] for method in (default, named) for key, _ in variants(method)]))
    for layer, found in ours.items():
        value, gradient = looked_at(model, model.get_submodule(layer or LAYERS[name][0]), images, targets)
        if (layer or LAYERS[name][0]) in LAST["channels last"]:
            value, gradient = value.permute(0, 3, 1, 2), gradient.permute(0, 3, 1, 2)
        if not layer:
            # A module behind it that only turns it gives the same picture.
            assert torch.equal(looked_at(model, model.get_submodule(taken), images, targets)[0], value), taken
        small = (value * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True)
        theirs = functional.interpolate(small, (SIZE, SIZE), mode="nearest").expand_as(images).numpy()
        assert np.abs(found - theirs).max() < 1e-3 * np.abs(theirs).max(), layer


def test_a_transformer_has_no_last_picture_and_is_asked_for_one(program):
    run, file = program
    export(settled(tiny_vit()), file)
    run.config["search_space"]["attribution_methods"] = [{"name": "Cam", "class": "LayerGradCam", "params": {}}]
    told = run.run("--check", code=3).stderr
    assert "has no last map that is certain" in told and "name one: `conv_proj`" in told, told


@pytest.mark.parametrize("name", COMPLETE)
def test_deep_lift_is_complete_on_exported_models(swept, name):
    store = swept[1][name]
    delta, logits = store["convergence_delta"]["DeepLIFT_baselines_-0.5"][:], store["model_predictions"][:]
    assert np.abs(delta).max() < 1e-4 * np.abs(logits).max()


def test_integrated_gradients_of_a_linear_model_are_input_x_gradient(swept):
    maps = swept[1]["linear"]["attributions"]
    product, integrated = maps["InputXGradient"][:], maps["IntegratedGradients_baselines_zero_n_steps_5"][:]
    assert np.allclose(product, integrated, rtol=1e-5, atol=1e-7)


def test_a_program_of_a_fixed_batch_runs_for_any_number_of_images(program):
    run, file = program
    model = settled(torchvision.models.squeezenet1_1(num_classes=4))
    export(model, file, dynamic=False)
    run.config["limit"] = 1
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    with torch.no_grad():
        assert np.allclose(store["model_predictions"][:], model(torch.from_numpy(store["images"][:])), atol=1e-5)


def test_a_fixed_batch_that_hides_among_other_sizes_is_told_with_the_way_out(program):
    run, file = program
    export(settled(tiny_vit()), file, dynamic=False)
    told = run.run(code=3).stderr
    assert "does not have the images in front" in told
    assert "dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)" in told


def test_an_unknown_operator_is_told_with_its_module(program):
    run, file = program
    export(Fourier().eval(), file)
    told = run.run(code=3).stderr
    assert "the operator aten.fft_rfft.default (node `fft_rfft`, in the model itself, " in told
    assert 'docs/catalogue.md ("Operations")' in told


def test_a_program_for_images_of_another_size_is_told_with_both_sizes(program):
    run, file = program
    export(settled(of_torchvision("squeezenet1_1")()), file, size=128)
    assert "takes images of 128x128 px only, those of `rgb` have 64x64 px" in run.run(code=3).stderr


def test_an_unknown_model_without_a_program_is_told_where_one_would_lie(program):
    run, file = program
    told = run.run(code=3).stderr
    assert "unknown model `mine`, known: " in told and f"(a program of torch.export may have any name: `{file}`)" in told


def test_a_damaged_program_is_told(program):
    run, file = program
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "not an archive of torch.export.save" in run.run(code=3).stderr

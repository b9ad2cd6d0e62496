"""Maps equal those of zennit and of pytorch-grad-cam, which know nothing of this project, nor of Captum."""

import numpy as np
import pytest
import pytorch_grad_cam
import torch
import zarr
import zennit.composites
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from support import architecture, variants
from zennit.layer import Sum
from zennit.rules import Norm
from zennit.torchvision import ResNetCanonizer, VGGCanonizer
from zennit.types import AvgPool

SIZE = 64
# zennit's name of a composite, and ours.
COMPOSITES = {
    "epsilon_plus": zennit.composites.EpsilonPlus,
    "epsilon_plus_flat": zennit.composites.EpsilonPlusFlat,
    "epsilon_alpha2_beta1": zennit.composites.EpsilonAlpha2Beta1,
    "epsilon_alpha2_beta1_flat": zennit.composites.EpsilonAlpha2Beta1Flat,
    "epsilon_gamma_box": lambda **options: zennit.composites.EpsilonGammaBox(low=-1.0, high=1.0, **options),
}
CANONIZERS = {"resnet18": ResNetCanonizer, "vgg11_bn": VGGCanonizer}
CAMS = ["GradCAMPlusPlus", "XGradCAM", "LayerCAM", "HiResCAM", "GradCAMElementWise", "EigenCAM", "EigenGradCAM", "AblationCAM"]


def model_of(inputs, arch):
    """torchvision's model as it is: zennit and pytorch-grad-cam hook its modules."""
    state = torch.load(inputs / "weights" / "weights_rgb" / f"{arch}_{SIZE}_1.pth", weights_only=True)["net"]
    model = architecture(arch, SIZE, 4)
    model.load_state_dict(state)
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    return model.double().eval()


def by_zennit(model, arch, composite, images, targets, **options):
    """Relevance of the images, of one at each target."""
    # zennit moves denominators by 1e-6 at sums and poolings too, where ours has none.
    exact = [(kind, Norm(stabilizer=1e-12)) for kind in (AvgPool, Sum)]
    made = COMPOSITES[composite](canonizers=[CANONIZERS[arch]()], layer_map=exact, **options)
    with made.context(model) as hooked:
        for module in hooked.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                # Statistics of a merged norm are 0 and 1, but zennit 0.5 leaves what is added to the variance.
                module.eps = 1e-30
        x = images.clone().requires_grad_()
        logits = hooked(x)
        (relevance,) = torch.autograd.grad(logits, x, torch.eye(logits.shape[1], dtype=x.dtype)[targets])
    return relevance


@pytest.mark.parametrize("arch", CANONIZERS)
def test_relevance_by_every_composite_is_zennits(sweep, inputs, arch):
    # In double precision: a ReLU near zero may flip in single precision, and with it a thousandth of the peak.
    run = sweep(size=SIZE, models=[arch], store={"shard": 4, "dtype": "float32"}, limit=3, precision="float64")
    one = {"composite": list(COMPOSITES), "start": "one"}
    without = {"composite": ["epsilon_plus", "epsilon_gamma_box"], "bias": "ignored", "start": "one"}
    methods = [{"name": "LRP", "class": "LRP", "params": one}, {"name": "Without", "class": "lrp", "params": without}]
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    images, targets = torch.from_numpy(store["images"][:]).double(), torch.from_numpy(store["model_predictions"][:]).argmax(1)
    seen = 0
    for method in methods:
        options = {"zero_params": "bias"} if "bias" in method["params"] else {}
        for key, params in variants(method):
            theirs = by_zennit(model_of(inputs, arch), arch, params["composite"], images, targets, **options).numpy()
            ours = store["attributions"][key][:]
            error = np.abs(ours - theirs).max() / np.abs(theirs).max()
            assert error < 2e-6, f"{key}: {error}"
            seen += 1
    assert seen == 7


def test_rules_of_ones_own_come_before_those_of_the_composite(sweep, inputs):
    run = sweep(size=SIZE, models=["resnet18"], store={"shard": 4, "dtype": "float32"}, limit=2)
    own = [{"conv1": "flat"}, {"layer*": "z_plus"}, {"fc": "epsilon 1e-6"}]
    methods = [
        {"name": "Own", "class": "LRP", "params": {"composite": "epsilon", "rules": own}},
        {"name": "Plus", "class": "LRP", "params": {"composite": "epsilon_plus_flat"}},
    ]
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    (own,) = [key for key in store["attributions"] if key.startswith("Own_composite_epsilon_rules_")]
    assert np.array_equal(store["attributions"][own][:], store["attributions"]["Plus_composite_epsilon_plus_flat"][:])
    assert "float16" not in run.run("--check").stderr
    run.config["store"]["dtype"] = "float16"
    run.output = run.folder / "half"
    run.config["paths"]["final_output_dir"] = str(run.output)
    told = run.run("--check").stderr
    assert f"maps of `{own}`, `Plus_composite_epsilon_plus_flat` share out one score" in told and "`store: {dtype: float32}`" in told
    methods[0]["params"]["rules"] = [{"conv1": "flatt"}]
    assert "`conv1`: unknown rule `flatt`, expected one of `epsilon`, `gamma`" in run.run("--check", code=3).stderr
    methods[0]["params"] = {"rules": "flat"}
    assert "expected a list of modules, each with its rule" in run.run("--check", code=3).stderr


class GradCAMPlusPlus(pytorch_grad_cam.GradCAMPlusPlus):
    """Without what the library's 1e-6 does to gradients whose squares are no larger: with gradients a factor up and values as much down,
    weights are the same but for the factor."""

    def get_cam_weights(self, input_tensor, target_layers, target_category, activations, grads):
        return super().get_cam_weights(input_tensor, target_layers, target_category, activations / 1e4, grads * 1e4)


def shown(small):
    """What pytorch-grad-cam makes of the map of a layer `[n, h, w]`."""
    small = np.maximum(small, 0)
    small = small - small.min((1, 2), keepdims=True)
    small = torch.from_numpy(small / (1e-7 + small.max((1, 2), keepdims=True)))[:, None]
    large = torch.nn.functional.interpolate(small, (SIZE, SIZE), mode="bilinear")[:, 0].numpy()
    large = large - large.min((1, 2), keepdims=True)
    return large / (1e-7 + large.max((1, 2), keepdims=True))


def test_class_activation_maps_are_those_of_pytorch_grad_cam(sweep, inputs):
    run = sweep(size=SIZE, models=["resnet18"], store={"shard": 4, "dtype": "float32"}, limit=3)
    params = {"layer": "layer3", "relu_attributions": False, "interpolate_mode": "nearest"}
    methods = [{"name": name, "class": name, "params": params} for name in CAMS]
    shown_params = {"layer": "layer3"}
    methods += [{"name": "Shown", "class": "gradcam++", "params": shown_params}]
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    images, targets = torch.from_numpy(store["images"][:]), torch.from_numpy(store["model_predictions"][:]).argmax(1)
    model = model_of(inputs, "resnet18")
    asked = [ClassifierOutputTarget(int(target)) for target in targets]
    maps = {}
    for method in methods:
        ((key, _),) = variants(method)
        ours = store["attributions"][key][:].astype(np.float64)
        assert np.array_equal(ours[:, 0], ours[:, 2])
        if method["name"] == "Shown":
            assert np.abs(shown(ours[:, 0]) - maps["GradCAMPlusPlus"]).max() < 1e-5
            continue
        library = GradCAMPlusPlus if method["class"] == "GradCAMPlusPlus" else getattr(pytorch_grad_cam, method["class"])
        with library(model=model, target_layers=[model.layer3]) as cam:
            theirs = cam(input_tensor=images.double(), targets=asked)
        step = SIZE // model.layer3(torch.zeros(1, 128, 8, 8, dtype=torch.float64)).shape[-1]
        small = ours[:, 0, step // 2 :: step, step // 2 :: step]
        maps[method["name"]] = shown(small)
        # Which sign an eigenvector has is the machine's choice there.
        signs = [1, -1] if method["class"].startswith("Eigen") else [1]
        error = max(min(np.abs(shown(sign * small[at : at + 1])[0] - theirs[at]).max() for sign in signs) for at in range(3))
        assert error < 1e-4, f"{method['class']}: {error}"


def test_maps_of_tokens_are_those_of_pytorch_grad_cam(sweep, inputs):
    run = sweep(size=SIZE, models=["vit_s_16"], store={"shard": 4, "dtype": "float32"}, limit=3)
    layer = "encoder.layers.encoder_layer_11.ln_1"
    params = {"layer": layer, "relu_attributions": False, "interpolate_mode": "nearest"}
    methods = [{"name": name, "class": name, "params": params} for name in ("HiResCAM", "LayerCAM", "XGradCAM")]
    run.config["search_space"]["attribution_methods"] = methods
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    images, targets = torch.from_numpy(store["images"][:]), torch.from_numpy(store["model_predictions"][:]).argmax(1)
    model = model_of(inputs, "vit_s_16")
    asked = [ClassifierOutputTarget(int(target)) for target in targets]
    for method in methods:
        ((key, _),) = variants(method)
        small = store["attributions"][key][:, 0, 8::16, 8::16].astype(np.float64)
        picture = {"reshape_transform": lambda tokens: tokens[:, 1:].reshape(-1, 4, 4, 384).permute(0, 3, 1, 2)}
        with getattr(pytorch_grad_cam, method["class"])(model=model, target_layers=[model.get_submodule(layer)], **picture) as cam:
            theirs = cam(input_tensor=images.double(), targets=asked)
        error = np.abs(shown(small) - theirs).max()
        assert error < 1e-3, f"{method['class']}: {error}"

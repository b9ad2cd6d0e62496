"""Captum on torchvision's models, as users drive it: the second implementation of every method."""

import captum.attr
import torch
import torchvision
from captum._utils.models.linear_model import SkLearnLasso
from captum.attr import LayerAttribution


def distinct_relus(model, every=False):
    """Captum hooks modules: one ReLU used twice in a block must become two, none of them in place.

    With `every`, DenseNet's last ReLU, a function, becomes a module too.
    """

    def basic(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu2(y + (self.downsample(x) if self.downsample else x))

    def bottleneck(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu3(y + (self.downsample(x) if self.downsample else x))

    def dense(self, x):
        y = torch.nn.functional.adaptive_avg_pool2d(self.last_relu(self.features(x)), (1, 1))
        return self.classifier(torch.flatten(y, 1))

    forwards = {torchvision.models.resnet.BasicBlock: basic, torchvision.models.resnet.Bottleneck: bottleneck}
    for block in model.modules():
        if isinstance(block, torch.nn.ReLU):
            block.inplace = False
        if type(block) in forwards:
            block.relu1, block.relu2, block.relu3 = (torch.nn.ReLU() for _ in range(3))
            block.forward = forwards[type(block)].__get__(block)
    if every and isinstance(model, torchvision.models.DenseNet):
        model.last_relu = torch.nn.ReLU()
        model.forward = dense.__get__(model)
    return model.eval()


def grid(x, patch):
    """Captum's feature mask: patches in rows, the last row and column possibly smaller."""
    height, width = x.shape[2:]
    rows, columns = torch.arange(height) // patch, torch.arange(width) // patch
    mask = rows[:, None] * (int(columns.max()) + 1) + columns[None]
    # ShapleyValueSampling wants a mask with memory of its own.
    return mask.expand(1, x.shape[1], -1, -1).contiguous().to(x.device)


def baseline(x, params, mean):
    """`baselines` of a config as Captum takes it."""
    word = params.get("baselines", "zero")
    if word == "combined_zng":
        return torch.cat([torch.zeros_like(x), torch.randn(x.shape).to(x.device), mean.expand_as(x)])
    if word == "global_mean":
        return mean.expand_as(x).contiguous()
    return torch.zeros_like(x)


def explain(model, name, params, x, target, mean):
    """Maps of `x` by Captum's class `name`, with the parameters of a config."""
    if name == "NoiseTunnel":
        inner = getattr(captum.attr, params["attribution_method"])(model)
        options = {key: params[key] for key in ("nt_type", "nt_samples", "stdevs")}
        return captum.attr.NoiseTunnel(inner).attribute(x, target=target, **options)
    if name in ("LayerGradCam", "GuidedGradCam"):
        layer = model.get_submodule(params["layer"])
        if name == "GuidedGradCam":
            return captum.attr.GuidedGradCam(model, layer).attribute(x, target=target)
        cam = captum.attr.LayerGradCam(model, layer).attribute(x, target=target, relu_attributions=params["relu_attributions"])
        return LayerAttribution.interpolate(cam, x.shape[2:], params["interpolate_mode"]).expand_as(x)
    if name == "Lime":
        method = captum.attr.Lime(model, interpretable_model=SkLearnLasso(alpha=params["alpha"]))
    else:
        method = getattr(captum.attr, name)(model)
    options = {"target": target}
    if name not in ("Saliency", "InputXGradient", "GuidedBackprop", "Deconvolution"):
        options["baselines"] = baseline(x, params, mean)
    if name in ("FeatureAblation", "Lime", "KernelShap", "ShapleyValueSampling"):
        options["feature_mask"] = grid(x, params["patch_size"])
    if name == "Occlusion":
        window = params.get("sliding_window_shapes", 2 * params.get("patch_size", 0))
        stride = params.get("strides", params.get("patch_size", 1))
        options |= {"sliding_window_shapes": (x.shape[1], window, window), "strides": (x.shape[1], stride, stride)}
    options |= {key: params[key] for key in ("n_steps", "method", "n_samples", "stdevs", "internal_batch_size") if key in params}
    return method.attribute(x, **options)


def maps(model, name, params, images, targets, mean, batch=4):
    """Maps of all `images`, `batch` at a time."""
    parts = [explain(model, name, params, x, t, mean) for x, t in zip(images.split(batch), targets.split(batch))]
    return torch.cat(parts).detach()

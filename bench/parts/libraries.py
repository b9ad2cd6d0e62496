"""zennit and pytorch-grad-cam on the variants that Captum lacks, as their users drive them."""

import pytorch_grad_cam
import torch
import zennit.composites
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from zennit.torchvision import ResNetCanonizer

COMPOSITES = {
    "epsilon_plus": zennit.composites.EpsilonPlus,
    "epsilon_gamma_box": lambda **options: zennit.composites.EpsilonGammaBox(low=-1.0, high=1.0, **options),
    "epsilon_alpha2_beta1_flat": zennit.composites.EpsilonAlpha2Beta1Flat,
}


def explain(model, name, params, x, target):
    """Maps of `x` by the method `name`; those of pytorch-grad-cam are scaled to 0 to 1, each by itself."""
    if name == "LRP":
        made = COMPOSITES[params["composite"]](canonizers=[ResNetCanonizer()])
        with made.context(model) as hooked:
            x = x.clone().requires_grad_()
            logits = hooked(x)
            return torch.autograd.grad(logits, x, torch.eye(logits.shape[1])[target])[0]
    targets = [ClassifierOutputTarget(int(one)) for one in target]
    with getattr(pytorch_grad_cam, name)(model=model, target_layers=[model.get_submodule(params["layer"])]) as cam:
        return torch.from_numpy(cam(input_tensor=x, targets=targets))[:, None].expand(-1, x.shape[1], -1, -1)

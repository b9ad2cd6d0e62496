"""Captum on torchvision's models, as users drive it: the second implementation of every method."""

import captum.attr
import torch
import torchvision


def distinct_relus(model):
    """Captum hooks modules: one ReLU used twice in a block must become two, none of them in place."""

    def basic(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu2(y + (self.downsample(x) if self.downsample else x))

    def bottleneck(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu3(y + (self.downsample(x) if self.downsample else x))

    forwards = {torchvision.models.resnet.BasicBlock: basic, torchvision.models.resnet.Bottleneck: bottleneck}
    for block in model.modules():
        if isinstance(block, torch.nn.ReLU):
            block.inplace = False
        if type(block) in forwards:
            block.relu1, block.relu2, block.relu3 = (torch.nn.ReLU() for _ in range(3))
            block.forward = forwards[type(block)].__get__(block)
    return model.eval()


def maps(model, key, images, targets):
    """Maps of the variant called `key`, four images at a time."""
    name, *parameters = key.split("_baselines_zero_n_steps_")
    method = getattr(captum.attr, name)(model)
    options = {"n_steps": int(parameters[0]), "baselines": 0} if parameters else {}
    parts = [method.attribute(x, target=t, **options) for x, t in zip(images.split(4), targets.split(4))]
    return torch.cat(parts).detach()

"""Datasets and weights, made at random."""

import numpy as np
import torch
import torchvision


def make_images(n, size, channels, seed):
    """Smooth random images with some grain: gradients of every sign, pixels of every value."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((n, channels, size // 7, size // 7), dtype=np.float32))
    grain = torch.from_numpy(rng.random((n, channels, size, size), dtype=np.float32))
    fine = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic") * 0.9 + grain * 0.1
    pixels = (fine.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).numpy()
    return pixels[..., 0] if channels == 1 else pixels


def make_dataset(folder, flag, size, n, channels=3, splits=("train", "val", "test"), seed=0):
    name = f"{flag}.npz" if size == 28 else f"{flag}_{size}.npz"
    members = {}
    for index, split in enumerate(splits):
        members[f"{split}_images"] = make_images(n, size, channels, seed + index)
        members[f"{split}_labels"] = np.random.default_rng(index).integers(0, 4, (n, 1)).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / name, **members)


def architecture(arch, size, classes):
    """torchvision's model, or one of its class in another size."""
    if arch in ("vit_s_16", "vit_cifar"):
        patch, layers = (16, 12) if arch == "vit_s_16" else (4, 6)
        sizes = {"image_size": size, "patch_size": patch, "num_layers": layers, "num_heads": 6}
        return torchvision.models.VisionTransformer(**sizes, hidden_dim=384, mlp_dim=4 * 384, num_classes=classes)
    if arch == "vit_b_16":
        return torchvision.models.vit_b_16(num_classes=classes, image_size=size)
    if arch.startswith("vgg"):
        # torchvision's two hidden layers of 4096 are most of its weights; narrower ones load all the same.
        model = torchvision.models.get_model(arch, num_classes=classes)
        linear = torch.nn.Linear
        model.classifier[0], model.classifier[3], model.classifier[6] = linear(512 * 49, 96), linear(96, 64), linear(64, classes)
        return model
    return torchvision.models.get_model(arch, num_classes=classes)


def make_model(arch, size, classes=4, seed=0):
    """Random weights with the statistics of real images in its batch norms."""
    torch.manual_seed(seed)
    model = architecture(arch, size, classes).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torchvision.models.VisionTransformer):
            # Zero in a new model: all logits would be equal.
            torch.nn.init.normal_(module.heads.head.weight, std=0.1)
    side = size if arch.startswith("vit") else 64
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(8, 3, side, side) * 2 - 1)
    return model.eval()


def make_weights(folder, flag, arch, size, **options):
    path = folder / f"weights_{flag}" / f"{arch}_{size}_1.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"net": make_model(arch, size, **options).state_dict()}, path)
    return path

"""Maps equal Captum's, on every model and size, in both types of store."""

import captum_maps
import numpy as np
import pytest
import torch
import torchvision
import zarr


@pytest.mark.parametrize(
    ("flag", "size", "arch"), [("rgb", 28, "resnet18"), ("grey", 28, "resnet18"), ("rgb", 64, "resnet18"), ("rgb", 64, "resnet50")]
)
# In half precision a value is off by 2^-11 of itself at most.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float16", 5e-4)])
def test_every_map_is_captums(sweep, inputs, flag, size, arch, dtype, tolerance):
    run = sweep(flag=flag, size=size, models=[arch], store={"shard": 4, "dtype": dtype}, limit=6)
    run.run()
    (path,) = run.stores()
    store = zarr.open_group(path, mode="r")
    state = torch.load(inputs / "weights" / f"weights_{flag}" / f"{arch}_{size}_1.pth", weights_only=True)["net"]
    model = torchvision.models.get_model(arch, num_classes=4)
    model.load_state_dict(state)
    model = captum_maps.distinct_relus(model)
    images, logits = (torch.from_numpy(store[name][:]) for name in ("images", "model_predictions"))
    with torch.no_grad():
        assert torch.allclose(model(images), logits, atol=1e-5)
    keys = list(store["attributions"])
    assert len(keys) == 6
    for key in keys:
        ours = torch.from_numpy(store["attributions"][key][:].astype(np.float32))
        theirs = captum_maps.maps(model, key, images, logits.argmax(1))
        peak = theirs.abs().amax((1, 2, 3), keepdim=True)
        assert float(((ours - theirs).abs() / peak).max()) < tolerance, key


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

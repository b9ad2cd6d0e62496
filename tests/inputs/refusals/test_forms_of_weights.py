"""Weights in every form in which users of PyTorch save them, and which of several sets is taken."""

import pickle
import shutil
import subprocess

import numpy as np
import torch
from safetensors.torch import save_file
from support import METHODS, SCHEDULER, make_model


def test_of_several_sets_of_weights_the_references_is_taken_and_none_is_guessed(own):
    run, _, weights = own
    state, other = make_model("resnet18", 28).state_dict(), make_model("resnet18", 28, seed=8).state_dict()
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    expected = run.digests()
    torch.save({"ema": other, "net": state}, weights)
    run.output = run.folder / "again"
    run.config["paths"]["final_output_dir"] = str(run.output)
    run.run()
    changed = {path for path, digest in run.digests().items() if expected[path] != digest}
    # The root attributes, and their copy, tell the digest of the file, which is another one.
    store = "dataset-rgb_model-resnet18_noise-clean_split-test.zarr"
    assert changed == {f"{store}/zarr.json", f"{store}/attributions/zarr.json"}
    torch.save({"ema": other, "state_dict": state}, weights)
    assert "it holds several sets of weights: ema, state_dict; choose one in the config" in run.run(code=3).stderr


def test_a_word_in_the_config_chooses_the_average_and_its_store_is_no_store_of_the_other_weights(own):
    run, _, weights = own
    state, other = make_model("resnet18", 28).state_dict(), make_model("resnet18", 28, seed=8).state_dict()
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    saliency = "dataset-rgb_model-resnet18_noise-clean_split-test.zarr/attributions/Saliency/c.0.0.0.0"
    torch.save(other, weights)
    run.run()
    expected = run.digests()[saliency]
    shutil.rmtree(run.output)
    # As torchvision's reference trains, and with weights of the reference scripts' own name beside.
    torch.save({"net": state, "model_ema": {f"module.{name}": tensor for name, tensor in other.items()}}, weights)
    run.config["weights"] = {"set": "model_ema"}
    run.run()
    assert run.digests()[saliency] == expected
    assert "sound" in run.run("--check").stdout
    subprocess.run([str(SCHEDULER), "verify", "--config", str(run.file)], check=True)
    del run.config["weights"]
    assert 'weights_set is "model_ema" in the store and not said in the config' in run.run(code=4).stderr
    run.config["weights"] = {"set": {"resnet18": "net"}}
    assert 'weights_set is "model_ema" in the store and "net" in the config' in run.run(code=4).stderr
    run.config["weights"] = {"set": "ema"}
    assert "its sets of weights: model_ema, net; choose one in the config" in run.run(code=3).stderr


FORMS = ["plain", "nested", "parallel", "legacy", "safetensors", "tuple", "pairs", "legacy tuple", "arrays", "pickled arrays", "whole"]


def test_weights_are_read_in_every_form_in_which_pytorch_users_save_them(own):
    run, _, weights = own
    model = make_model("resnet18", 28)
    state = model.state_dict()
    # Fortran's order is among what users of numpy have.
    arrays = {name: np.asfortranarray(tensor.numpy()) for name, tensor in state.items()}
    saved = {
        "nested": {"state_dict": state, "epoch": 3},
        "parallel": {f"module.{name}": tensor for name, tensor in state.items()},
        "tuple": (state, 7),
        "legacy tuple": (state, 7),
        "pairs": [(name, tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor) for name, tensor in state.items()],
        "arrays": arrays,
        "whole": model,
    }
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    saliency = "dataset-rgb_model-resnet18_noise-clean_split-test.zarr/attributions/Saliency/c.0.0.0.0"
    run.run()
    expected = run.digests()[saliency]
    for form in FORMS:
        weights.unlink()
        shutil.rmtree(run.output)
        if form == "safetensors":
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, weights.with_suffix(".safetensors"))
        elif form == "pickled arrays":
            weights.write_bytes(pickle.dumps({"model": arrays}, protocol=5))
        else:
            torch.save(saved.get(form, state), weights, _use_new_zipfile_serialization="legacy" not in form)
        run.run()
        assert run.digests()[saliency] == expected, form
        if form == "safetensors":
            weights.with_suffix(".safetensors").rename(weights)

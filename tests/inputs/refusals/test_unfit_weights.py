"""Weights that are refused: hostile, of another model, damaged, or of numbers that only Python can read."""

import os
import pickle
import subprocess

import pytest
import torch
from safetensors.torch import save_file
from support import make_model


def test_a_pickle_that_would_run_a_program_runs_nothing(own):
    run, _, weights = own
    proof = run.folder / "executed"

    class Hostile:
        def __reduce__(self):
            return (os.system, (f"touch {proof}",))

    torch.save({"net": make_model("resnet18", 28).state_dict(), "extra": Hostile()}, weights)
    subprocess.run(run.command(), capture_output=True, timeout=120)
    assert not proof.exists()
    weights.write_bytes(pickle.dumps(Hostile()))
    assert "cannot read weights" in run.run(code=3).stderr
    assert not proof.exists()


def test_weights_of_another_architecture_are_told_tensor_by_tensor(own):
    run, _, weights = own
    torch.save({"net": make_model("resnet50", 28).state_dict()}, weights)
    told = run.run(code=3).stderr
    assert "are not those of resnet18" in told
    assert "layer1.0.conv1.weight [64, 64, 1, 1] instead of [64, 64, 3, 3]" in told
    assert "unexpected: layer1.0.bn3" in told


def test_a_missing_tensor_and_a_nan_in_the_weights_are_told_by_name(own):
    run, _, weights = own
    state = make_model("resnet18", 28).state_dict()
    del state["layer2.0.bn1.weight"]
    state["layer3.0.conv1.weight"][0] = float("nan")
    torch.save(state, weights)
    told = run.run(code=3).stderr
    assert "1 tensors missing: layer2.0.bn1.weight" in told
    assert "1 tensors with NaN or infinity: layer3.0.conv1.weight" in told


def test_a_flipped_bit_in_the_weights_is_told_with_the_tensor(own):
    run, _, weights = own
    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    weights.write_bytes(damaged)
    told = run.run(code=3).stderr
    assert "resnet18_28_1.pth`: `" in told, told


def test_what_only_python_can_read_is_told_with_the_lines_that_make_weights_of_it(own):
    run, _, weights = own
    model = make_model("resnet18", 28)
    torch.save(model, weights, _use_new_zipfile_serialization=False)
    told = run.run(code=3).stderr
    assert "it holds a whole pickled model" in told
    # The lines themselves make weights that are read.
    weights.rename(weights.with_name(f"old_{weights.name}"))
    load, save = (line for line in told.split("`") if line.startswith(("model = ", "torch.save(")))
    here = os.getcwd()
    os.chdir(weights.parent)
    exec(f"{load}\n{save}", {"torch": torch})
    os.chdir(here)
    run.run("--check")
    torch.jit.save(torch.jit.trace(model, torch.zeros(2, 3, 28, 28)), weights)
    told = run.run(code=3).stderr
    assert "it is a TorchScript archive" in told and 'model = torch.jit.load("old_resnet18_28_1.pth"' in told
    torch.save({name: tensor.numpy().astype(">f4") for name, tensor in model.state_dict().items()}, weights)
    assert 'torch.from_numpy(array.astype("float32"))' in run.run(code=3).stderr


def narrow(tensor, how):
    """A weight as it is saved where memory is short."""
    if tensor.dim() != 4:
        return tensor
    return torch.quantize_per_tensor(tensor, 0.01, 0, torch.qint8) if how == "quantised" else tensor.to(torch.float8_e4m3fn)


@pytest.mark.parametrize("how", ["quantised", "float8"])
def test_numbers_of_8_bits_are_told_with_the_lines_that_make_single_precision_of_them(own, how):
    run, _, weights = own
    torch.save({name: narrow(tensor, how) for name, tensor in make_model("resnet18", 28).state_dict().items()}, weights)
    told = run.run(code=3).stderr
    assert "it holds numbers of the type `torch." in told and "unsupported" not in told, told
    old = weights.with_name(f"old_{weights.name}")
    weights.rename(old)
    load, save = (line for line in told.split("`") if line.startswith(("state = ", "torch.save(")))
    scope = {"torch": torch}
    exec(load.replace(f"old_{weights.name}", str(old)), scope)
    exec(save.replace(weights.name, str(weights)), scope)
    run.run("--check")


def test_weights_that_are_whole_numbers_are_refused_as_nobody_knows_their_scales(own):
    run, _, weights = own
    state = make_model("resnet18", 28).state_dict()
    save_file({name: (127 * tensor).to(torch.int8) if name == "conv1.weight" else tensor.contiguous() for name, tensor in state.items()}, weights.with_suffix(".safetensors"))
    weights.unlink()
    told = run.run("--check", code=3).stderr
    assert "1 tensors of whole numbers (quantised; save the weights as they were before that): conv1.weight (Int8)" in told, told

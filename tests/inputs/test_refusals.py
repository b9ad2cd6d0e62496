"""Bad input: one clear message, the documented exit code, and nothing harmed."""

import contextlib
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import zipfile

import numpy as np
import pytest
import torch
from support import METHODS, ROOT, SCHEDULER, Sweep, make_dataset, make_model, make_weights, signature, wait_for
from safetensors.torch import save_file


def change(config, path, value):
    *parents, last = path.split(".")
    for parent in parents:
        config = config[int(parent) if parent.isdigit() else parent]
    config[last] = value


# Each: where, what is put there, what the message must say.
WRONG = [
    ("search_space.splitz", ["test"], "search_space.splitz: unknown key, did you mean `splits`?"),
    ("search_space.splits", ["tset"], "search_space.splits[0]: found `tset`, expected `train` or `val` or `test`"),
    ("search_space.model_flags", ["resnet19"], "unknown model `resnet19`, did you mean `resnet18`?"),
    ("search_space.data_flags", ["nowhere"], "no data for `nowhere` at 28 px: expected `"),
    ("search_space.image_size", 7, "search_space.image_size: found `7`, expected a whole number from 8 to 1024"),
    ("search_space.noise_conditions.0.type", "gausian", "unknown noise `gausian`, did you mean `gaussian`?"),
    ("search_space.noise_conditions.0.params", {"std": 1}, "noise_conditions[0].params.std: unknown parameter, none is taken"),
    ("search_space.attribution_methods.0.class", "Salient", "unknown method `Salient`, did you mean `Saliency`?"),
    ("search_space.attribution_methods.4.params", {"n_steps": [50, 0]}, "params.n_steps: found `0`, expected a whole number from 1"),
    ("search_space.attribution_methods.4.params", {"n_step": 5}, "params.n_step: unknown parameter, did you mean `n_steps`?"),
    ("search_space.attribution_methods.4.params", {"n_steps": []}, "params.n_steps: an empty list, expected a value or several"),
    ("search_space.data_flags", ["rgb", "rgb"], "search_space.data_flags: the item in line"),
    ("devices", [0, 0], "devices: found a list of 2, expected each GPU once"),
    ("search_space.attribution_methods", [METHODS[0], METHODS[0]], "the variant `Saliency` is there twice"),
    ("devices", {"tpu": 1}, "devices: found a mapping, expected `auto`, `cpu`, `{cpu: N}` or a list of GPU indices"),
    ("store", {"dtype": "int8"}, "store.dtype: found `int8`, expected `float16` or `float32`"),
    ("semantics", "captun", "semantics: found `captun`, expected `exact` or `captum` or `captum_patched`"),
    ("search_space.attribution_methods.1.semantics", 1, "attribution_methods[1].semantics: found `1`, expected `exact` or"),
    ("preflight_check", {"results_path": "config.yml"}, "preflight_check.results_path: found `config.yml`, expected a file `*.json`"),
    ("preflight_check", {"results_path": "."}, "preflight_check.results_path: found `.`, expected a file `*.json`"),
    ("noise_conditions", [], "noise_conditions: unknown key here, it belongs below `search_space`"),
    ("paths.cifar_weights_root", "w", "paths.cifar_weights_root: unknown key, known: imagenet_weights_root, weights_root, medmnist_weights_root, "),
    ("search_space.attribution_methods.4.params", {"n_steps": "50"}, "params.n_steps: found `'50'` (in quotes: a text), expected"),
    ("seed", -1, "seed: found `-1`, expected a whole number of at least 0"),
    ("search_space.splits", "test", "search_space.splits: found `test`, expected a list, as in `[test]`"),
    ("paths.medmnist_weights_root", None, "paths.medmnist_weights_root: missing, expected a path"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_each_mistake_in_a_config_is_told_with_file_line_and_what_was_expected(sweep, path, value, message):
    run = sweep()
    change(run.config, path, value)
    told = run.run(code=3).stderr
    assert message in told
    assert told.count("config.yml") >= 2
    assert not run.output.exists()


def test_all_mistakes_are_told_at_once(sweep):
    run = sweep()
    for path, value, _ in (WRONG[0], WRONG[2], WRONG[5], WRONG[8], WRONG[15]):
        change(run.config, path, value)
    told = run.run(code=3).stderr
    assert told.startswith("error: 5 mistakes in ")
    for _, _, message in (WRONG[0], WRONG[2], WRONG[5], WRONG[8], WRONG[15]):
        assert message in told


def test_what_only_the_method_or_the_model_can_find_is_told_before_anything_starts(sweep):
    run = sweep()
    run.config["search_space"]["attribution_methods"] = [
        {"name": "Cam", "class": "LayerGradCam", "params": {"layer": ["layer4", "layer4.2.conv1", "fc"]}},
        {"name": "Occlusion", "params": {"sliding_window_shapes": 8, "strides": [8, 9]}},
        # Rules that hold nowhere leave maps as they are without them.
        {"name": "Idle", "class": "LRP", "params": {"rules": [{"layer1": "gamma"}, {"layer5": "gamma"}]}},
        {"name": "Later", "class": "LRP", "params": {"rules": [{"layer2.*": "flat"}]}},
        {"name": "Sound", "class": "LRP", "params": {"rules": [{"conv1": "flat"}, {"*.conv2": "gamma 0.1"}, {"fc": "epsilon 0.1"}]}},
    ]
    told = run.run("--check", code=3).stderr
    at = "search_space.attribution_methods[{}].params: `{}`: parameter "
    assert told.startswith("error: 5 mistakes in ")
    assert "`rules`: `resnet18` has no convolution or fully connected layer that is called `layer5`, where `gamma` would hold; the nearest are `conv1`, `fc`, `layer1.0.conv1`" in told
    assert "layer that reads the images that is called `layer2.*`, where `flat` would hold; the nearest are `conv1`" in told
    assert at.format(0, "Cam_layer_layer4.2.conv1") + "`layer`: `resnet18` has no layer `layer4.2.conv1`; the nearest" in told
    assert "that give maps are `layer4.0.conv1`, `layer4.1.conv1`, " in told
    assert at.format(0, "Cam_layer_fc") + "`layer`: `resnet18` gives no map at the layer `fc`; the nearest" in told
    assert at.format(1, "Occlusion_sliding_window_shapes_8_strides_9") + "`strides` is [9], expected steps" in told
    assert not run.output.exists()


def test_a_model_that_cannot_take_images_of_the_size_is_told_before_anything_starts(tmp_path, inputs):
    make_dataset(tmp_path / "in" / "data", "rgb", 16, 12)
    weights = tmp_path / "in" / "weights" / "weights_rgb" / "densenet121_16_1.pth"
    weights.parent.mkdir(parents=True)
    shutil.copy(inputs / "weights" / "weights_rgb" / "densenet121_64_1.pth", weights)
    run = Sweep(tmp_path, tmp_path / "in", size=16, models=("densenet121",))
    told = run.run(code=3).stderr
    assert "densenet121_16_1.pth` cannot take images of 16x16 px: libtorch: " in told


def test_images_of_any_size_are_taken(tmp_path):
    make_dataset(tmp_path / "in" / "data", "rgb", 32, 4)
    make_weights(tmp_path / "in" / "weights", "rgb", "resnet18", 32)
    run = Sweep(tmp_path, tmp_path / "in", size=32)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    import zarr

    assert zarr.open_group(run.stores()[0], mode="r")["attributions/Saliency"].shape == (4, 3, 32, 32)


def test_missing_data_and_missing_weights_of_one_dataset_are_told_together(sweep):
    run = sweep(flag="nowhere")
    told = run.run(code=3).stderr
    assert "no data for `nowhere`" in told and "no weights of resnet18 for `nowhere`" in told


def test_what_follows_from_one_missing_root_is_not_told_for_each_dataset_and_model(sweep):
    run = sweep(models=("resnet18", "resnet50"))
    run.config["search_space"]["data_flags"] = ["rgb", "grey", "other"]
    for root, value, message in [
        ("medmnist_data_root", "/nowhere", "no folder `/nowhere`, expected that of the data"),
        ("medmnist_weights_root", "/nowhere", "no folder `/nowhere`, expected that of the weights"),
        ("medmnist_data_root", None, "missing, expected a path"),
        ("medmnist_weights_root", None, "missing, expected a path"),
    ]:
        kept = run.config["paths"][root]
        run.config["paths"][root] = value
        told = run.run("--check", code=3).stderr
        run.config["paths"][root] = kept
        assert sum(root in line for line in told.splitlines()) == 1 and f"paths.{root}: {message}" in told, told
        of_what = "no data for" if "data" in root else "no weights of"
        assert of_what not in told, told


def test_yaml_that_is_no_yaml_is_told_with_its_line(sweep):
    run = sweep()
    file = run.file
    file.write_text(file.read_text() + "broken: [1, 2\n")
    done = subprocess.run([SCHEDULER, "--config", file], capture_output=True, text=True)
    assert done.returncode == 3 and "not valid YAML" in done.stderr, done.stderr


@pytest.fixture
def own(tmp_path):
    """A sweep with inputs of its own, to be damaged."""
    make_dataset(tmp_path / "in" / "data", "rgb", 28, 12)
    weights = make_weights(tmp_path / "in" / "weights", "rgb", "resnet18", 28)
    return Sweep(tmp_path, tmp_path / "in"), tmp_path / "in" / "data" / "rgb.npz", weights


def test_a_truncated_npz_is_told_before_anything_starts(own):
    run, data, _ = own
    data.write_bytes(data.read_bytes()[:-1000])
    assert "rgb.npz` is not a readable .npz archive" in run.run(code=3).stderr
    assert not run.output.exists()


@pytest.mark.parametrize("compressed", [True, False])
def test_of_damaged_pixels_no_map_is_written(own, compressed):
    run, data, _ = own
    if not compressed:
        with np.load(data) as file:
            np.savez(data, **file)
    run.config["limit"] = 4
    bytes_ = bytearray(data.read_bytes())
    with zipfile.ZipFile(data) as archive:
        entry = archive.getinfo("test_images.npy")
    middle = entry.header_offset + 100 + entry.compress_size // 2
    bytes_[middle] ^= 0x10
    data.write_bytes(bytes_)
    told = run.run(code=1).stderr
    assert "damaged" in told and "test_images" in told
    assert not list(run.output.rglob("c.*"))


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


def test_a_flipped_bit_in_the_weights_is_told_with_the_tensor(own):
    run, _, weights = own
    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    weights.write_bytes(damaged)
    told = run.run(code=3).stderr
    assert "resnet18_28_1.pth`: `" in told, told


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


def test_a_map_that_is_not_finite_is_an_error_of_its_unit_and_not_a_value_in_the_store(own):
    run, _, weights = own
    state = make_model("resnet18", 28).state_dict()
    # Finite weights whose products overflow single precision.
    for name in ("layer3.0.conv1.weight", "layer4.0.conv1.weight", "fc.weight"):
        state[name] *= 1e30
    torch.save(state, weights)
    assert "holds NaN or infinity" in run.run(code=1).stderr
    assert not list(run.output.rglob("attributions/*/c.*"))


def test_a_value_that_float16_cannot_hold_is_refused_and_float32_holds_it(own):
    run, _, weights = own
    state = make_model("resnet18", 28).state_dict()
    state["fc.weight"] *= 1e9
    torch.save(state, weights)
    assert "does not fit into float16; set `store: {dtype: float32}`" in run.run(code=1).stderr
    shutil.rmtree(run.output)
    run.config["store"]["dtype"] = "float32"
    run.run()


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        ("seed", 7, "seed is 0 in the store and 7 in the config"),
        ("store.dtype", "float32", 'dtype is "float16" in the store and "float32" in the config'),
        ("limit", 8, "images is 12 in the store and 8 in the config"),
    ],
)
def test_a_store_of_another_config_is_refused_and_left_alone(own, path, value, difference):
    run, _, _ = own
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    before = run.digests()
    change(run.config, path, value)
    assert difference in run.run(code=4).stderr
    assert run.digests() == before


def test_changed_data_and_changed_weights_are_refused(own):
    run, data, weights = own
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    before = run.digests()
    torch.save({"net": make_model("resnet18", 28, seed=5).state_dict()}, weights)
    assert "weights_sha256 is" in run.run(code=4).stderr
    make_weights(data.parent.parent / "weights", "rgb", "resnet18", 28)
    make_dataset(data.parent, "rgb", 28, 12, seed=9)
    assert "data is" in run.run(code=4).stderr
    assert run.digests() == before


def test_a_store_of_the_python_scripts_is_left_alone(own):
    run, _, _ = own
    theirs = run.output / "dataset-rgb_model-resnet18_noise-clean_split-test.zarr"
    theirs.mkdir(parents=True)
    (theirs / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {"data_flag": "rgb"}}')
    assert "was not written by attrisweep" in run.run(code=4).stderr
    assert [path.name for path in theirs.iterdir()] == ["zarr.json"]


def test_a_second_scheduler_on_the_same_folder_is_refused(sweep, hold):
    run = sweep()
    release = hold(run)
    first = run.start()
    # The file is there before the lock is taken; it is signed after that.
    wait_for(lambda: signature(run))
    told = run.run(code=6).stderr
    release()
    assert "another scheduler is writing to" in told
    assert first.wait(timeout=120) == 0


def test_a_taken_port_is_told_with_the_option_that_changes_it(sweep):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = sweep().run("--listen", f"127.0.0.1:{taken.getsockname()[1]}", code=5).stderr
    assert "cannot listen on 127.0.0.1:" in told and "--listen" in told


def test_a_stranger_on_the_port_is_refused_and_the_sweep_goes_on(sweep, hold):
    run = sweep()
    release = hold(run)
    process = run.start()
    wait_for(run.maps)
    port = int(json.loads((run.output / ".attrisweep.access").read_text())["address"].rsplit(":", 1)[1])
    for hello in (b"GET / HTTP/1.1\r\n\r\n", b'{"Hello":{"challenge":"x","proof":"00","slot":0,"version":"0.1.0","device":"cpu"}}\n', b"\xff" * 2_000_000):
        # It hangs up on whoever says too much.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError), socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
            caller.sendall(hello)
            told = b"".join(iter(lambda: caller.recv(1000), b""))
            assert list(json.loads(told)) == ["Challenge"], "nothing but a number goes to a stranger"
    release()
    assert process.wait(timeout=120) == 0


def test_without_a_gpu_a_config_that_asks_for_one_says_what_to_do(sweep):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    run = sweep()
    del run.config["devices"]
    run.config["scheduler"] = {"available_gpus": [1]}
    assert "set `devices: cpu`" in run.run(code=5).stderr


needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["mount", "-o", "remount,rw", disk], check=False)
    subprocess.run(["umount", disk], check=True)


@needs_mount
def test_a_sweep_that_waits_for_a_full_disk_can_be_interrupted_and_what_is_written_is_whole(sweep, small_disk):
    run = sweep()
    whole = sweep()
    whole.output = whole.folder / "whole"
    whole.config["paths"]["final_output_dir"] = str(whole.output)
    whole.run()
    run.output = small_disk / "out"
    run.config["paths"]["final_output_dir"] = str(run.output)
    process = subprocess.Popen(run.command(), stderr=subprocess.PIPE, text=True)
    # The plain names are those of the other sweep, which was there first.
    logs = run.folder / "logs"
    wait_for(lambda: any(log.read_text().count("is tried again after a pause") >= 2 for log in logs.glob("scheduler-*.log")))
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and "No space left on device" in told and "the same command goes on" in told
    expected = whole.digests()
    written = {path: digest for path, digest in run.digests().items() if "/c." in path}
    assert written and all(expected[path] == digest for path, digest in written.items())
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    run.run()
    assert run.digests() == expected


@needs_mount
def test_a_read_only_output_folder_is_told_before_anything_starts(sweep, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    run = sweep()
    run.config["paths"]["final_output_dir"] = str(small_disk / "out")
    told = run.run(code=6).stderr
    assert "Read-only file system" in told and "small" not in told


def test_help_documents_every_exit_code():
    told = subprocess.run([SCHEDULER, "--help"], capture_output=True, text=True, check=True).stdout
    for code in (0, 1, 2, 3, 4, 5, 6, 130):
        assert f"\n  {code:<4} " in told, code


def test_the_demo_config_is_sound_but_for_the_files_that_make_demo_makes(tmp_path):
    done = subprocess.run([SCHEDULER, "--config", ROOT / "configs" / "demo.yml", "--check"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("error: 2 mistakes"), done.stderr
    assert "no folder `demo/data`" in done.stderr and "no folder `demo/weights`" in done.stderr


def test_labels_of_a_multi_label_set_are_kept_and_have_no_class_means(own):
    run, data, _ = own
    with np.load(data) as file:
        members = dict(file)
    members["test_labels"] = np.eye(12, 5, dtype=np.uint8)
    np.savez(data, **members)
    run.run()
    import zarr

    store = zarr.open_group(run.stores()[0], mode="r")
    assert np.array_equal(store["labels"][:], np.eye(12, 5))
    assert list(store["means"]) == ["overall"]


@pytest.mark.parametrize(("path", "value", "key"), [
    ("search_space.data_flags", ["../rgb"], "search_space.data_flags[0]"),
    ("search_space.data_flags", [".."], "search_space.data_flags[0]"),
    ("search_space.model_flags", ["../../resnet18"], "search_space.model_flags[0]"),
    ("search_space.noise_conditions.0.name", "x/../../../y", "search_space.noise_conditions[0].name"),
    ("search_space.noise_conditions.0.name", "/etc/x", "search_space.noise_conditions[0].name"),
    ("search_space.attribution_methods.0.name", "../Saliency", "search_space.attribution_methods[0].name"),
    ("search_space.attribution_methods", [{"name": "Cam", "class": "LayerGradCam", "params": {"layer": "../../x"}}], "Cam_layer_../../x"),
])
def test_no_name_in_a_config_leads_out_of_the_configured_folders(sweep, path, value, key):
    run = sweep()
    change(run.config, path, value)
    told = run.run(code=3).stderr
    assert key in told and ("expected a name of at most 100 letters" in told or "cannot name a folder" in told), told
    assert not run.output.exists()

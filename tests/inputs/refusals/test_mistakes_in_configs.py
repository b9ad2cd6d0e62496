"""Mistakes in a config: all are told at once, each with its line and what was expected, and nothing is begun."""

import shutil
import subprocess

import pytest
import zarr
from support import METHODS, ROOT, SCHEDULER, Sweep, make_dataset, make_weights


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
    run.change(path, value)
    told = run.run(code=3).stderr
    assert message in told
    assert told.count("config.yml") >= 2
    assert not run.output.exists()


def test_all_mistakes_are_told_at_once(sweep):
    run = sweep()
    for path, value, _ in (WRONG[0], WRONG[2], WRONG[5], WRONG[8], WRONG[15]):
        run.change(path, value)
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


def test_the_demo_config_is_sound_but_for_the_files_that_make_demo_makes(tmp_path):
    done = subprocess.run([SCHEDULER, "--config", ROOT / "configs" / "demo.yml", "--check"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("error: 2 mistakes"), done.stderr
    assert "no folder `demo/data`" in done.stderr and "no folder `demo/weights`" in done.stderr


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
    run.change(path, value)
    told = run.run(code=3).stderr
    assert key in told and ("expected a name of at most 100 letters" in told or "cannot name a folder" in told), told
    assert not run.output.exists()


def test_help_documents_every_exit_code():
    told = subprocess.run([SCHEDULER, "--help"], capture_output=True, text=True, check=True).stdout
    for code in (0, 1, 2, 3, 4, 5, 6, 130):
        assert f"\n  {code:<4} " in told, code

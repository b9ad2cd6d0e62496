"""`attrisweep init`: a config for what lies in a folder, which runs as it is."""

import shutil
import subprocess

import yaml
from support import SCHEDULER, make_dataset, make_weights

ATTRISWEEP = SCHEDULER.with_name("attrisweep")


def init(folder, *arguments, code=0):
    done = subprocess.run([ATTRISWEEP, "init", *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def checked(folder, code=0):
    done = subprocess.run([ATTRISWEEP, "check", "--config", "config.yml"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_data_and_weights_by_their_usual_names_give_a_config_that_is_sound(tmp_path):
    make_dataset(tmp_path / "data", "rgb", 28, 6)
    make_dataset(tmp_path / "data", "grey", 28, 5, channels=1, splits=("train", "val"))
    # A name that is something else in YAML, unless it is quoted.
    make_weights(tmp_path / "models: #1", "rgb", "resnet18", 28)
    make_weights(tmp_path / "models: #1", "grey", "resnet18", 28)
    told = init(tmp_path)
    assert "rgb in data: medmnist, 28 px, images: test 6, val 6, train 6" in told and "grey in data: medmnist, 28 px, images: val 5, train 5" in told
    config = yaml.safe_load((tmp_path / "config.yml").read_text())
    assert config["paths"] == {"weights_root": "models: #1", "data_root": "data", "final_output_dir": "outputs"}
    grid = config["search_space"]
    assert (grid["data_flags"], grid["model_flags"], grid["splits"], grid["image_size"]) == (["grey", "rgb"], ["resnet18"], ["val"], 28)
    assert "The config is sound." in checked(tmp_path)


def test_a_model_is_recognised_by_its_tensors_where_the_name_of_its_file_says_nothing(tmp_path):
    make_dataset(tmp_path / "data", "rgb", 28, 4)
    usual = make_weights(tmp_path / "weights", "rgb", "resnet18", 28, classes=7)
    best = tmp_path / "runs" / "best.pth"
    best.parent.mkdir()
    usual.rename(best)
    (tmp_path / "runs" / "notes.pt").write_bytes(b"no weights at all")
    told = init(tmp_path)
    assert "runs/best.pth: resnet18 (or cifar_resnet18) of 7 classes; a sweep finds it as weights/weights_<flag>/resnet18_28_1.pth" in told, told
    assert "runs/notes.pt: weights of no model of the catalogue" in told, told
    assert "model_flags: [FILL_IN]" in (tmp_path / "config.yml").read_text()
    # What the comment says is what makes the config whole.
    shutil.copy(best, usual)
    (tmp_path / "config.yml").unlink()
    init(tmp_path)
    assert "The config is sound." in checked(tmp_path)


def test_nothing_is_overwritten_and_nothing_is_made_of_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    told = init(tmp_path, "empty", code=3)
    assert "neither data nor weights were found in `empty`" in told
    assert not (tmp_path / "config.yml").exists()
    make_dataset(tmp_path / "data", "rgb", 28, 4)
    (tmp_path / "config.yml").write_text("mine")
    assert "`config.yml` is there already; `--to` names another file" in init(tmp_path, code=3)
    assert (tmp_path / "config.yml").read_text() == "mine"
    assert "no folder" not in init(tmp_path, "data", "--to", "other.yml")
    assert "cannot look into `nowhere`" in init(tmp_path, "nowhere", "--to", "third.yml", code=3)

"""The installed wheel on machines that lack something: one sentence each, or the same maps."""

import shlex

import numpy as np
import pytest
import zarr
from support import METHODS, Sweep
from support.faults import disk
from support.stand_ins.machines.environment import Environment, packages
from support.stand_ins.machines.root import run_in_root


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.install(wheel)
    return environment


def small(folder, inputs):
    run = Sweep(folder, inputs, limit=2)
    run.config["search_space"]["attribution_methods"] = METHODS[:2]
    return run


@pytest.mark.parametrize("widest", ["avx2", "none"])
def test_a_processor_without_avx_512_computes_the_same_maps(environment, inputs, tmp_path, widest):
    limits = {"avx2": ["ONEDNN_MAX_CPU_ISA=AVX2", "ATEN_CPU_CAPABILITY=avx2"], "none": ["ONEDNN_MAX_CPU_ISA=SSE41", "ATEN_CPU_CAPABILITY=default"]}
    stores = {}
    for name, given in {"here": [], "there": [f"ATTRISWEEP_MAX_CPU_ISA={widest}", *limits[widest]]}.items():
        (tmp_path / name).mkdir()
        run = small(tmp_path / name, inputs)
        environment.run("attrisweep", "run", "--config", str(run.file), given=given)
        stores[name] = zarr.open_group(run.stores()[0], mode="r")
    assert {maker["isa"] for maker in stores["there"].attrs["attrisweep"]["computed_by"]} == {widest}
    for key, maps in stores["here"]["attributions"].members():
        ours, theirs = (array[:].astype("f4") for array in (maps, stores["there"]["attributions"][key]))
        # Sums in another order, and a ReLU near zero may be open in one of them alone.
        assert np.linalg.norm(ours - theirs) <= 0.05 * np.linalg.norm(ours), key


def test_a_machine_without_the_library_of_cpp_is_told_which_one_is_missing(environment, inputs, tmp_path):
    run = small(tmp_path, inputs)
    steps = ["rm -f /usr/lib/*/libstdc++.so.6* /usr/lib64/libstdc++.so.6*", "code=0"]
    steps += [shlex.join(["attrisweep", "run", "--config", str(run.file)]) + " 2>&1 || code=$?", 'echo "code $code"']
    told = run_in_root(tmp_path, "\n".join(steps), f"{environment.folder}/bin:/usr/bin:/bin", [packages().resolve(), environment.folder])
    sentence, code = told.splitlines()
    assert sentence.startswith("error: attrisweep needs the library of C++, libstdc++.so.6, which cannot be loaded (") and "apt-get install libstdc++6" in sentence
    assert code == "code 5"


def test_a_full_disk_is_one_sentence_of_the_demo(environment, tmp_path):
    with disk(tmp_path / "full", 1):
        with open(tmp_path / "full" / "somebody_elses", "wb") as file:
            file.write(bytes((1 << 20) - 16384))
        folder = tmp_path / "full" / "demo"
        told = environment.run("attrisweep", "demo", str(folder), code=6)
        assert told.stderr == f"error: cannot write the inputs of the demo to `{folder}`: No space left on device\n"
        # Nothing that is not whole is taken for whole once there is room.
        assert not [file for file in folder.rglob("*") if file.is_file()]

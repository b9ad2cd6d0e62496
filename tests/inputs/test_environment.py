"""What users and clusters say by the environment, and how they spell paths and windows."""

import os

import pytest


def environment(**variables):
    return {**{name: value for name, value in os.environ.items() if not name.startswith(("OMP_NUM", "SLURM_"))}, **variables}


def said_by_workers(run):
    """Logs of all workers: which of them comes in time to do something is a matter of the machine."""
    return "".join(path.read_text() for path in (run.folder / "logs").glob("worker-*.log"))


@pytest.mark.parametrize(("name", "workers"), [("OMP_NUM_THREADS", 1), ("SLURM_CPUS_PER_TASK", 1), ("OMP_NUM_THREADS", 2)])
def test_threads_that_the_environment_allows_are_all_that_a_sweep_takes(sweep, name, workers):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core is all there is")
    run = sweep(limit=1, devices={"cpu": workers})
    told = run.run(env=environment(**{name: "1"}))
    assert 'device="cpu, 1 thread"' in said_by_workers(run)
    plural = "s" if workers > 1 else ""
    assert f"the processor computes with {workers} thread{plural}, as {name}=1 says" in told.stdout + told.stderr


def test_threads_that_the_config_asks_for_are_taken_and_told(sweep):
    run = sweep(limit=1, threads=2, devices={"cpu": 2})
    told = run.run("--check", env=environment(OMP_NUM_THREADS="1")).stdout
    assert "devices   cpu:0 (2 threads), cpu:1 (2 threads)" in told
    assert "as OMP_NUM_THREADS" not in run.run(env=environment(OMP_NUM_THREADS="1")).stderr
    assert 'device="cpu, 2 threads"' in said_by_workers(run)


def test_a_home_folder_and_variables_in_paths_are_those_of_the_environment(sweep, tmp_path):
    run = sweep(limit=1)
    run.config["paths"] |= {"final_output_dir": "~/out", "scheduler_log_dir": "$LOGS/of/${SWEEP}"}
    run.config["search_space"]["attribution_methods"] = run.config["search_space"]["attribution_methods"][:1]
    run.run(env=environment(HOME=str(tmp_path), LOGS=str(tmp_path / "l"), SWEEP="one"), cwd=tmp_path)
    assert len(list((tmp_path / "out").glob("*.zarr"))) == 1
    assert (tmp_path / "l" / "of" / "one" / "scheduler.log").is_file()
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(("~", "$"))]
    run.config["paths"]["final_output_dir"] = "$NOWHERE/out"
    told = run.run("--check", code=3, env=environment(), cwd=tmp_path).stderr
    assert "paths.final_output_dir" in told and "expected a path; the environment has no `NOWHERE`" in told, told


def test_a_window_that_is_spelled_as_captum_does_is_one(sweep):
    run = sweep(limit=2)
    occlusion = {"name": "Occlusion", "class": "Occlusion", "params": {"sliding_window_shapes": [3, 16, 8], "strides": [3, 8, 8]}}
    run.config["search_space"]["attribution_methods"] = [occlusion]
    checked = run.run("--check")
    assert "(2 images x 1 maps)" in checked.stdout
    assert "`sliding_window_shapes: [3, 16, 8]` is one window" in checked.stderr and '`["3", "16", "8"]`' in checked.stderr
    run.run()
    (key,) = {path.parent.name for path in run.maps()}
    assert key == "Occlusion_sliding_window_shapes_3x16x8_strides_3x8x8"


def test_a_batch_beyond_the_images_at_hand_ends_where_memory_runs_out(sweep):
    run = sweep(limit=8, store={"shard": 8}, batch_size=496, devices={"cpu": 1}, size=64, memory="260MiB")
    run.config["search_space"]["attribution_methods"] = run.config["search_space"]["attribution_methods"][:1]
    # The same eight images were tried for ever.
    assert "does not fit into the memory" in run.run(code=1).stderr
    log = (run.folder / "logs" / "worker-0.log").read_text()
    assert log.count("half of it is tried") < 40, log

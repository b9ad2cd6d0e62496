"""Preflight as a part of a sweep, and a whole sweep as a part of preflight (`--mode full_test`)."""

from support import METHODS


def test_the_scheduler_probes_first_where_the_config_asks_for_it(flight):
    run = flight(preflight_check={"enabled": True, "subset_size": 512, "start_batch_size": 512, "binary_search_depth": 4})
    told = run.run().stderr
    assert "Saliency: " in told and "images at once" in told
    assert run.granted() == {key: str(entry["batch"]) for key, entry in run.entries().items()}


def test_what_a_user_has_measured_counts_before_a_sweep_until_it_is_proven_wrong(flight):
    run = flight(preflight_check={"enabled": True})
    run.output.mkdir()
    file = run.output / "preflight_results.json"
    file.write_text('{"resnet18": {"Saliency": 1024}}')
    told = run.run("--limit", "2").stderr
    # The other one is measured, of as many images as there are.
    assert "DeepLIFT_baselines_zero: 2 images at once (a whole shard)" in told and "Saliency: " not in told, told
    assert run.results()["resnet18"] == {"Saliency": 1024, "DeepLIFT_baselines_zero": 2}
    # That was the limit's doing.
    assert "DeepLIFT_baselines_zero: 2 images" not in run.run().stderr
    assert run.results()["resnet18"]["Saliency"] == 1024 and run.results()["resnet18"]["DeepLIFT_baselines_zero"] > 2
    assert run.granted()["Saliency"] == "1024"


def test_a_full_test_writes_and_reads_back_everything_and_leaves_nothing_behind(flight, tmp_path):
    run = flight([METHODS[0]], preflight_check={"enabled": True, "results_path": str(tmp_path / "known" / "results.json")})
    (tmp_path / "known").mkdir()
    known = {tmp_path / "known" / "results.json": '{"resnet18": {"Saliency": 7}}', tmp_path / "known" / "preflight_profile.json": '{"version": 1, "entries": []}'}
    for path, text in known.items():
        path.write_text(text)
    done = run.preflight("--mode", "full_test", "--memory", "500MiB")
    assert {path: path.read_text() for path in (tmp_path / "known").iterdir()} == known
    assert list(run.output.iterdir()) == []
    assert "Saliency: " in done.stderr, "preflight was rehearsed too"


def test_a_full_test_is_given_the_memory_and_the_gpu_that_are_asked_for(flight):
    run = flight([METHODS[0]])
    assert "class=OutOfMemory" in run.preflight("--mode", "full_test", "--memory", "2MiB", code=1).stderr
    assert "GPU" in run.preflight("--mode", "full_test", "--gpu-id", "999", code=5).stderr
    assert list(run.output.iterdir()) == []

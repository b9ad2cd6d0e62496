"""How much a config may ask for: what no worker could be told is refused before anything is started."""

import pytest


def integrated(name, **parameters):
    return {"name": name, "class": "IntegratedGradients", "params": parameters}


STEPS = [*range(2, 66)]
# Each with what is told of it.
GRIDS = {
    "search_space.attribution_methods: stand for 4097 variants, expected at most 4096": [
        {"name": "Saliency", "class": "Saliency", "params": {}},
        integrated("IG", n_steps=STEPS, seed=[*range(64)]),
    ],
    "search_space.attribution_methods: stand for 68719476736 variants, expected at most 4096": [
        integrated("IG", **{name: STEPS for name in ("n_steps", "a", "b", "c", "d", "e")})
    ],
    "to tell, expected at most 983040; shorten their names or split them into several configs": [
        integrated("I" * 99 + str(part), n_steps=[*range(2, 452)]) for part in range(9)
    ],
}


@pytest.mark.parametrize("told", GRIDS, ids=["one_too_many", "a_product", "long_names"])
def test_a_grid_of_more_variants_than_a_worker_can_be_told_is_refused_in_one_sentence(sweep, told):
    run = sweep()
    run.config["search_space"]["attribution_methods"] = GRIDS[told]
    failed = run.run("--check", code=3).stderr
    assert "1 mistake in " in failed and told in failed, failed
    assert not run.output.exists()

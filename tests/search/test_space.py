"""The searched space: what is drawn lies in it, and every value of it can be drawn."""

import warnings

import optuna

from bevatron.search.space import optuna_space, values_of


def test_draws_keep_to_the_space_and_reach_its_ends(study_with_search):
    space = (
        study_with_search(
            {
                "training.learning_rate": {"kind": "log_uniform", "low": 1e-4, "high": 1e-1},
                "training.momentum": {"kind": "uniform", "low": 0.2, "high": 0.4},
                "training.batch_size": {"kind": "integers", "low": 3, "high": 5},
                "architecture.widths": {"kind": "choice", "values": [[5], [5, 5], [7]]},
            }
        )
        .models["net"]
        .search.space
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Optuna warns of choices that it cannot store
        drawn = [values_of(space, study.ask(optuna_space(space)).params) for _ in range(200)]
    rates = sorted(values["training.learning_rate"] for values in drawn)
    assert 1e-4 <= rates[0] < 1e-3 < rates[100] < 1e-2 < rates[-1] <= 1e-1  # uniform in the logarithm
    assert all(0.2 <= values["training.momentum"] <= 0.4 for values in drawn)
    assert {values["training.batch_size"] for values in drawn} == {3, 4, 5}
    assert {tuple(values["architecture.widths"]) for values in drawn} == {(5,), (5, 5), (7,)}


def test_schedules_averages_and_accumulation_can_be_searched(study_with_search):
    """Also keys that no dump has at their default, whole sections or none of them, and keys within a section."""
    study = study_with_search(
        {
            "training.schedule": {"kind": "choice", "values": ["constant", "cosine"]},
            "training.accumulate": {"kind": "integers", "low": 1, "high": 4},
            "training.warm_up": {"kind": "choice", "values": [None, {"fraction": 0.1}]},
            "training.weight_average": {"kind": "choice", "values": [None, {"decay": 0.99}]},
        }
    )
    model = study.models["net"]
    space = model.search.space
    trials = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = [model.with_values(values_of(space, trials.ask(optuna_space(space)).params)) for _ in range(60)]
    assert {trial.training.accumulate for trial in drawn} == {1, 2, 3, 4}
    assert {trial.training.warm_up is None for trial in drawn} == {True, False}
    averaged = [trial for trial in drawn if trial.training.weight_average is not None]
    assert 0 < len(averaged) < 60
    inner = {"training.weight_average.decay": 0.9, "training.weight_average.start": 0.5}
    assert averaged[0].with_values(inner).training.weight_average.decay == 0.9
    cycle = model.with_values({"training.schedule": "one_cycle", "training.one_cycle": {"div_factor": 10.0}})
    assert cycle.with_values({"training.one_cycle.pct_start": 0.2}).training.one_cycle.div_factor == 10.0

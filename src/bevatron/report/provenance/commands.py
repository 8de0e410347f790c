"""The commands that make a study's numbers again, stage by stage, as the workflow's rules give them."""

from typing import Any

from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.study import Study
from bevatron.store.files.names import fold_folder, fold_manifest, shard_number


def commands_of(scale: str, study: Study, n_shards: int) -> dict[str, Any]:
    """By stage, and for stages that work on one model by its name; to be run where the folder `results` lies."""
    name, options = study.name, f"--scale {scale}"
    folder = f"results/{name}"
    manifest = f"--manifest {folder}/dataset/manifest.json"
    shards = [shard_number(number) for number in range(n_shards)]
    searched = {model for model, section in study.models.items() if section.search is not None}

    k = study.dataset.folds  # each with trainings of its own; searched and shown for fold 0
    of_fold = "" if k is None else f"/{fold_folder(0)}"
    learned = manifest if k is None else f"--manifest {folder}/dataset/{fold_manifest(0)}"
    each_fold = "" if k is None else f"  # and so for each fold up to {k - 1}"

    def best(model: str) -> str:
        return f" --best {folder}/search/{model}/best.yaml" if model in searched else ""

    def members(model: str) -> str:
        return "".join(f" --member {m}={folder}/models/{m}{of_fold}/runs.json" for m in study.models[model].members)

    def runs(model: str) -> str:
        of_folds = [""] if k is None else [f"/{fold_folder(fold)}" for fold in range(k)]
        return "".join(f" --runs {folder}/models/{model}{of}/runs.json" for of in of_folds)

    sums = f"{folder}/totals.json"
    needs_sums = needs_totals(study)
    with_sums = f" --totals {sums}" if needs_sums else ""
    each = "" if len(shards) == 1 else f"  # and so for each shard up to {shards[-1]}"
    comparison = f"bevatron validate-source {name} {options} --output {folder}/evaluation/source.json"
    variations = {
        variation: {
            model: f"bevatron evaluate {name} {model} {options} --variation {variation} --nominal"
            f" {folder}/dataset/manifest.json --manifest {folder}/variations/{variation}/dataset/manifest.json"
            f" --runs {folder}/models/{model}/runs.json --output {folder}/variations/{variation}/evaluation/{model}"
            for model in study.models
        }
        for variation in study.variations
    }
    return {
        "simulate": f"bevatron simulate {name} {options} --shard 0 --output {folder}/raw/shard-0000.h5{each}",
        **({"totals": f"bevatron totals {name} {options} --raw {folder}/raw --output {sums}"} if needs_sums else {}),
        "prepare": f"bevatron prepare {name} {options} --raw {folder}/raw/shard-0000.h5{with_sums}"
        f" --output {folder}/dataset{each}",
        "manifest": f"bevatron manifest {name} {options} --dataset {folder}/dataset",
        **({"validate_source": comparison} if study.evaluation.validate_source else {}),
        "observables": f"bevatron observables {name} {options} {manifest} --output {folder}/evaluation/data.json",
        "search": {
            model: f"bevatron search {name} {model} {options} {learned} --output {folder}/search/{model}"
            for model in study.models
            if model in searched
        },
        "train": {
            model: f"bevatron train {name} {model} {options} {learned}{best(model)}{members(model)}"
            f" --output {folder}/models/{model}{of_fold}{each_fold}"
            for model in study.models
        },
        "evaluate": {
            model: f"bevatron evaluate {name} {model} {options} {manifest}{runs(model)}"
            f" --output {folder}/evaluation/{model}"
            for model in study.models
        },
        **({"variations": variations} if variations else {}),
        "report": f"bevatron report-study {name} {options} --output results/report/{name}",
        "study": f"none: it stands in config/studies/{name}.yaml",
    }

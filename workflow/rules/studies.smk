# What the configuration asks for, validated before any rule is read, and the names that follow from it.
from pathlib import Path

from bevatron.config.loading.missing_data import missing_data_of
from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.identity import dataset_digest, external_files, learned_task, raw_digest
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.loading.load import load_study, load_workflow, check_overrides
from bevatron.errors import UserError
from bevatron.store.files.names import SHARD_NUMBER, shard_number

CONFIG = "config/config.yaml"
try:
    check_overrides(config, Path(CONFIG))
    SETTINGS = load_workflow(Path(CONFIG), scale=config.get("scale"), studies=config.get("studies"))
    SCALE = SETTINGS.scale
    STUDIES = {name: load_study(name, SCALE, Path("config/studies")) for name in SETTINGS.studies}
    MISSING = {name: why for name, study in STUDIES.items() if (why := missing_data_of(study))}
    STUDIES = {name: study for name, study in STUDIES.items() if name not in MISSING}
    EXTERNAL_FILES = {name: external_files(study.simulation) for name, study in STUDIES.items()}
except UserError as error:
    raise WorkflowError(str(error)) from None


for name, why in MISSING.items():
    logger.warning(f"study {name} is left out: {why}")
if not STUDIES:
    raise WorkflowError("no study is left to run; see config/README.md for the data that they need")

OPTIONS = [f"--scale={SCALE}", f"--config={CONFIG}"]


wildcard_constraints:
    study="|".join(STUDIES),
    model="|".join(sorted({model for study in STUDIES.values() for model in study.models})),
    shard=SHARD_NUMBER,


def shards_of(study):
    return [shard_number(number) for number in range(STUDIES[study].simulation.shards)]


def external_files_of(wildcards):
    """What a shard is read from. For a number that the study does not have, a sentence that says so: as no file has that
    name, Snakemake names it as what is missing; an exception would come with a traceback."""
    files = EXTERNAL_FILES[wildcards.study]
    if int(wildcards.shard) < len(files):
        return files[int(wildcards.shard)]
    numbers = "1 shard, number 0000" if len(files) == 1 else f"{len(files)} shards, to {shard_number(len(files) - 1)}"
    return f"no shard {wildcards.shard}: {wildcards.study} has {numbers}; set simulation.shards for more"


def unknown_model(wildcards):
    """Nothing; for a model that only other studies have, a sentence that Snakemake names as what is missing."""
    known = STUDIES[wildcards.study].models
    if wildcards.model in known:
        return []
    return f"no model {wildcards.model}: {wildcards.study} has {', '.join(known)}"


def searched_models(study):
    return [name for name, model in STUDIES[study].models.items() if model.search is not None]


def exported_models(study):
    """All but those whose architecture says why ONNX cannot express it."""
    return [
        name
        for name, model in STUDIES[study].models.items()
        if not hasattr(ARCHITECTURES[model.architecture.kind], "NO_ONNX")
    ]


def best_of(wildcards):
    """The search's result that a training takes, for a model that is searched."""
    if wildcards.model in searched_models(wildcards.study):
        return {"best": f"results/{wildcards.study}/search/{wildcards.model}/best.yaml"}
    return {}


def threads_of_training(wildcards):
    model = STUDIES[wildcards.study].models.get(wildcards.model)
    return model.training.threads if model else 1


def members_named(wildcards):
    model = STUDIES[wildcards.study].models.get(wildcards.model)
    return model.members if model else ()


def members_of(wildcards):
    """The runs that a committee's training takes: those of its members."""
    runs = [f"results/{wildcards.study}/models/{member}/runs.json" for member in members_named(wildcards)]
    return {"members": runs} if runs else {}


def settings_of(wildcards):
    """What a search or training of a model depends on, so that a changed setting runs it again."""
    study = STUDIES[wildcards.study]
    if wildcards.model not in study.models:
        return ""  # no job is made of it, see unknown_model
    model = study.models[wildcards.model].model_dump(mode="json", exclude={"title", "published"})
    return digest_of(learned_task(study), study.n_seeds, model)


def measured_in(study):
    """All files of a study that the report reads."""
    models = list(STUDIES[study].models)
    return [
        f"results/{study}/dataset/manifest.json",
        f"results/{study}/evaluation/data.json",
        *([f"results/{study}/evaluation/source.json"] if STUDIES[study].evaluation.validate_source else []),
        *expand(f"results/{study}/raw/shard-{{shard}}.timing.json", shard=shards_of(study)),
        *expand(f"results/{study}/search/{{model}}/trials.csv", model=searched_models(study)),
        *expand(f"results/{study}/models/{{model}}/runs.json", model=models),
        *expand(f"results/{study}/evaluation/{{model}}/metrics.json", model=models),
    ]

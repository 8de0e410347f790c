# What the configuration asks for, validated before any rule is read, and the names that follow from it.
from pathlib import Path

from bevatron.config.loading.load import check_overrides, load_workflow
from bevatron.config.loading.load_course import course_path, load_course
from bevatron.config.loading.rule_facts import load_facts
from bevatron.errors import UserError
from bevatron.store.files.names import SHARD_NUMBER, shard_number

CONFIG = "config/config.yaml"
try:
    if set("{}") & set(f"{Path.cwd()}{workflow.basedir}"):  # Snakemake takes them for wildcards
        raise UserError(Path.cwd(), "the path has braces, which Snakemake cannot work in", "move the folder to another")
    check_overrides(config, Path(CONFIG), workflow.config_settings.configfiles)
    SETTINGS = load_workflow(Path(CONFIG), scale=config.get("scale"), studies=config.get("studies"))
    SCALE = SETTINGS.scale
    FACTS = load_facts(SETTINGS.studies, SCALE, Path("config/studies"), Path(".snakemake/bevatron/studies.json"))
    COURSE = course_path(SETTINGS, Path(CONFIG))
    LESSONS = [COURSE.parent / file for file in load_course(COURSE).lessons] if COURSE else []
except UserError as error:
    raise WorkflowError(str(error)) from None

MISSING = {name: study.missing for name, study in FACTS.items() if study.missing}
STUDIES = {name: study for name, study in FACTS.items() if not study.missing}

for name, why in MISSING.items():
    logger.warning(f"study {name} is left out: {why}")
if not STUDIES:
    raise WorkflowError("no study is left to run; see config/README.md for the data that they need")

FOLDED = {name: study for name, study in STUDIES.items() if study.folds}
VARIED = {name: study for name, study in STUDIES.items() if study.variations}
RAW_DIGESTS = {name: study.raw_with_files for name, study in STUDIES.items()}
OPTIONS = [f"--scale={SCALE}", f"--config={CONFIG}"]


wildcard_constraints:
    study="|".join(STUDIES),
    model="|".join(sorted({model for study in STUDIES.values() for model in study.models})),
    shard=SHARD_NUMBER,


def shards_of(study):
    return [shard_number(number) for number in range(STUDIES[study].shards)]


def external_files_of(wildcards):
    """What a shard is read from. For a number that the study does not have, a sentence that says so: as no file has that
    name, Snakemake names it as what is missing; an exception would come with a traceback."""
    study = STUDIES[wildcards.study]
    if int(wildcards.shard) < study.shards:
        return study.files[int(wildcards.shard)] if study.files else []
    numbers = (
        "1 shard, number 0000" if study.shards == 1 else f"{study.shards} shards, to {shard_number(study.shards - 1)}"
    )
    return f"no shard {wildcards.shard}: {wildcards.study} has {numbers}; set simulation.shards for more"


def unknown_model(wildcards):
    """Nothing; for a model that only other studies have, a sentence that Snakemake names as what is missing."""
    known = STUDIES[wildcards.study].models
    if wildcards.model in known:
        return []
    return f"no model {wildcards.model}: {wildcards.study} has {', '.join(known)}"


def totals_of(wildcards):
    """The sums over all raw shards that a shard is prepared with, of a study that needs them."""
    return {"totals": f"results/{wildcards.study}/totals.json"} if STUDIES[wildcards.study].totals else {}


def group_of_prepare(wildcards):
    """With the raw shard of the same number in one job; in one of its own where all raw shards must be there before."""
    return f"{'prepare' if STUDIES[wildcards.study].totals else 'shards'}-{wildcards.study}"


# Profiles say how many shards make a job, by these names; Snakemake finds them itself for groups that are no functions.
for study in STUDIES:
    workflow.parent_groupids.update({f"{group}-{study}": f"{group}-{{study}}" for group in ("shards", "prepare")})


def unsearched_model(wildcards):
    """The same for a model that the study does not search: its search would end only after the data are made."""
    searched = searched_models(wildcards.study)
    if (unknown := unknown_model(wildcards)) or wildcards.model in searched:
        return unknown
    return f"no search of {wildcards.model}: {wildcards.study} searches {', '.join(searched) or 'no model'}"


def unexported_model(wildcards):
    """The same for a model that ONNX cannot express: its export would end only after the training."""
    exported = exported_models(wildcards.study)
    if (unknown := unknown_model(wildcards)) or wildcards.model in exported:
        return unknown
    return f"no export of {wildcards.model}: ONNX can express {', '.join(exported) or 'no model'} of {wildcards.study}"


def unvalidated_source(wildcards):
    """The same for a study whose source is not compared with published values."""
    if STUDIES[wildcards.study].validate_source:
        return []
    return f"no validation of the source of {wildcards.study}: it has no published values to compare with"


def searched_models(study):
    return [name for name, model in STUDIES[study].models.items() if model.searched]


def exported_models(study):
    """All but those whose architecture says why ONNX cannot express it."""
    return [name for name, model in STUDIES[study].models.items() if model.exported]


def best_of(wildcards):
    """The search's result that a training takes, for a model that is searched."""
    if wildcards.model in searched_models(wildcards.study):
        return {"best": f"results/{wildcards.study}/search/{wildcards.model}/best.yaml"}
    return {}


def threads_of_training(wildcards):
    model = STUDIES[wildcards.study].models.get(wildcards.model)
    return model.threads if model else 1


def members_named(wildcards):
    model = STUDIES[wildcards.study].models.get(wildcards.model)
    return model.members if model else ()


def members_of(wildcards):
    """The runs that a committee's training takes: those of its members."""
    runs = [f"results/{wildcards.study}/models/{member}/runs.json" for member in members_named(wildcards)]
    return {"members": runs} if runs else {}


def settings_of(wildcards):
    """What a search or training of a model depends on, so that a changed setting runs it again."""
    model = STUDIES[wildcards.study].models.get(wildcards.model)
    return model.settings if model else ""  # without a model no job is made of it, see unknown_model


def runs_in(study):
    """The runs of all models of a study, of a cross-validation on each fold."""
    folds = "" if not STUDIES[study].folds else expand("fold-{fold}/", fold=range(STUDIES[study].folds))
    return expand(
        "results/{study}/models/{model}/{fold}runs.json", study=study, model=STUDIES[study].models, fold=folds
    )


def exports_of(study):
    """The exported models of a study, of a cross-validation those of each fold."""
    folds = "" if not STUDIES[study].folds else expand("fold-{fold}/", fold=range(STUDIES[study].folds))
    models = exported_models(study)
    return expand("results/{study}/export/{model}/{fold}export.json", study=study, model=models, fold=folds)


def measured_in(study):
    """All files of a study that the report reads."""
    models = list(STUDIES[study].models)
    return [
        f"results/{study}/dataset/manifest.json",
        f"results/{study}/evaluation/data.json",
        *([f"results/{study}/evaluation/source.json"] if STUDIES[study].validate_source else []),
        *expand(f"results/{study}/raw/shard-{{shard}}.timing.json", shard=shards_of(study)),
        *expand(f"results/{study}/search/{{model}}/trials.csv", model=searched_models(study)),
        *runs_in(study),
        *expand(f"results/{study}/evaluation/{{model}}/metrics.json", model=models),
        *expand(
            f"results/{study}/variations/{{variation}}/evaluation/{{model}}/metrics.json",
            variation=STUDIES[study].variations,
            model=models,
        ),
    ]

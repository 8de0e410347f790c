# The files that the studies' sections `apply` name, and what their scores depend on.
from bevatron.config.loading.application_files import application_files


def applied_files(study, application):
    """By stem, the files of events; of a generator the study's raw shards, where none are named."""
    entry = STUDIES[study].application(application)
    raw = [f"results/{study}/raw/shard-{shard}.h5" for shard in shards_of(study)]
    return application_files(entry.files or raw, f"{study}: apply.{application}.files")


try:
    APPLIED = {
        (study, application): applied_files(study, application)
        for study, facts in STUDIES.items()
        for application in facts.applications
    }
except UserError as error:
    raise WorkflowError(str(error)) from None


def applied_models(study, application):
    """Those of the entry, or all; of its exported models those that ONNX can express."""
    entry = STUDIES[study].application(application)
    known = exported_models(study) if entry.backend == "onnx" else list(STUDIES[study].models)
    return entry.models or known


def all_scores(wildcards):
    """Every file of scores; without any, a sentence that Snakemake names as what is missing."""
    scores = [
        f"results/{study}/scores/{application}/{model}/{stem}.{STUDIES[study].application(application).format}"
        for (study, application), files in APPLIED.items()
        for model in applied_models(study, application)
        for stem in files
    ]
    empty = [f"{study}: apply.{application}" for (study, application), files in APPLIED.items() if not files]
    if empty:
        return f"no file matches {empty[0]}.files"
    return scores or "no files to apply models to: write a section apply into a study"


def unapplied(wildcards):
    """Nothing; for what the section does not ask for, a sentence that Snakemake names as what is missing."""
    study, application = STUDIES[wildcards.study], wildcards.application
    if (unknown := unknown_model(wildcards)) or (wildcards.study, application) in APPLIED:
        known = APPLIED.get((wildcards.study, application), {})
        if unknown or wildcards.stem in known and wildcards.format == study.application(application).format:
            return unknown
        return f"no scores {wildcards.stem}.{wildcards.format} in {application}: it has {', '.join(known) or 'no file'}"
    return f"no entry {application} in the section apply of {wildcards.study}"


def applied_model(wildcards):
    """What the job reads: the file of events, and the runs or the exported files of the model."""
    if unapplied(wildcards):
        return {}
    entry = STUDIES[wildcards.study].application(wildcards.application)
    index = "export.json" if entry.backend == "onnx" else "runs.json"
    folds = [f"fold-{fold}/" for fold in range(STUDIES[wildcards.study].folds)]  # all, as each scores some events
    return {
        "events": APPLIED[wildcards.study, wildcards.application][wildcards.stem],
        "model": [f"{folder_applied(wildcards)}/{fold}{index}" for fold in folds or [""]],
    }


def folder_applied(wildcards):
    """The trained or the exported model's."""
    entry = STUDIES[wildcards.study].application(wildcards.application)
    folder = "export" if entry.backend == "onnx" else "models"
    return f"results/{wildcards.study}/{folder}/{wildcards.model}"

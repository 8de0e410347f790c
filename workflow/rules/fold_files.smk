# Names and files of cross-validations.
def with_folds(number=0, parts=()):
    """A regular expression of the names of studies with folds; with a number, of those with so many, in these parts."""
    chosen = (n for n, s in FOLDED.items() if not number or (s.folds, s.fold_parts) == (number, parts))
    return "|".join(chosen)


def runs_of_folds(wildcards):
    """The runs of a model on each fold."""
    return expand(
        "results/{study}/models/{model}/fold-{fold}/runs.json",
        study=wildcards.study,
        model=wildcards.model,
        fold=range(FOLDED[wildcards.study].folds),
    )


def manifests_of_folds(wildcards):
    return expand(
        "results/{study}/dataset/manifest-fold-{fold}.json",
        study=wildcards.study,
        fold=range(FOLDED[wildcards.study].folds),
    )


def members_of_fold(wildcards):
    """The runs that a committee's training on a fold takes: those of its members on the same fold."""
    folder = f"results/{wildcards.study}/models"
    runs = [f"{folder}/{member}/fold-{wildcards.fold}/runs.json" for member in members_named(wildcards)]
    return {"members": runs} if runs else {}


def unknown_fold(wildcards):
    """Nothing; for a fold that the study does not have, a sentence that Snakemake names as what is missing."""
    number = FOLDED[wildcards.study].folds
    if int(wildcards.fold) < number:
        return []
    return f"no fold {wildcards.fold}: {wildcards.study} has {number}, with the numbers 0 to {number - 1}"

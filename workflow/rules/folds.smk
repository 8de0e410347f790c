# Cross-validation, of the studies that ask for it: the same commands as without, on the manifest of each fold. A job trains
# all seeds of a model on one fold. The file is read only where a study has folds; its rules go before those of the same
# files.


wildcard_constraints:
    fold=r"0|[1-9]\d?",


# No output can depend on a wildcard, and these two rules have as many outputs as there are folds: so there is one of each
# for each number of folds.
for number, parts in sorted({(study.folds, study.fold_parts) for study in FOLDED.values()}):
    suffix = f"{number}_folds{'_balanced' if 'test' in parts else ''}"

    rule:
        name:
            f"prepare_{suffix}"
        input:
            unpack(with_signature(totals_of)),
            raw="results/{study}/raw/shard-{shard}.h5",
        output:
            expand(
                "results/{{study}}/dataset/fold-{fold}-{part}-{{shard}}.h5",
                fold=range(number),
                part=parts,
            ),
        log:
            "logs/prepare/{study}/shard-{shard}.log",
        benchmark:
            "results/benchmarks/prepare/{study}/shard-{shard}.tsv"
        wildcard_constraints:
            study=with_folds(number, parts),
        group:
            with_signature(group_of_prepare)
        conda:
            "../envs/bevatron.yaml"
        threads: threads_of("prepare")
        resources:
            **resources_of("prepare"),
        params:
            options=OPTIONS,
            digest=with_signature(lambda w: STUDIES[w.study].dataset),
            folder=with_signature(lambda w, output: Path(output[0]).parent),
            totals=with_signature(lambda w: [f"--totals={path}" for path in totals_of(w).values()]),
        shell:
            "exec bevatron prepare {wildcards.study:q} --raw {input.raw:q} {params.totals:q}"
            " {params.options:q} --output {params.folder:q} > {log:q} 2>&1"

    rule:
        name:
            f"manifest_{suffix}"
        input:
            lambda w: expand(
                "results/{study}/dataset/fold-{fold}-{part}-{shard}.h5",
                study=w.study,
                fold=range(FOLDED[w.study].folds),
                part=FOLDED[w.study].fold_parts,
                shard=shards_of(w.study),
            ),
        output:
            whole="results/{study}/dataset/manifest.json",
            folds=expand("results/{{study}}/dataset/manifest-fold-{fold}.json", fold=range(number)),
        log:
            "logs/manifest/{study}.log",
        benchmark:
            "results/benchmarks/manifest/{study}.tsv"
        wildcard_constraints:
            study=with_folds(number, parts),
        conda:
            "../envs/bevatron.yaml"
        threads: threads_of("manifest")
        resources:
            **resources_of("manifest"),
        params:
            options=OPTIONS,
            digest=lambda w: STUDIES[w.study].dataset,
            folder=lambda w, output: Path(output.whole).parent,
        shell:
            "exec bevatron manifest {wildcards.study:q} --dataset {params.folder:q} {params.options:q} > {log:q} 2>&1"

    workflow.ruleorder(f"manifest_{suffix}", "manifest")


# Hyperparameters are searched on the training and validation splits of fold 0, and taken for all folds.
use rule search as search_fold_0 with:
    input:
        unsearched_model,
        manifest="results/{study}/dataset/manifest-fold-0.json",
    wildcard_constraints:
        study=with_folds(),


use rule train as train_fold with:
    input:
        unknown_model,
        unknown_fold,
        unpack(best_of),
        unpack(members_of_fold),
        manifest="results/{study}/dataset/manifest-fold-{fold}.json",
    output:
        runs="results/{study}/models/{model}/fold-{fold}/runs.json",
    log:
        "logs/train/{study}/{model}/fold-{fold}.log",
    benchmark:
        "results/benchmarks/train/{study}/{model}/fold-{fold}.tsv"
    wildcard_constraints:
        study=with_folds(),


rule evaluate_folds:
    input:
        unknown_model,
        manifests_of_folds,
        manifest="results/{study}/dataset/manifest.json",
        runs=runs_of_folds,
    output:
        predictions="results/{study}/evaluation/{model}/predictions.h5",
        metrics="results/{study}/evaluation/{model}/metrics.json",
    log:
        "logs/evaluate/{study}/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}/{model}.tsv"
    wildcard_constraints:
        study=with_folds(),
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        options=OPTIONS,
        evaluation=lambda w: STUDIES[w.study].evaluation,
        runs=lambda w, input: [f"--runs={runs}" for runs in input.runs],
        folder=lambda w, output: Path(output.metrics).parent,
    shell:
        "exec bevatron evaluate {wildcards.study:q} {wildcards.model:q} --manifest {input.manifest:q}"
        " {params.runs:q} {params.options:q} --output {params.folder:q} > {log:q} 2>&1"


use rule export_model as export_fold with:
    input:
        unexported_model,
        unknown_fold,
        manifest="results/{study}/dataset/manifest-fold-{fold}.json",
        runs="results/{study}/models/{model}/fold-{fold}/runs.json",
        metrics="results/{study}/evaluation/{model}/metrics.json",
    output:
        export="results/{study}/export/{model}/fold-{fold}/export.json",
        card="results/{study}/export/{model}/fold-{fold}/card.md",
    log:
        "logs/export/{study}/{model}/fold-{fold}.log",
    benchmark:
        "results/benchmarks/export/{study}/{model}/fold-{fold}.tsv"
    wildcard_constraints:
        study=with_folds(),


ruleorder: search_fold_0 > search
ruleorder: evaluate_folds > evaluate

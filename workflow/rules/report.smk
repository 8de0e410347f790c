def measured_in(study):
    """All files of a study that the report reads."""
    models = list(STUDIES[study].models)
    searched = searched_models(study)
    return [
        f"results/{study}/dataset/manifest.json",
        f"results/{study}/evaluation/data.json",
        *expand(f"results/{study}/raw/shard-{{shard}}.timing.json", shard=shards_of(study)),
        *expand(f"results/{study}/search/{{model}}/trials.csv", model=searched),
        *expand(f"results/{study}/models/{{model}}/runs.json", model=models),
        *expand(f"results/{study}/evaluation/{{model}}/metrics.json", model=models),
    ]


rule report:
    input:
        [path for study in STUDIES for path in measured_in(study)],
    output:
        page=report(
            "results/report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"content": "ledger of claims and all studies"},
        ),
        claims=report(
            "results/report/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
            labels={"content": "claims and verdicts"},
        ),
    params:
        studies=digest_of(SETTINGS.studies, *STUDIES.values()),
        folder=lambda w, output: Path(output.page).parent,
    log:
        "logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    shell:
        "bevatron report --scale {SCALE} --config {CONFIG} --output {params.folder} > {log} 2>&1"

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
    params:
        options=OPTIONS,
        studies=" ".join(f"--study {name}" for name in STUDIES),
        settings=digest_of(*STUDIES.values()),
        folder=lambda w, output: Path(output.page).parent,
    shell:
        "bevatron report {params.studies} {params.options} --output {params.folder} > {log} 2>&1"

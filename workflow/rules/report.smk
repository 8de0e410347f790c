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
        provenance="results/report/provenance.json",
    log:
        "logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("report")
    resources:
        **resources_of("report"),
    params:
        options=OPTIONS,
        studies=[f"--study={name}" for name in STUDIES],
        missing=[f"--missing={name}" for name in MISSING],
        settings=digest_of(*STUDIES.values()),
        folder=lambda w, output: Path(output.page).parent,
    shell:
        "exec bevatron report {params.studies:q} {params.missing:q} {params.options:q} --processes {threads:q} --output {params.folder:q} > {log:q} 2>&1"

# A page for each study, drawn again when its own results or settings change, and the ledger of all that have a page: also
# those of earlier runs, which a run of some studies leaves as they are.
rule report_study:
    input:
        lambda w: measured_in(w.study),
    output:
        page=report(
            "results/report/{study}/index.html",
            caption="../report/study.rst",
            category="Report",
            labels={"content": "{study}"},
        ),
        explore="results/report/{study}/explore.html",
        claims="results/report/{study}/claims.json",
        provenance="results/report/{study}/provenance.json",
    log:
        "logs/report_study/{study}.log",
    benchmark:
        "results/benchmarks/report_study/{study}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("report")
    resources:
        **resources_of("report"),
    params:
        options=OPTIONS,
        settings=lambda w: STUDIES[w.study].whole,
        pdf=SETTINGS.report.pdf,
        folder=lambda w, output: Path(output.page).parent,
    shell:
        "exec bevatron report-study {wildcards.study:q} {params.options:q} --output {params.folder:q} > {log:q} 2>&1"


rule report:
    input:
        expand("results/report/{study}/claims.json", study=STUDIES),
        expand("results/report/{study}/index.html", study=STUDIES),
        [COURSE, *LESSONS] if COURSE else [],
    output:
        page=report(
            "results/report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"content": "ledger of claims"},
        ),
        claims=report(
            "results/report/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
            labels={"content": "claims and verdicts"},
        ),
        plotly="results/report/plotly.min.js",
        provenance="results/report/provenance.json",
        lessons=[f"results/report/course/{name}.html" for name in ["index", *(p.stem for p in LESSONS)] if LESSONS],
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
        folder=lambda w, output: Path(output.page).parent,
    shell:
        "exec bevatron report {params.studies:q} {params.missing:q} {params.options:q} --output {params.folder:q} > {log:q} 2>&1"

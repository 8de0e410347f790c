rule evaluate:
    input:
        manifest="results/{study}/dataset/manifest.json",
        runs="results/{study}/models/{model}/runs.json",
    output:
        predictions="results/{study}/evaluation/{model}/predictions.h5",
        metrics="results/{study}/evaluation/{model}/metrics.json",
    log:
        "logs/evaluate/{study}/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}/{model}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        options=OPTIONS,
        evaluation=lambda w: STUDIES[w.study].evaluation,
        folder=lambda w, output: Path(output.metrics).parent,
    shell:
        "exec bevatron evaluate {wildcards.study:q} {wildcards.model:q} --manifest {input.manifest:q}"
        " --runs {input.runs:q} {params.options:q} --output {params.folder:q} > {log:q} 2>&1"


rule observables:
    input:
        manifest="results/{study}/dataset/manifest.json",
    output:
        "results/{study}/evaluation/data.json",
    log:
        "logs/observables/{study}.log",
    benchmark:
        "results/benchmarks/observables/{study}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("observables")
    resources:
        **resources_of("observables"),
    params:
        options=OPTIONS,
        evaluation=lambda w: STUDIES[w.study].evaluation,
    shell:
        "exec bevatron observables {wildcards.study:q} --manifest {input.manifest:q}"
        " {params.options:q} --output {output:q} > {log:q} 2>&1"

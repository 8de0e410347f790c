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
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        options=OPTIONS,
        evaluation=lambda w: digest_of(STUDIES[w.study].evaluation, STUDIES[w.study].task),
        folder=lambda w, output: Path(output.metrics).parent,
    shell:
        "bevatron evaluate {wildcards.study} {wildcards.model} --manifest {input.manifest} --runs {input.runs}"
        " {params.options} --output {params.folder} > {log} 2>&1"


rule observe:
    input:
        manifest="results/{study}/dataset/manifest.json",
    output:
        "results/{study}/evaluation/data.json",
    log:
        "logs/observe/{study}.log",
    benchmark:
        "results/benchmarks/observe/{study}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        options=OPTIONS,
        evaluation=lambda w: digest_of(STUDIES[w.study].evaluation, STUDIES[w.study].task),
    shell:
        "bevatron observe {wildcards.study} --manifest {input.manifest}"
        " {params.options} --output {output} > {log} 2>&1"

# Out to the experiments: ONNX files and a model card of every model that ONNX can express. Not part of `all`: `snakemake ... export`.
rule export:
    input:
        [path for study in STUDIES for path in exports_of(study)],


rule export_model:
    input:
        unexported_model,
        manifest="results/{study}/dataset/manifest.json",
        runs="results/{study}/models/{model}/runs.json",
        metrics="results/{study}/evaluation/{model}/metrics.json",
    output:
        export="results/{study}/export/{model}/export.json",
        card="results/{study}/export/{model}/card.md",
    log:
        "logs/export/{study}/{model}.log",
    benchmark:
        "results/benchmarks/export/{study}/{model}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("export")
    resources:
        **resources_of("export"),
    params:
        options=OPTIONS,
        folder=lambda w, output: Path(output.export).parent,
    shell:
        "exec bevatron export {wildcards.study:q} {wildcards.model:q} --manifest {input.manifest:q}"
        " --runs {input.runs:q} --metrics {input.metrics:q} {params.options:q} --output {params.folder:q} > {log:q} 2>&1"

rule prepare:
    input:
        raw="results/{study}/raw/shard-{shard}.h5",
    output:
        expand("results/{{study}}/dataset/{split}-{{shard}}.h5", split=["train", "val", "test"]),
    log:
        "logs/prepare/{study}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/prepare/{study}/shard-{shard}.tsv"
    group:
        "shards-{study}"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("prepare")
    resources:
        **resources_of("prepare"),
    params:
        options=OPTIONS,
        digest=with_signature(lambda w: STUDIES[w.study].dataset),
        folder=with_signature(lambda w, output: Path(output[0]).parent),
    shell:
        "exec bevatron prepare {wildcards.study:q} --raw {input.raw:q}"
        " {params.options:q} --output {params.folder:q} > {log:q} 2>&1"


rule manifest:
    input:
        lambda w: expand(
            "results/{study}/dataset/{split}-{shard}.h5",
            study=w.study,
            split=["train", "val", "test"],
            shard=shards_of(w.study),
        ),
    output:
        "results/{study}/dataset/manifest.json",
    log:
        "logs/manifest/{study}.log",
    benchmark:
        "results/benchmarks/manifest/{study}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("manifest")
    resources:
        **resources_of("manifest"),
    params:
        options=OPTIONS,
        digest=lambda w: STUDIES[w.study].dataset,
        folder=lambda w, output: Path(output[0]).parent,
    shell:
        "exec bevatron manifest {wildcards.study:q} --dataset {params.folder:q} {params.options:q} > {log:q} 2>&1"

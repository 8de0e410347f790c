rule prepare:
    input:
        raw="results/{study}/raw/shard-{shard}.h5",
    output:
        expand("results/{{study}}/dataset/{split}-{{shard}}.h5", split=["train", "val", "test"]),
    log:
        "logs/prepare/{study}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/prepare/{study}/shard-{shard}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        options=OPTIONS,
        digest=lambda w: dataset_digest(STUDIES[w.study]),
        folder=lambda w, output: Path(output[0]).parent,
    shell:
        "bevatron prepare {wildcards.study} --raw {input.raw}" " {params.options} --output {params.folder} > {log} 2>&1"


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
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        options=OPTIONS,
        digest=lambda w: dataset_digest(STUDIES[w.study]),
        folder=lambda w, output: Path(output[0]).parent,
    shell:
        "bevatron manifest {wildcards.study} --dataset {params.folder}" " {params.options} > {log} 2>&1"

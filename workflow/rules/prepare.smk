rule prepare:
    input:
        raw="results/{study}/raw/shard-{shard}.h5",
    output:
        expand("results/{{study}}/dataset/{split}-{{shard}}.h5", split=["train", "val", "test"]),
    params:
        digest=lambda w: dataset_digest(STUDIES[w.study]),
        folder=lambda w, output: Path(output[0]).parent,
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
    shell:
        "bevatron prepare {wildcards.study} --raw {input.raw}"
        " --scale {SCALE} --config {CONFIG} --output {params.folder} > {log} 2>&1"


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
    params:
        digest=lambda w: dataset_digest(STUDIES[w.study]),
        folder=lambda w, output: Path(output[0]).parent,
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
    shell:
        "bevatron manifest {wildcards.study} --dataset {params.folder}"
        " --scale {SCALE} --config {CONFIG} > {log} 2>&1"

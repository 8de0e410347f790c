# What preparing a shard needs to know of all the others: of a study that balances its classes, for example.
rule totals:
    input:
        lambda w: expand("results/{study}/raw/shard-{shard}.h5", study=w.study, shard=shards_of(w.study)),
    output:
        "results/{study}/totals.json",
    log:
        "logs/totals/{study}.log",
    benchmark:
        "results/benchmarks/totals/{study}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("totals")
    resources:
        **resources_of("totals"),
    params:
        options=OPTIONS,
        digest=lambda w: STUDIES[w.study].dataset,
        folder=lambda w, input: Path(input[0]).parent,
    shell:
        "exec bevatron totals {wildcards.study:q} --raw {params.folder:q} {params.options:q} --output {output:q} > {log:q} 2>&1"


rule prepare:
    input:
        unpack(with_signature(totals_of)),
        raw="results/{study}/raw/shard-{shard}.h5",
    output:
        expand("results/{{study}}/dataset/{split}-{{shard}}.h5", split=["train", "val", "test"]),
    log:
        "logs/prepare/{study}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/prepare/{study}/shard-{shard}.tsv"
    group:
        with_signature(group_of_prepare)
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("prepare")
    resources:
        **resources_of("prepare"),
    params:
        options=OPTIONS,
        digest=with_signature(lambda w: STUDIES[w.study].dataset),
        folder=with_signature(lambda w, output: Path(output[0]).parent),
        totals=with_signature(lambda w: [f"--totals={path}" for path in totals_of(w).values()]),
    shell:
        "exec bevatron prepare {wildcards.study:q} --raw {input.raw:q} {params.totals:q}"
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

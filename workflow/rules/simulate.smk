# A shard is simulated and prepared in one batch job, with others of its study: profiles/cluster says how many.
# Files that somebody else simulated are inputs: where one changes, the shards that are read from it are made again.
rule simulate:
    input:
        with_signature(external_files_of),
    output:
        shard="results/{study}/raw/shard-{shard}.h5",
        timing="results/{study}/raw/shard-{shard}.timing.json",
    log:
        "logs/simulate/{study}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/simulate/{study}/shard-{shard}.tsv"
    group:
        "shards-{study}"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("simulate")
    resources:
        **resources_of("simulate"),
    params:
        options=OPTIONS,
        digest=with_signature(lambda w: RAW_DIGESTS[w.study]),
    shell:
        "exec bevatron simulate {wildcards.study:q} --shard {wildcards.shard:q}"
        " {params.options:q} --output {output.shard:q} > {log:q} 2>&1"


rule validate_source:
    input:
        unvalidated_source,
    output:
        "results/{study}/evaluation/source.json",
    log:
        "logs/validate_source/{study}.log",
    benchmark:
        "results/benchmarks/validate_source/{study}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("validate_source")
    resources:
        **resources_of("validate_source"),
    params:
        options=OPTIONS,
        digest=lambda w: STUDIES[w.study].validation,
    shell:
        "exec bevatron validate-source {wildcards.study:q} {params.options:q} --output {output:q} > {log:q} 2>&1"

rule simulate:
    output:
        shard="results/{study}/raw/shard-{shard}.h5",
        timing="results/{study}/raw/shard-{shard}.timing.json",
    log:
        "logs/simulate/{study}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/simulate/{study}/shard-{shard}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        options=OPTIONS,
        digest=lambda w: raw_digest(STUDIES[w.study]),
    shell:
        "bevatron simulate {wildcards.study} --shard {wildcards.shard}"
        " {params.options} --output {output.shard} > {log} 2>&1"

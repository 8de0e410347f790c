# Scores of the files that the studies' sections `apply` name, one job for each file and model. Not part of `all`:
# `snakemake ... apply`.


rule apply:
    input:
        all_scores,


rule apply_model:
    input:
        unapplied,
        unpack(applied_model),
    output:
        "results/{study}/scores/{application}/{model}/{stem}.{format}",
    log:
        "logs/apply/{study}/{application}/{model}/{stem}.{format}.log",
    benchmark:
        "results/benchmarks/apply/{study}/{application}/{model}/{stem}.{format}.tsv"
    wildcard_constraints:
        application="[a-z][a-z0-9_]*",
        stem="[^/]+",
        format="root|parquet|h5|csv",
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("apply", least=threads_of_training)
    resources:
        **resources_of("apply"),
    params:
        folder=folder_applied,
        options=lambda w: STUDIES[w.study].application(w.application).options,
    shell:
        "exec bevatron apply {params.folder:q} {input.events:q} --output {output:q} --overwrite {params.options:q}"
        " > {log:q} 2>&1"

"""What a sample shard says of itself, for shards that tests write."""

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.sections.study import Study


def shard_attributes(study: Study, source: str, classes: list[str]) -> dict:
    return {
        "study": study.name,
        "source": source,
        "versions": {"generator": "1"},
        "digest": dataset_digest(study),
        "raw_digest": raw_digest(study),
        **version_attributes(study),
        "classes": classes,
        "shard": 0,
    }

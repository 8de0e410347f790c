"""The index of the lectures covers every claim that cites them, and cites what it covers."""

from functools import cache
from pathlib import Path

from bevatron.config.loading.load import load_study
from bevatron.config.loading.load_course import find_course_errors, load_course

CONFIG = Path(__file__).parents[2] / "config"
CITED = "Bevan 2020, "


@cache
def sources() -> dict[tuple[str, str], str]:
    """Where each claim of each study comes from."""
    studies = [
        load_study(path.stem, "paper", CONFIG / "studies") for path in sorted((CONFIG / "studies").glob("*.yaml"))
    ]
    return {(study.name, claim.id): claim.source for study in studies for claim in study.claims}


def test_every_topic_is_tested_by_claims_that_exist():
    assert find_course_errors(CONFIG / "config.yaml") == []


def test_every_claim_that_cites_the_lectures_is_in_their_index():
    listed = set(load_course(CONFIG / "lectures.yaml").claims())
    assert {name for name, source in sources().items() if CITED in source} - listed == set()


def test_claims_cite_chapters_that_the_lectures_have():
    chapters = [chapter.title for chapter in load_course(CONFIG / "lectures.yaml").chapters]
    for name, source in sources().items():
        assert "ectures, chapter" not in source, name
        if CITED in source:
            assert source.split(CITED)[1].startswith(tuple(f"{title}: " for title in chapters)), (name, source)

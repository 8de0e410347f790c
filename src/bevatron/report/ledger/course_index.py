"""A course item by item: what it says, the claims that test it, and their verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass

from bevatron.config.loading.load_lessons import Lesson
from bevatron.config.sections.course import Course
from bevatron.report.ledger.reported import ReportedStudy
from bevatron.report.provenance.origin import Origin
from bevatron.report.tables.table import Table
from bevatron.store.records.claims import ClaimRecord

NOT_RUN = "not run"


@dataclass(frozen=True)
class TestedBy:
    """A claim that tests an item. claim: None where its study has no page, or one without the claim."""

    __test__ = False  # pytest: no test of ours

    study: str
    id: str
    claim: ClaimRecord | None
    counted: bool

    @property
    def verdict(self) -> str:
        """The claim's verdict; of an exact one whether it holds; what is wrong where it is not counted."""
        if self.claim is None:
            return NOT_RUN
        if not self.counted:
            return "not counted"
        if self.claim.exact and self.claim.verdict in ("reproduced", "not reproduced"):
            return "holds" if self.claim.verdict == "reproduced" else "fails"
        return self.claim.verdict


@dataclass(frozen=True)
class IndexRow:
    """One topic of a chapter, which is counted from 1, with its claims. lesson: the name of its lesson; '' without."""

    chapter_number: int
    chapter: str
    topic: str
    says: str
    tested_by: tuple[TestedBy, ...]
    lesson: str = ""

    @property
    def studies(self) -> tuple[str, ...]:
        """The studies whose claims test it, in their order."""
        return tuple(dict.fromkeys(test.study for test in self.tested_by))


def index_course(
    course: Course, studies: list[ReportedStudy], scale: str, lessons: Sequence[Lesson] = ()
) -> list[IndexRow]:
    """A row for each topic of the course, in its order."""
    lesson_of = {topic: lesson.name for lesson in lessons for topic in lesson.head.topics}
    by_name = {study.name: study for study in studies}

    def find(name: str) -> TestedBy:
        study, _, claim = name.partition(".")
        found = by_name.get(study)
        records = {c.id: c for c in found.claims} if found else {}
        return TestedBy(study, claim, records.get(claim), found is not None and found.counts_at(scale))

    return [
        IndexRow(
            number, chapter.title, item.topic, item.says, tuple(map(find, item.claims)), lesson_of.get(item.topic, "")
        )
        for number, chapter in enumerate(course.chapters, 1)
        for item in chapter.items
    ]


def index_table(rows: list[IndexRow]) -> Table:
    """A row for each claim of each topic."""
    cells, origins = [], []
    for row in rows:
        for test in row.tested_by:
            statement = test.claim.statement if test.claim else ""
            cells.append((row.chapter, row.topic, row.says, test.study, test.id, statement, test.verdict))
            origins.append(Origin(test.study, "report", claim=test.id))
    head = ("chapter", "topic", "what it says", "study", "claim", "statement", "verdict")
    return Table("course", "The course, item by item.", head, tuple(cells), tuple(origins))

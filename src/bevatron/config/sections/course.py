"""The index of a course: what it says, chapter by chapter, and the claims that test it."""

from typing import Annotated

from pydantic import Field

from bevatron.config.sections.section import Integer, Section

ClaimName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
LessonFile = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+/)*[a-z][a-z0-9-]*\.md$")]


class CourseItem(Section):
    """One topic of a chapter."""

    topic: str = Field(description="what it is about")
    says: str = Field(description="what the course says, in other words")
    claims: list[ClaimName] = Field(description="claims that test it, as study.claim", min_length=1)


class CourseChapter(Section):
    """One chapter of the course."""

    title: str = Field(description="the chapter's title")
    items: list[CourseItem] = Field(description="its topics, in their order", min_length=1)


class Course(Section):
    """A course whose statements the studies test."""

    title: str = Field(description="the course's title")
    author: str = Field(description="who gave it")
    year: Integer = Field(description="when", ge=1900, le=2100)
    place: str = Field(description="where")
    lessons: list[LessonFile] = Field(
        [],
        description="Markdown files of the lessons, in order, relative to this file; each has a page in the report",
    )
    chapters: list[CourseChapter] = Field(description="its chapters, in their order", min_length=1)

    def topics(self) -> list[str]:
        """The topics of all chapters, in their order."""
        return [item.topic for chapter in self.chapters for item in chapter.items]

    def claims(self) -> list[tuple[str, str]]:
        """Study and id of every claim that is named, in their order."""
        names = [name for chapter in self.chapters for item in chapter.items for name in item.claims]
        return [(study, claim) for study, _, claim in (name.partition(".") for name in names)]

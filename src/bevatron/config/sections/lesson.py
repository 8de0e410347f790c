"""The head of a lesson's file: what the lesson is about, and which topics of the course belong to it."""

from pydantic import Field

from bevatron.config.sections.section import Section


class LessonHead(Section):
    """The YAML between the two lines `---` at the start of a lesson's Markdown file."""

    title: str = Field(description="the lesson's title", min_length=1)
    summary: str = Field(description="one sentence for the index of the lessons", min_length=1)
    topics: list[str] = Field(description="topics of the course, as its chapters name them", min_length=1)

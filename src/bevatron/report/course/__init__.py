"""The course: a printable page and a notebook of each lesson, and the index of its topics."""

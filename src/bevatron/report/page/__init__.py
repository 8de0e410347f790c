"""The pages: their chapters, their figures, which may fail alone, and their templates filled."""

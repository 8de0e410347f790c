"""The JSON files that stages hand to each other, a pydantic record each, like the manifest of a dataset."""

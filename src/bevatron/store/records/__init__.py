"""The JSON files that stages hand to each other, a pydantic record each; beside them stands the dataset's manifest."""

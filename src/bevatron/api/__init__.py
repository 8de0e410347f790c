"""The Python API for notebooks: studies, datasets, trained models and results as NumPy, pandas and awkward objects.

It only reads. A function finds the project (the folder with `config/config.yaml`) from the working directory upwards,
or takes it as `project`.
"""

"""What is measured of the auxiliary tasks of a model, summed up while its networks predict."""

"""`explore.html` of a study: panels to look at and to play with, each of data and one script."""

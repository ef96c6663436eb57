"""The decisions of ``inventory``: pure, a file for each question."""

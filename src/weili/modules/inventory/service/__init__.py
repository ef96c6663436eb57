"""The verbs of ``inventory``, a file for each thing it keeps."""

"""All SQL of ``inventory``, a file for each thing it keeps."""

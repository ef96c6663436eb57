"""Verbs that touch two or more modules, one file each."""

"""Measurements of the order API beside named baselines, all in one run on one machine.

Run as ``python -m bench`` (``make bench``); ``docs/reference/benchmarks.md`` says how it measures.
"""

"""The worker: gives facts their places in the log, reacts to them, and acts on deadlines."""

from weili.entrypoints.jobs.worker import Worker

__all__ = ["Worker"]

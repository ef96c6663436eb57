"""Suppliers and partners are taken in: applications, documents, terms.

Revision: 0023, after 0022.
"""

from weili.migrations.sql import run_beside

revision = "0023"
down_revision = "0022"
works_from = "0022"  # It only adds; old code opens parties as it did.


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)

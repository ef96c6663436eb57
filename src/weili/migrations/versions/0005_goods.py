"""Attribute templates, media, review, bundles, channel profiles.

Revision: 0005, after 0004.
"""

from weili.migrations.sql import run_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)

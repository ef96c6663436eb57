"""A step that is plain SQL."""

from pathlib import Path

from alembic import op


def run_beside(step: str) -> None:
    """Run the SQL file that lies beside a step's own file and has its name."""
    # Many statements in one text, which only the driver itself sends.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(step).with_suffix(".sql").read_text(encoding="utf-8"))
    cursor.close()

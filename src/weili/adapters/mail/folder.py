"""A folder of mails that a sandbox was to send: the newest, one file each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from weili.kit.clock import wall_now
from weili.kit.ids import new_id

MAILS_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail as its reader sees it."""

    id: str
    at: datetime
    to: str = field(repr=False)
    title: str
    text: str = field(repr=False)


class MailFolder:
    """Mails in a folder, which nobody else may look into."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, raw: bytes) -> None:
        """Keep a mail, and forget the oldest beyond the bound."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = str(new_id(wall_now()))
        draft = self._path / f"{name}.part"
        draft.write_bytes(raw)
        # Whoever reads sees it whole or not at all.
        draft.rename(self._path / f"{name}.eml")
        for path in self._newest()[MAILS_KEPT:]:
            path.unlink(missing_ok=True)

    def newest(self, *, limit: int, before: UUID | None = None) -> list[KeptMail]:
        """Give mails, the newest first."""
        paths = (p for p in self._newest() if before is None or p.stem < str(before))
        return list(_read(paths, limit))

    def _newest(self) -> list[Path]:
        return sorted(self._path.glob("*.eml"), reverse=True)


def _read(paths: Iterator[Path], limit: int) -> Iterator[KeptMail]:
    for _, path in zip(range(limit), paths, strict=False):
        try:
            raw = path.read_bytes()
        except FileNotFoundError:  # Forgotten in between.
            continue
        message = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
        body = message.get_body(("plain",))
        yield KeptMail(
            path.stem,
            parsedate_to_datetime(str(message["date"])),
            str(message["to"]),
            str(message["subject"]),
            body.get_content().replace("\r\n", "\n") if body is not None else "",
        )

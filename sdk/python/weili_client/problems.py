"""What can go wrong, as exceptions."""

from collections.abc import Mapping, Sequence
from typing import Any


class Refused(Exception):
    """The platform refused; nothing was done, unless the detail says that it may have been."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.detail = str(document.get("detail", ""))
        self.is_repeatable = bool(document.get("repeatable", False))
        self.fields: Sequence[Mapping[str, str]] = document.get("fields", ())
        self.members: Mapping[str, Any] = document.get("members", {})
        self.document = document
        super().__init__(f"{status} {self.code}: {self.detail}")


class Unreachable(Exception):
    """No answer came, however often it was tried; what was asked may or may not be done."""

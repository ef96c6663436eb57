"""Which passwords are taken, and which sessions still count."""

import re
import unicodedata
from datetime import datetime
from typing import Final

from weili.kit.context import Actor
from weili.kit.problems import FieldProblem, InputInvalid, Said, Unauthenticated
from weili.modules.identity.model import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    SessionRecord,
)
from weili.modules.parties import PartyState, PartySuspended

SESSION_ENDED: Final = Said("the session has ended; sign in again", "会话已结束；请重新登录")
_LETTERS_MIN: Final = 5
"""Different characters that a password has at least: 1111111111 and abababababab have fewer."""
_RUNS: Final = (
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
"""Rows of the keyboard and of the alphabet: whoever walks along them is followed first."""
_WORDS: Final = re.compile(
    "password|passw0rd|p@ssword|p@ssw0rd|welcome|letmein|iloveyou|admin(istrator)?|qwerty|abc"
    "|changeme|default|dragon|monkey|sunshine|princess|football|woaini|5201314|a?12345?6?7?8?9?0?"
    "|123123|112233|654321|888888|666666|111111|000000|weili|mima|root|test|guest|user"
)
"""What the commonest passwords are put together from, in China and elsewhere."""
_LEFT_MIN: Final = 5
"""Letters that must be left of a password when what is common is taken out of it."""
_WALK_MIN: Final = 4
"""Characters in a row of the keyboard that count as a walk along it."""
_NAME_MIN: Final = 4
"""Characters of an e-mail address that count as a name."""
_SHIFTED: Final = str.maketrans("!@#$%^&*()", "1234567890")
"""The same keys of the top row, with the other hand on the shift key."""
_NO_LETTERS: Final = re.compile(r"[\W\d_]+")


def password_normal(password: str) -> str:
    """Give a password as it is worked on: the same however it was typed.

    Source: NIST SP 800-63B, 5.1.1.2 (NFKC before hashing).
    """
    return unicodedata.normalize("NFKC", password)


def password_checked(password: str, *, path: str, email: str = "") -> str:
    """Give a new password as it is worked on.

    Raises: InputInvalid, when it is too short, too long, or among the first that are guessed.
    """
    text = password_normal(password)
    if not PASSWORD_LENGTH_MIN <= len(text) <= PASSWORD_LENGTH_MAX:
        expected = Said(
            f"{PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters",
            f"{PASSWORD_LENGTH_MIN} 至 {PASSWORD_LENGTH_MAX} 个字符",
        )
        raise InputInvalid(fields=(FieldProblem(path, "password_length", expected),))
    if is_common(text, email=email):
        expected = Said("a password that is not among the common ones", "不属于常见密码")
        raise InputInvalid(fields=(FieldProblem(path, "password_common", expected),))
    return text


def is_common(password: str, *, email: str = "") -> bool:
    """Say whether a password is among those that are guessed first."""
    text = password.casefold()
    if len(set(text)) < _LETTERS_MIN:
        return True
    local = email.partition("@")[0].casefold()
    rest = text
    for name in (local, *_NO_LETTERS.split(local)):
        if len(name) >= _NAME_MIN:
            rest = rest.replace(name, "")
    rest = _WORDS.sub("", rest)
    # One without shift as well: 1qaz@WSX is a walk, and P@ssw0rd a word.
    return any(_is_little(each, of=text) for each in (rest, rest.translate(_SHIFTED)))


def _is_little(rest: str, *, of: str) -> bool:
    """Say whether little is left of a password without what is common, figures and marks apart."""
    left = _without_walks(rest)
    return len(left) < len(of) and len(_NO_LETTERS.sub("", left)) < _LEFT_MIN


def _without_walks(text: str) -> str:
    """Take walks along the keyboard or the alphabet out of a password."""
    left = []
    at = 0
    while at < len(text):
        end = at + _WALK_MIN
        while end <= len(text) and any(text[at:end] in run for run in _RUNS):
            end += 1
        if end > at + _WALK_MIN:
            at = end - 1
        else:
            left.append(text[at])
            at += 1
    return "".join(left)


def session_check(record: SessionRecord | None, *, now: datetime) -> Actor:
    """Decide who a request comes from that brought a session's token.

    ``now`` is the wall clock's time, even in a sandbox whose own clock was turned.

    Raises: Unauthenticated; PartySuspended.
    """
    if record is None or record.session.ends_at <= now:
        raise Unauthenticated(why=SESSION_ENDED)
    if record.who.party.state is PartyState.SUSPENDED:
        raise PartySuspended
    return record.who.actor()

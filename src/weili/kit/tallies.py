"""Two sides that should say the same of millions of things, held together without reading them.

Each side is a statement that gives pairs of a key and a value. The database sums both sides in
buckets, by their hashes; only what lies in buckets that differ is read and compared.
"""

from typing import Final, LiteralString

_LETTERS: Final = "'\\x" + b"0123456789abcdefghjkmnpqrstvwxyz".hex() + "'::bytea"
_LENGTH: Final = 26
_BITS: Final = 5
_ZEROS: Final = 2
"""Letters have two bits more than an id; they stand in front."""


def letters(column: LiteralString) -> LiteralString:
    """Write, in SQL, the 26 letters that ``ids.id_text`` has for an id."""
    return " || ".join([_letter(column, place) for place in range(_LENGTH)])


def _letter(column: LiteralString, place: int) -> str:
    """Write one letter: the bits of one byte, and of the one before it where it begins there."""
    end = _BITS * (place + 1) - _ZEROS
    byte = (end - 1) // 8
    shift = 8 * (byte + 1) - end
    bits = f"(get_byte(uuid_send({column}), {byte}) >> {shift})"
    if byte and 8 - shift < _BITS:
        bits = f"{bits} | (get_byte(uuid_send({column}), {byte - 1}) << {8 - shift})"
    return f"chr(get_byte({_LETTERS}, ({bits}) & 31))"

"""How a mail is given to a server: SMTP (RFC 5321) over TLS."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, Protocol

from weili.kit.clock import wall_now

TIMEOUT_S: Final = 15.0
"""How long each answer of the server is waited for."""
TLS_PORT: Final = 465
"""Where TLS is spoken from the first byte (RFC 8314); on others it is asked for by STARTTLS."""

FINAL_FROM: Final = 500
"""Answers from here on are for good; those of 4yz pass by themselves."""


class MailRefusedError(Exception):
    """The server refuses the mail for good: such an address, or such a mail, it will not take."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in, as whom, and from which address they come.

    ``is_plain`` is for the simulator on this machine alone.
    """

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. ``key`` is what it is known by when it comes twice."""

    key: str
    to: str = field(repr=False)
    title: str
    text: str = field(repr=False)


class MailGateway(Protocol):
    """Hands mails to a server."""

    def send(self, letter: Letter) -> None:
        """Hand in a mail: when this returns, the server has taken it.

        Raises: MailRefusedError, when trying again is of no use; OSError and
        smtplib.SMTPException, when it may be tried again.
        """
        ...


class SmtpGateway:
    """Hands each mail to one server, over a connection of its own."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def send(self, letter: Letter) -> None:
        """Hand in a mail.

        Raises: as the protocol says.
        """
        try:
            message = self._message(letter)
        except ValueError as error:  # A line break in a header, or an address that is none.
            raise MailRefusedError(str(error)) from error
        try:
            with self._connected() as connection:
                connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            if all(_is_final(code) for code, _ in error.recipients.values()):
                raise MailRefusedError("the address is refused") from error
            raise
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            if _is_final(error.smtp_code):
                raise MailRefusedError(f"refused with {error.smtp_code}") from error
            raise

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.port == TLS_PORT and not server.is_plain:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host,
                server.port,
                timeout=TIMEOUT_S,
                context=ssl.create_default_context(),
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
            if not server.is_plain:
                # Refused by whoever does not speak TLS: a password is never told in clear.
                with _closed_on_error(connection):
                    connection.starttls(context=ssl.create_default_context())
        if server.user:
            with _closed_on_error(connection):
                connection.login(server.user, server.password)
        return connection

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=policy.SMTP)
        sender = Address(addr_spec=self._server.sender)
        message["From"] = Address("Weili 微力", addr_spec=self._server.sender)
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = letter.title
        message["Date"] = format_datetime(wall_now())
        message["Message-ID"] = f"<{letter.key}@{sender.domain}>"
        # No holiday note comes back.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text, cte="base64")
        return message


@contextmanager
def _closed_on_error(connection: smtplib.SMTP) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _is_final(code: int) -> bool:
    return code >= FINAL_FROM

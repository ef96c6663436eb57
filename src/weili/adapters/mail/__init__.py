"""Mail: how it is given to a server, and a server of our own that keeps what it is given."""

from weili.adapters.mail.folder import MAILS_KEPT, KeptMail, MailFolder
from weili.adapters.mail.gateway import (
    Letter,
    MailGateway,
    MailRefusedError,
    MailServer,
    SmtpGateway,
)
from weili.adapters.mail.simulator import MailSimulator

__all__ = [
    "MAILS_KEPT",
    "KeptMail",
    "Letter",
    "MailFolder",
    "MailGateway",
    "MailRefusedError",
    "MailServer",
    "MailSimulator",
    "SmtpGateway",
]

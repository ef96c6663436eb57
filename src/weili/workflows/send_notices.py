"""Sends what people are to be told by mail, outside of any transaction."""

import smtplib

import structlog

from weili.adapters.mail import Letter, MailGateway, MailRefusedError
from weili.kit.context import Begin
from weili.kit.ids import id_text
from weili.kit.world import in_transaction
from weili.modules import notices

_log = structlog.get_logger(__name__)


def notices_send(begin: Begin, gateway: MailGateway, *, url: str) -> bool:
    """Send mails that are due, one after another; says whether there may be more.

    Each is taken, which counts a try, and sent, and what became of it is recorded. One that may be
    tried again is left as it was put off when it was taken. No address is logged.
    """
    mails = in_transaction(begin, lambda ctx: notices.mails_take(ctx, url=url))
    for mail in mails:
        key = id_text(notices.NOTICE_PREFIX, mail.notice_id)
        try:
            gateway.send(Letter(key, mail.to, mail.title, mail.text))
        except MailRefusedError:
            _log.warning("mail_refused", notice=key)
            _ended(begin, mail.notice_id, is_sent=False)
        except (OSError, smtplib.SMTPException) as error:
            _log.warning("mail_put_off", notice=key, error=type(error).__name__)
        else:
            _ended(begin, mail.notice_id, is_sent=True)
    return len(mails) >= notices.MAILS_MAX


def _ended(begin: Begin, notice_id: notices.NoticeId, *, is_sent: bool) -> None:
    in_transaction(begin, lambda ctx: notices.mail_ended(ctx, notice_id=notice_id, is_sent=is_sent))

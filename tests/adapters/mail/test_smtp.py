"""Mails are handed in over real SMTP, to a simulator as strict as a server."""

import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from weili.adapters.mail import (
    MAILS_KEPT,
    Letter,
    MailFolder,
    MailRefusedError,
    MailServer,
    MailSimulator,
    SmtpGateway,
)


@pytest.fixture
def folder(tmp_path: Path) -> MailFolder:
    return MailFolder(tmp_path / "mails")


@pytest.fixture
def simulator(folder: MailFolder) -> Iterator[MailSimulator]:
    simulator = MailSimulator(folder)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def gateway(simulator: MailSimulator) -> SmtpGateway:
    return SmtpGateway(MailServer("127.0.0.1", simulator.port, "a@b.example", is_plain=True))


def letter(to: str = "lin@example.cn", title: str = "您好", text: str = "一\n.\n二\n") -> Letter:
    return Letter("ntc_1", to, title, text)


def test_a_mail_arrives_as_it_was_written(gateway: SmtpGateway, folder: MailFolder) -> None:
    gateway.send(letter())
    [kept] = folder.newest(limit=10)
    assert (kept.to, kept.title, kept.text) == ("lin@example.cn", "您好", "一\n.\n二\n")


@pytest.mark.parametrize(
    "bad",
    [
        letter(title="hello\r\nBcc: all@example.cn"),
        letter(to="lin@example.cn\r\nBcc: all@example.cn"),
        letter(to="nobody"),
        letter(to="lin@refused.example"),
    ],
)
def test_what_no_server_takes_is_refused_for_good(
    gateway: SmtpGateway, folder: MailFolder, bad: Letter
) -> None:
    with pytest.raises(MailRefusedError):
        gateway.send(bad)
    assert folder.newest(limit=10) == []


def test_who_is_greylisted_comes_again(gateway: SmtpGateway, folder: MailFolder) -> None:
    again = letter(to="lin@greylisted.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        gateway.send(again)
    assert folder.newest(limit=10) == []
    gateway.send(again)
    assert len(folder.newest(limit=10)) == 1


def test_a_connection_that_is_lost_is_no_refusal(gateway: SmtpGateway, folder: MailFolder) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        gateway.send(letter(to="lin@dropped.example"))
    assert folder.newest(limit=10) == []


def test_a_password_is_never_told_in_clear(simulator: MailSimulator) -> None:
    server = MailServer("127.0.0.1", simulator.port, "a@b.example", user="u", password="p")
    with pytest.raises(smtplib.SMTPNotSupportedError):
        SmtpGateway(server).send(letter())


def test_the_newest_mails_are_kept_and_no_more(folder: MailFolder) -> None:
    for number in range(MAILS_KEPT + 3):
        folder.keep(f"Date: Sun, 29 Nov 2026 08:00:00 +0000\r\n\r\n{number}\r\n".encode())
    found = folder.newest(limit=MAILS_KEPT + 3)
    assert len(found) == MAILS_KEPT
    assert found[0].text.strip() == str(MAILS_KEPT + 2)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"MAIL FROM:<a@b.example>\r\n", b"503"),
        (b"EHLO me\r\nMAIL FROM:<nobody>\r\n", b"501"),
        (b"EHLO me\r\nRCPT TO:<a@b.example>\r\n", b"503"),
        (b"EHLO me\r\nDATA\r\n", b"503"),
        (b"TURN\r\n", b"502"),
        (b"x" * 1_001, b"500"),
    ],
)
def test_the_simulator_is_strict(simulator: MailSimulator, said: bytes, answer: bytes) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        heard = b"".join(iter(lambda: connection.recv(4096), b""))
    assert heard.splitlines()[-1].startswith(answer)

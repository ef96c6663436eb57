"""A mail server of a sandbox: it speaks SMTP as strictly as a real one, and sends nothing on.

Some addresses meet what a real world holds: at ``…@refused.example`` nobody is known (550), what
goes to ``…@greylisted.example`` is put off the first time (451), and who writes to
``…@dropped.example`` loses the connection when the mail has been told.
"""

import re
import socketserver
import threading
from typing import Final

from weili.adapters.mail.folder import MailFolder

LINE_BYTES_MAX: Final = 1_000
"""Source: RFC 5321, 4.5.3.1.6."""
MAIL_BYTES_MAX: Final = 256 * 1024
RECIPIENTS_MAX: Final = 10
GREYLISTED_MAX: Final = 1_000
SILENCE_S: Final = 30.0
_PATH: Final = re.compile(
    rb"(?:FROM|TO):<([!-;=?-~]{1,64}@[A-Za-z0-9.-]{1,253})>(?: .*)?", re.IGNORECASE
)
_HEADERS: Final = (b"from:", b"to:", b"date:", b"message-id:")


class MailSimulator:
    """Takes mails on a port of this machine, and keeps them in a folder."""

    def __init__(self, folder: MailFolder) -> None:
        self._server = _Server(folder)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="mail simulator", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to take mails."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: MailFolder) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.folder = folder
        self._greylisted: dict[bytes, None] = {}
        self._lock = threading.Lock()

    def is_put_off(self, to: bytes) -> bool:
        """Say whether an address is met for the first time."""
        with self._lock:
            is_new = to not in self._greylisted
            self._greylisted[to] = None
            while len(self._greylisted) > GREYLISTED_MAX:
                del self._greylisted[next(iter(self._greylisted))]
            return is_new


class _Talk(socketserver.StreamRequestHandler):
    timeout = SILENCE_S
    server: _Server

    def handle(self) -> None:
        self._sender = False
        self._to: list[bytes] = []
        self._is_greeted = False
        self._say(220, b"simulator of Weili, sends nothing on")
        while line := self.rfile.readline(LINE_BYTES_MAX + 1):
            if len(line) > LINE_BYTES_MAX or not line.endswith(b"\r\n"):
                self._say(500, b"the line is too long, or not ended by CR LF")
                return
            verb, _, rest = line[:-2].partition(b" ")
            if not self._answer(verb.upper(), rest):
                return

    def _answer(self, verb: bytes, rest: bytes) -> bool:
        match verb:
            case b"EHLO" | b"HELO":
                self._is_greeted = bool(rest)
                self._say(250 if rest else 501, b"hello" if rest else b"who are you")
            case b"MAIL":
                self._mail(rest)
            case b"RCPT":
                self._recipient(rest)
            case b"DATA":
                return self._data()
            case b"RSET":
                self._sender, self._to = False, []
                self._say(250, b"forgotten")
            case b"NOOP":
                self._say(250, b"here")
            case b"QUIT":
                self._say(221, b"good bye")
                return False
            case _:
                self._say(502, b"not known")
        return True

    def _mail(self, rest: bytes) -> None:
        if not self._is_greeted or self._sender:
            self._say(503, b"not now")
        elif _PATH.fullmatch(rest) is None:
            self._say(501, b"no such path")
        else:
            self._sender = True
            self._say(250, b"go on")

    def _recipient(self, rest: bytes) -> None:
        path = _PATH.fullmatch(rest)
        if not self._sender:
            self._say(503, b"from whom")
        elif path is None:
            self._say(501, b"no such path")
        elif path[1].endswith(b"@refused.example"):
            self._say(550, b"nobody of this name")
        elif path[1].endswith(b"@greylisted.example") and self.server.is_put_off(path[1]):
            self._say(451, b"come again later")
        elif len(self._to) >= RECIPIENTS_MAX:
            self._say(452, b"too many")
        else:
            self._to.append(path[1])
            self._say(250, b"go on")

    def _data(self) -> bool:
        if not self._to:
            self._say(503, b"to whom")
            return True
        self._say(354, b"tell it, and end with a dot")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(LINE_BYTES_MAX + 1)) != b".\r\n":
            size += len(line)
            if not line.endswith(b"\r\n") or size > MAIL_BYTES_MAX:
                self._say(552, b"too much")
                return False
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if any(to.endswith(b"@dropped.example") for to in self._to):
            return False
        raw = b"".join(lines)
        head = raw.partition(b"\r\n\r\n")[0].lower()
        if not all(re.search(b"^" + name, head, re.MULTILINE) for name in _HEADERS):
            self._say(554, b"a header is missing")
        else:
            self.server.folder.keep(raw)
            self._say(250, b"taken")
        self._sender, self._to = False, []
        return True

    def _say(self, code: int, text: bytes) -> None:
        self.wfile.write(b"%d %s\r\n" % (code, text))

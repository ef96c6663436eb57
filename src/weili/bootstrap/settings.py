"""What the environment says, and what is refused of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from weili.adapters.mail.gateway import TLS_PORT, MailServer
from weili.kit.problems import Kind, Problem, Said, machine_said

SANDBOX: Final = "sandbox"
PORT_DEFAULT: Final = 8000
PORT_MAX: Final = 65_535
_SENDER: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}")
_URL: Final = re.compile(r"https?://[!-.0-~]{1,253}/?")
_WORLD_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,30}")


class SettingInvalid(Problem):
    """A setting in the environment can't be used."""

    kind = Kind.INVALID
    code = "setting_invalid"
    en = "{name} is {value!r}, but should be {expected}."
    zh = "环境变量 {name} 的值为 {value!r}，应为 {expected}。"


class PortTaken(Problem):
    """Another program has the port, or it may not be taken."""

    kind = Kind.UNAVAILABLE
    code = "port_taken"
    en = "Port {port} on {host} can't be used ({why}). Choose another: {setting}=8080 weili up"
    zh = "{host} 的端口 {port} 无法使用（{why}）。请换一个端口：{setting}=8080 weili up"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; read once."""

    database_url: str | None
    worlds: tuple[str, ...]
    host: str
    port: int
    home: Path
    metrics_host: str = "127.0.0.1"
    mail: MailServer | None = None
    """Where the mails of the live world are handed in; None for nowhere."""
    url: str = ""
    """Where people reach the console, for links in mails."""
    metrics_port: int | None = None
    """Where figures are shown, apart from the API, which the world may reach; None for nowhere."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises: SettingInvalid.
        """
        worlds = tuple(environ.get("WEILI_WORLDS", SANDBOX).split(","))
        for name in worlds:
            if not _WORLD_NAME.fullmatch(name) or worlds.count(name) > 1:
                raise SettingInvalid(
                    name="WEILI_WORLDS",
                    value=",".join(worlds),
                    expected=Said(
                        "names of lower-case letters and digits, each once, with commas",
                        "小写字母与数字组成的名称，不重复，以逗号分隔",
                    ),
                )
        metrics_port = environ.get("WEILI_METRICS_PORT")
        port = _port("WEILI_PORT", environ.get("WEILI_PORT", str(PORT_DEFAULT)))
        return cls(
            database_url=environ.get("WEILI_DATABASE_URL") or None,
            worlds=worlds,
            host=environ.get("WEILI_HOST") or "127.0.0.1",
            port=port,
            home=Path(environ.get("WEILI_HOME") or _home_default()).expanduser().absolute(),
            metrics_host=environ.get("WEILI_METRICS_HOST") or "127.0.0.1",
            metrics_port=_port("WEILI_METRICS_PORT", metrics_port) if metrics_port else None,
            mail=_mail(environ),
            url=_url(environ.get("WEILI_URL") or f"http://localhost:{port}"),
        )

    @property
    def postgres_home(self) -> Path:
        """Where the embedded server keeps its state."""
        return self.home / "postgres"

    @property
    def keyring_path(self) -> Path:
        """Where the key ring lies."""
        return self.home / "keyring.json"

    @property
    def media_path(self) -> Path:
        """Where the bytes of pictures, videos and documents lie."""
        return self.home / "media"

    def mail_path(self, world: str) -> Path:
        """Say where the mails lie that a sandbox would have sent."""
        return self.home / "mails" / world

    def search_home(self, world: str) -> Path:
        """Say where the search index of a world lies; what is in it can always be built anew."""
        return self.home / "search" / world

    def sample_path(self, world: str) -> Path:
        """Say where the keys of a sample world lie."""
        return self.home / ("sample.json" if world == SANDBOX else f"sample-{world}.json")


def port_problem(settings: Settings, error: OSError) -> PortTaken:
    """Say in the reader's words why the port can't be had."""
    return PortTaken(
        port=settings.port, host=settings.host, why=machine_said(error), setting="WEILI_PORT"
    )


def _port(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value[:6]) > PORT_MAX:
        raise SettingInvalid(
            name=name, value=value, expected=Said(f"0 to {PORT_MAX}", f"0 至 {PORT_MAX}")
        )
    return int(value)


def _mail(environ: Mapping[str, str]) -> MailServer | None:
    """Read where mails are handed in.

    Raises: SettingInvalid.
    """
    host = environ.get("WEILI_MAIL_HOST")
    if not host:
        return None
    sender = environ.get("WEILI_MAIL_FROM", "")
    if not _SENDER.fullmatch(sender):
        expected = Said("the address that mails come from", "发件人邮箱地址")
        raise SettingInvalid(name="WEILI_MAIL_FROM", value=sender, expected=expected)
    password = environ.get("WEILI_MAIL_PASSWORD", "")
    if file := environ.get("WEILI_MAIL_PASSWORD_FILE"):
        try:
            password = Path(file).read_text(encoding="utf-8").strip()
        except OSError:
            expected = Said("a file that can be read", "可读取的文件")
            raise SettingInvalid(
                name="WEILI_MAIL_PASSWORD_FILE", value=file, expected=expected
            ) from None
    port = _port("WEILI_MAIL_PORT", environ.get("WEILI_MAIL_PORT") or str(TLS_PORT))
    return MailServer(host, port, sender, environ.get("WEILI_MAIL_USER", ""), password)


def _url(value: str) -> str:
    if not _URL.fullmatch(value):
        expected = Said(
            "an address such as https://weili.example.cn", "形如 https://weili.example.cn 的地址"
        )
        raise SettingInvalid(name="WEILI_URL", value=value, expected=expected)
    return value.rstrip("/")


def _home_default() -> Path:
    """Give the folder for state: in the checkout, or in the user's home when installed."""
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").exists() and (checkout / "src" / "weili").exists():
        return checkout / ".weili"
    return Path.home() / ".weili"

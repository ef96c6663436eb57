"""What `deploy/` holds is well formed, fits the code, and is closed as far as it can be."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import Metric
from typer.main import get_command

from weili.bootstrap import PORT_DEFAULT, Settings
from weili.entrypoints.cli import app
from weili.entrypoints.cli.figures import HELP
from weili.entrypoints.http.meter import Meter
from weili.entrypoints.http.problems import REFUSED_AS
from weili.kit.groupcommit import Lanes
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules.goods import MEDIA_BYTES_MAX

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
CLOSED = {
    "CapabilityBoundingSet": "",
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "UMask": "0077",
    "User": "weili",
}


def _unit(path: Path) -> dict[str, list[str]]:
    """Read a unit's settings; one that is given twice adds to itself."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_each_service_is_closed_and_runs_a_command_that_there_is(path: Path) -> None:
    unit = _unit(path)
    assert {name: unit[name] for name in CLOSED} == {name: [v] for name, v in CLOSED.items()}
    assert "weili" in unit["StateDirectory"]
    assert unit.get("Restart", unit.get("Type")) in (["always"], ["oneshot"])

    [command] = unit["ExecStart"]
    program, *words = command.split()
    assert program == "/opt/weili/bin/weili"
    context = get_command(app).make_context("weili", words, resilient_parsing=True)
    found = get_command(app)
    for word in words:
        found = getattr(found, "commands", {}).get(word, found)
    assert found.name in words, context.command_path


def test_each_timer_has_its_service() -> None:
    timers = {path.stem for path in (DEPLOY / "systemd").glob("*.timer")}
    oneshots = {path.stem for path in SERVICES if _unit(path).get("Type") == ["oneshot"]}
    assert timers == oneshots == {"weili-backup", "weili-verify"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    units = []
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/weili/bin/weili", sys.executable)
        units.append(tmp_path / path.name)
        units[-1].write_text(text)
    words = ["systemd-analyze", "verify", "--man=no", *map(str, units)]

    sound = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (sound.returncode, sound.stderr) == (0, "")

    units[0].write_text(units[0].read_text().replace("[Unit]", "[Unit]\nNonsense=yes"))
    faulty = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "Nonsense" in faulty.stderr


def test_the_image_is_made_from_the_lock_and_runs_as_nobody_of_rank() -> None:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
    of = {word: [rest for name, rest in steps if name == word] for word, _ in steps}

    # A base of one version, which both stages share
    assert re.fullmatch(r"BASE=docker\.io/library/python:\d+\.\d+\.\d+-slim-\w+", of["ARG"][0])
    assert [each.split()[0] for each in of["FROM"]] == ["${BASE}", "${BASE}"]
    # Nothing is installed but what the lock names with its hashes, and what lies here
    installs = [each for each in of["RUN"] if "pip install" in each]
    assert [each.split()[-1] for each in installs] == ["requirements.lock", "."]
    assert "--require-hashes" in installs[0]
    assert all("--no-deps" in each for each in installs)
    assert "--no-build-isolation" in installs[1]
    for step in of["COPY"]:
        *sources, _ = [word for word in step.split() if not word.startswith("--from=")]
        assert "--from=build" in step or all((CHECKOUT / source).exists() for source in sources)
    # The console is built from its sources, which the install's own hook would find built
    assert of["RUN"].index("python web/console/build.py") < of["RUN"].index(installs[1])
    # Nothing else of a checkout comes along, which may hold keys and data
    _, *let_in = [
        line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line[0] in "*!"
    ]
    copied = [word for step in of["COPY"] if "--from=" not in step for word in step.split()[:-1]]
    assert sorted(line for line in let_in if line[0] == "!") == sorted(
        f"!{each}" for each in copied
    )
    # It runs as a user with a number, and says whether it is well
    assert of["USER"] == ["10001"]
    assert "--uid 10001" in next(each for each in of["RUN"] if "useradd" in each)
    assert "os.environ['WEILI_PORT'] + '/healthz'" in of["HEALTHCHECK"][0]
    assert f"WEILI_PORT={PORT_DEFAULT}" in of["ENV"][0]
    assert of["EXPOSE"] == [str(PORT_DEFAULT)]
    python = re.search(r"python:(\d+\.\d+)", of["ARG"][0])
    assert python is not None
    assert f'requires-python = ">={python[1]}"' in (CHECKOUT / "pyproject.toml").read_text()


@pytest.mark.long
def test_an_installation_holds_every_file_that_the_code_reads(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        source.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, source / name)
    shutil.copytree(
        CHECKOUT / "src" / "weili", source / "src" / "weili", ignore=shutil.ignore_patterns("*.pyc")
    )
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, *words, "--wheel-dir", str(tmp_path), str(source)],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        timeout=110,
        check=True,
    )
    [wheel] = tmp_path.glob("weili-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    there = {
        str(path.relative_to(CHECKOUT / "src"))
        for path in (CHECKOUT / "src" / "weili").rglob("*")
        # The pattern of a new migration is for whoever writes one, in a checkout.
        if path.is_file() and path.suffix not in {".mako", ".pyc"}
    }
    assert there <= packed


def test_the_example_of_settings_is_read_as_it_stands() -> None:
    lines = (DEPLOY / "weili.env.example").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    read = Settings.read(settings)
    assert (read.worlds, str(read.home)) == (("live",), "/var/lib/weili")
    assert (read.host, read.port, read.database_url) == ("127.0.0.1", 8000, None)
    assert (read.metrics_host, read.metrics_port) == ("127.0.0.1", 8001)


def test_each_alarm_asks_for_figures_that_there_are_and_is_in_the_runbook() -> None:
    told = {sample.name for metric in _figures() for sample in metric.samples} | set(HELP)
    rules = (DEPLOY / "prometheus" / "weili.rules.yml").read_text()
    asked = set(re.findall(r"\bweili_[a-z_]+", re.sub(r"#.*", "", rules)))
    assert asked <= told
    services = set(re.findall(r'name="(weili[a-z-]*\.service)"', rules))
    assert services <= {path.name for path in SERVICES}
    # The runbook asks for the same, and of the same whether they are there at all
    runbook = (CHECKOUT / "docs" / "howto" / "run-in-production.md").read_text()
    rows = re.findall(
        r"^\| [^|]+ \| ([^|]+) \| ([^|]+) \|", runbook[runbook.index("## Alarms") :], re.MULTILINE
    )
    stem = r"\b(?:weili|node_textfile)_[a-z_]+?(?=(?:_count|_bucket)?\b)"
    assert _all(stem, [ask for ask, _ in rows]) == _all(stem, [re.sub(r"#.*", "", rules)])
    absent = [ask for ask, when in rows if "or absent" in when]
    assert _all(stem, absent) == _all(rf"(?<=absent\(){stem}", [rules])
    # What is shown to Prometheus is where the example of settings puts it, and nowhere public
    assert '"127.0.0.1:8001"' in (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    for proxy in (DEPLOY / "proxy").iterdir():
        assert "8001" not in proxy.read_text()


def _all(pattern: str, texts: Iterable[str]) -> set[str]:
    return {found for text in texts for found in re.findall(pattern, text)}


def _figures() -> list[Metric]:
    with closing(World("live", "postgresql://nowhere/none", KeyRing.fresh())) as world:
        meter = Meter()
        meter.watch({"live": world}, {"live": Lanes([])}, {"live": Lanes([])})
        meter.answered({"method": "POST", REFUSED_AS: "busy"}, "/v1/orders", 429, 0.1)
        return list(meter.registry.collect())


def test_the_proxies_let_through_what_the_api_takes_and_name_the_request() -> None:
    nginx = (DEPLOY / "proxy" / "nginx.conf").read_text()
    caddy = (DEPLOY / "proxy" / "Caddyfile").read_text()
    [megabytes] = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(megabytes) * 1024 * 1024 > MEDIA_BYTES_MAX
    [megabytes] = re.findall(r"max_size (\d+)MB", caddy)
    assert int(megabytes) * 1_000_000 > MEDIA_BYTES_MAX
    # A path after the address would rewrite what was signed.
    assert re.findall(r"proxy_pass (\S+);", nginx) == ["http://127.0.0.1:8000"]
    assert "X-Request-Id $request_id;" in nginx
    assert "X-Request-Id {http.request.uuid}" in caddy

"""The operator's commands, as they are typed, and what they answer people and scripts."""

import csv
import json
import stat
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.entrypoints.cli.conftest import Run
from weili import __version__, bootstrap, migrations, sample
from weili.kit.secrets import KeyRing
from weili.kit.world import World


def party(name: str, legal_name: str, uscc: str) -> tuple[str, ...]:
    """Name a party as the commands want it."""
    return ("--name", name, "--legal-name", legal_name, "--uscc", uscc)


SUPPLIER = party("禾屿", "嘉兴禾屿谷坊农产品有限公司", "91330411MAY4EEYQ65")
PARTNER = party("青梧", "上海青梧邻里信息科技有限公司", "91310115MAY1W6PN8E")
LATER = party("花禾", "苏州花禾社区服务有限公司", "91320506MAY2NAD06H")


def opened(run: Run, *words: str) -> str:
    """Open a party and give its id."""
    said = run(*words, "--json")
    assert said.code == 0, said.err
    return str(json.loads(said.out)["id"])


def test_a_party_opened_twice_is_one_party(ground: Run) -> None:
    first = opened(ground, "supplier", "open", *SUPPLIER)
    assert opened(ground, "supplier", "open", *SUPPLIER) == first
    listed = json.loads(ground("supplier", "list", "--json").out)["items"]
    assert [(item["id"], item["available_minor"]) for item in listed] == [(first, 0)]


def test_a_payment_counts_once_for_its_reference(ground: Run) -> None:
    opened(ground, "partner", "open", *PARTNER)
    pay = ("partner", "top-up", "青梧", "5000.00", "--reference", "B-1", "--json")
    first, second = (json.loads(ground(*pay).out) for _ in range(2))
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["available_minor"] == second["available_minor"] == 500_000
    assert "5000.00" in ground("partner", "list").out


def test_a_refusal_speaks_the_readers_language_and_ends_with_its_kinds_code(
    ground: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = ground("partner", "top-up", "nobody", "5", "--reference", "B-1")
    assert (english.code, english.err) == (5, "weili: There is no partner nobody.\n")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    chinese = ground("partner", "top-up", "nobody", "5", "--reference", "B-1")
    assert (chinese.code, chinese.err) == (5, "weili: 不存在渠道商 nobody。\n")


def test_an_amount_with_three_decimals_is_refused_before_anything_is_done(ground: Run) -> None:
    assert ground("partner", "top-up", "青梧", "5.001", "--reference", "B-1").code == 2


def test_a_key_is_shown_once_and_ends_when_it_is_revoked(ground: Run) -> None:
    party_id = opened(ground, "partner", "open", *PARTNER)
    issued = json.loads(ground("key", "issue", "青梧", "--label", "till", "--json").out)
    listed = ground("key", "list", party_id, "--json")
    assert [item["id"] for item in json.loads(listed.out)["items"]] == [issued["key_id"]]
    assert "people:write" not in json.loads(listed.out)["items"][0]["scopes"]
    assert issued["secret"] not in listed.out
    assert ground("key", "revoke", issued["key_id"], "--reason", "lost").code == 0
    [key] = json.loads(ground("key", "list", "青梧", "--json").out)["items"]
    assert key["revoked_at"] is not None


def test_a_scope_beyond_the_partys_kind_is_refused(ground: Run) -> None:
    opened(ground, "partner", "open", *PARTNER)
    words = ("key", "issue", "青梧", "--label", "x", "--scope", "admin:money")
    said = ground(*words)
    assert said.code == 7
    assert "the scopes admin:money; allowed: account:read, account:write, goods:read, " in said.err
    assert json.loads(ground("key", "list", "青梧", "--json").out)["items"] == []


def test_a_supplier_is_connected_to_its_own_system(ground: Run, sandbox: str) -> None:
    opened(ground, "supplier", "open", *SUPPLIER)
    words = ("supplier", "connect", "禾屿", "http://127.0.0.1:9/", "--secret", "s3cret")
    assert ground(*words).code == 0
    with psycopg.connect(sandbox) as connection:
        rows = connection.execute("SELECT secret_sealed FROM dropship.supplier_connection")
        assert b"s3cret" not in bytes(rows.fetchall()[0][0])
    assert ground("supplier", "connect", "禾屿", "ftp://x", "--secret", "s").code == 2


def sheet(path: Path, rows: int, **changes: str) -> Path:
    """Write the first rows of the sample's catalogue, without stock, the last one changed."""
    with sample.catalogue_path() as source, source.open(encoding="utf-8") as file:
        reader = csv.DictReader(file)
        kept = [{**row, "stock": ""} for row, _ in zip(reader, range(rows), strict=False)]
        names = list(reader.fieldnames or ())
    kept[-1] |= changes
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(kept)
    return path


def test_a_sheet_is_imported_once_and_the_same_again_changes_nothing(
    ground: Run, tmp_path: Path
) -> None:
    opened(ground, "supplier", "open", *SUPPLIER)
    words = ("import", "goods", str(sheet(tmp_path / "a.csv", 3)), "--json")
    first, second = (json.loads(ground(*words).out) for _ in range(2))
    assert (first["created"], first["unchanged"]) == (3, 0)
    assert (second["created"], second["unchanged"]) == (0, 3)


def test_a_sheet_with_a_wrong_row_is_refused_whole_unless_wrong_rows_are_left_out(
    ground: Run, tmp_path: Path
) -> None:
    opened(ground, "supplier", "open", *SUPPLIER)
    path = str(sheet(tmp_path / "a.csv", 3, price="cheap"))
    refused = ground("import", "goods", path)
    assert refused.code == 7
    assert "row 4, price: 'cheap', expected yuan" in refused.err
    assert "--skip-bad" in refused.err
    lenient = json.loads(ground("import", "goods", path, "--skip-bad", "--json").out)
    assert (lenient["created"], lenient["bad_rows"]) == (2, 1)


def test_verify_ends_with_one_and_says_what_to_do_when_something_is_broken(
    ground: Run, sandbox: str
) -> None:
    assert ground("verify").code == 0
    with psycopg.connect(sandbox, autocommit=True) as connection:
        connection.execute("UPDATE regions.region SET level = 1 WHERE code = '330106'")
    broken = ground("verify", "--json")
    assert broken.code == 1
    [finding] = json.loads(broken.out)["findings"]
    assert (finding["check"], finding["where"]) == ("region_in_place", "region 330106")
    assert "repair:" in ground("verify").out


def test_a_sandboxs_clock_is_turned_ahead(ground: Run) -> None:
    before = json.loads(ground("clock", "turn", "1s", "--json").out)["now"]
    after = json.loads(ground("clock", "turn", "8d", "--json").out)["now"]
    assert after[:10] > before[:10]
    assert ground("clock", "turn", "yesterday").code == 2


def test_a_back_up_brings_everything_back_and_never_replaces_data_unasked(
    ground: Run, sandbox: str, tmp_path: Path, home: Path
) -> None:
    # Given a back-up with one partner and a note of what was touched, and a second partner opened
    # after it
    opened(ground, "partner", "open", *PARTNER)
    with psycopg.connect(sandbox, autocommit=True) as connection:
        connection.execute("INSERT INTO kit.touched (topic, xid, ids) VALUES (0, 7, '{}')")
    file = tmp_path / "weili.tar"
    assert ground("db", "backup", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ground("db", "backup", str(file)).code == 6
    opened(ground, "partner", "open", *LATER)
    # When it is put back, first without saying that data may be replaced
    refused = ground("db", "restore", str(file))
    assert (refused.code, "--force" in refused.err) == (6, True)
    assert ground("db", "restore", str(file), "--force").code == 0
    # Then the first partner is there, the second is not, and the books are sound
    names = [item["name"] for item in json.loads(ground("partner", "list", "--json").out)["items"]]
    assert names == ["青梧"]
    assert ground("verify").code == 0
    # And not the note, which goes by the transactions of the server it was on
    with psycopg.connect(sandbox) as connection:
        assert connection.execute("SELECT count(*) FROM kit.touched").fetchone() == (0,)
    # And the index, which followed what is gone, is to be built anew
    assert (home / "search" / "sandbox" / "rebuild").exists()


def test_a_broken_back_up_leaves_the_database_as_it_was(ground: Run, tmp_path: Path) -> None:
    opened(ground, "partner", "open", *PARTNER)
    file = tmp_path / "weili.tar"
    assert ground("db", "backup", str(file)).code == 0
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    refused = ground("db", "restore", str(file), "--force")
    assert (refused.code, "not a whole back-up" in refused.err) == (2, True)
    assert len(json.loads(ground("partner", "list", "--json").out)["items"]) == 1


def test_another_key_ring_is_set_aside_and_not_lost(
    ground: Run, tmp_path: Path, home: Path
) -> None:
    file = tmp_path / "weili.tar"
    assert ground("db", "backup", str(file)).code == 0
    ring = home / "keyring.json"
    ring.unlink()
    KeyRing.fresh().save(ring)
    other = ring.read_bytes()
    assert ground("db", "restore", str(file), "--force").code == 0
    assert ring.read_bytes() != other
    assert (home / "keyring.json.before-1").read_bytes() == other


def test_a_world_must_be_named_where_there_are_several(
    ground: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEILI_WORLDS", "sandbox,trial")
    refused = ground("verify")
    assert (refused.code, "sandbox, trial" in refused.err) == (2, True)
    assert ground("verify", "--world", "sandbox").code == 0


def test_a_database_that_is_behind_is_refused_until_it_is_upgraded(
    ground: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEILI_WORLDS", "trial")
    refused = ground("partner", "list")
    assert (refused.code, "weili db upgrade" in refused.err) == (10, True)
    monkeypatch.setenv("WEILI_WORLDS", "sandbox,trial")
    assert ground("db", "upgrade").code == 0
    steps = json.loads(ground("db", "status", "--json").out)
    assert set(steps["worlds"].values()) == {steps["needed"]}


def test_a_database_of_a_newer_version_is_left_alone(ground: Run, sandbox: str) -> None:
    with psycopg.connect(sandbox, autocommit=True) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '9999'")
        for left in ("SET works_from = '9998'", "SET works_from = NULL"):
            connection.execute(f"UPDATE public.alembic_version {left}")
            refused = ground("verify")
            assert (refused.code, "9999" in refused.err) == (10, True)
        # A server that is at work already says in its health that it is out of turn
        with closing(World("sandbox", sandbox, KeyRing.fresh())) as world:
            assert not bootstrap.is_fit(world)
        # As code left it that knew nothing of who else may work
        connection.execute("ALTER TABLE public.alembic_version DROP COLUMN works_from")
        assert ground("db", "status").code == 10


def test_a_database_of_a_newer_version_that_is_fit_for_this_is_worked_with_as_it_is(
    ground: Run, sandbox: str
) -> None:
    with psycopg.connect(sandbox, autocommit=True) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '9999'")
        [works_from] = connection.execute(
            "SELECT works_from FROM public.alembic_version"
        ).fetchone() or ("",)
    assert "0018" <= works_from <= migrations.head()
    with closing(World("sandbox", sandbox, KeyRing.fresh())) as world:
        assert bootstrap.is_fit(world)
    assert ground("verify").code == 0
    # Bringing it to this version's shape would lead back
    assert ground("db", "upgrade").out == "sandbox: 9999\n"
    assert json.loads(ground("status", "--json").out)["worlds"]["sandbox"]["schema"] == "9999"


def test_a_database_that_names_two_steps_is_told_of_and_left_alone(
    ground: Run, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(sandbox, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO public.alembic_version (version_num, works_from) VALUES ('0003', NULL)"
        )
    for words in (("verify",), ("db", "upgrade"), ("db", "status"), ("status",)):
        refused = ground(*words)
        assert (refused.code, refused.err.count("\n")) == (10, 1)
        assert f"(0003, {migrations.head()})" in refused.err
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert f"有多个版本（0003、{migrations.head()}）" in ground("verify").err


def test_a_world_that_somebody_works_in_is_not_replaced(
    ground: Run, sandbox: str, home: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "backup.tar")
    assert ground("db", "backup", file).code == 0
    # As `weili serve` or `work` does that somebody started by hand
    with closing(World("sandbox", sandbox, KeyRing.load(home / "keyring.json"))) as world:
        with world.begin():
            pass
        refused = ground("db", "restore", file, "--force")
    assert (refused.code, "Weili runs here" in refused.err) == (6, True)
    assert ground("db", "restore", file, "--force").code == 0


def test_what_only_looks_starts_no_server(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "stopped"
    monkeypatch.setenv("WEILI_HOME", str(home))
    monkeypatch.delenv("WEILI_DATABASE_URL")
    for command in ("verify", "metrics"):
        said = run(command)
        assert (said.code, said.out) == (10, "")
        assert "The embedded server does not run" in said.err
        assert not home.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEILI_PORT", "http"),
        ("WEILI_PORT", "70000"),
        ("WEILI_WORLDS", "A-1"),
        ("WEILI_WORLDS", "sandbox,sandbox"),
    ],
)
def test_a_setting_that_can_not_be_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    refused = run("status")
    assert (refused.code, name in refused.err) == (2, True)


def test_a_server_that_is_not_there_is_told_in_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEILI_DATABASE_URL", "postgresql://weili@127.0.0.1:1/weili")
    refused = run("verify")
    assert refused.code == 10
    assert refused.err.startswith("weili: The database can't be reached")
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(
    "words",
    [
        ("up",), ("serve",), ("work",), ("status",), ("verify",), ("clock", "turn"),
        ("import", "goods"), ("db", "upgrade"), ("db", "status"), ("db", "backup"),
        ("db", "restore"), ("operator", "open"), ("partner", "open"), ("partner", "list"),
        ("partner", "top-up"), ("supplier", "open"), ("supplier", "list"),
        ("supplier", "connect"), ("key", "issue"), ("key", "list"), ("key", "revoke"),
        ("key", "ring"), ("key", "ring", "rotate"),
    ],
)  # fmt: skip
def test_every_command_explains_itself(typed: Run, words: tuple[str, ...]) -> None:
    said = typed(*words, "--help")
    assert said.code == 0
    assert "Usage: weili" in said.out


def test_the_version_is_told(ground: Run) -> None:
    said = ground("--version")
    assert (said.code, said.out) == (0, f"weili {__version__}\n")


def test_a_back_up_into_a_folder_that_is_not_there_says_which(ground: Run, tmp_path: Path) -> None:
    said = ground("db", "backup", str(tmp_path / "away" / "world.tar"))
    assert said.code == 2
    assert said.err.startswith(f"weili: There is no folder {tmp_path / 'away'};")


def test_a_file_that_is_no_back_up_is_refused_in_one_line(ground: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a back-up")
    said = ground("db", "restore", str(file))
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.startswith(f"weili: {file} is not a whole back-up")


def test_refreshing_the_areas_says_what_changed_and_again_that_nothing_did(
    ground: Run, sandbox: str
) -> None:
    partner = opened(ground, "partner", "open", *PARTNER)
    with psycopg.connect(sandbox, autocommit=True) as connection:
        connection.execute("UPDATE regions.region SET name = '老名' WHERE code = '330106'")

    first = json.loads(ground("areas", "refresh", "--json").out)
    assert [(c["kind"], c["name"], c["successor_name"]) for c in first["changes"]] == [
        ("renamed", "老名", "西湖区")
    ]
    assert first["rows"] == 1
    assert ground("areas", "refresh").out.endswith("0 rows new or different, 0 changes.\n")
    with psycopg.connect(sandbox) as connection:
        told = connection.execute(
            "SELECT party_id::text FROM kit.outbox WHERE type = 'area.changed'"
        ).fetchall()
    # Once to every party, and the partner is one.
    assert len(told) == len(set(told))
    assert told
    assert len(partner) > len("par_")

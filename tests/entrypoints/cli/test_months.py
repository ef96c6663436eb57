"""Old months are taken out and put back by command."""

import json
import zipfile
from pathlib import Path

import psycopg
import pytest

from tests.entrypoints.cli.conftest import Run
from weili import migrations


def test_a_month_is_listed_taken_out_and_put_back(ground: Run, tmp_path: Path) -> None:
    # Given a sandbox, of which no worker has made the months ahead: all that was is one partition
    items = json.loads(ground("db", "partitions", "--json").out)["items"]
    [item, *_] = items
    # and of the log the first stretch in which anything can lie
    assert [each["bound"] for each in items[1:]] == ["5000001"]
    name = item["partition"]
    assert (name[:19], item["out_at"]) == ("inventory.movement_", None)
    file = tmp_path / "old.zip"

    # A month that goes on is refused, and one that there is not, and a folder that is not there
    refused = ground("db", "take-out", name, str(file))
    assert (refused.code, "its last month is over" in refused.err) == (6, True)
    assert ground("db", "take-out", "inventory.movement_1999_01", str(file)).code == 5
    assert ground("db", "take-out", name, str(tmp_path / "none" / "old.zip")).code == 2

    # When it is over, it goes, and the list says so
    assert ground("clock", "turn", "40d").code == 0
    done = ground("db", "take-out", name, str(file))
    assert (done.code, f"0 rows of {name}" in done.out) == (0, True), done.err
    # Done again with the same file it is packed once more
    assert ground("db", "take-out", name, str(file)).code == 0
    assert name in ground("db", "partitions").out
    [gone] = [
        item
        for item in json.loads(ground("db", "partitions", "--json").out)["items"]
        if item["out_at"]
    ]
    assert (gone["partition"], gone["rows_out"]) == (name, 0)
    again = ground("db", "take-out", name, str(tmp_path / "again.zip"))
    assert (again.code, "was taken out already" in again.err) == (6, True)

    # A back-up has it out as well, and the file goes back into what was restored from it
    assert ground("db", "backup", str(tmp_path / "backup.tar")).code == 0
    assert ground("db", "restore", str(tmp_path / "backup.tar"), "--force").code == 0
    back = ground("db", "put-back", str(file))
    assert (back.code, "has its 0 rows again" in back.out) == (0, True), back.err
    assert ground("db", "put-back", str(file)).code == 6
    assert ground("verify").code == 0


def test_a_file_says_at_which_step_its_database_was_and_goes_back_at_another(
    ground: Run, sandbox: str, tmp_path: Path
) -> None:
    # Given a database that newer code has brought further, and left fit for this
    step = "UPDATE public.alembic_version SET version_num = %s"
    [item, *_] = json.loads(ground("db", "partitions", "--json").out)["items"]
    assert ground("clock", "turn", "40d").code == 0
    file = tmp_path / "old.zip"
    with psycopg.connect(sandbox, autocommit=True) as owner:
        owner.execute(step, ["9999"])
        # When a month is taken out of it, then the file names that step, and not this code's
        assert ground("db", "take-out", item["partition"], str(file)).code == 0
        with zipfile.ZipFile(file) as archive:
            assert json.loads(archive.read("manifest.json"))["schema"] == "9999"
        # And it goes back at any step whose columns are the same
        owner.execute(step, [migrations.head()])
    assert ground("db", "put-back", str(file)).code == 0


def test_listing_starts_no_server(ground: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEILI_DATABASE_URL")
    refused = ground("db", "partitions")
    assert (refused.code, "embedded server does not run" in refused.err) == (10, True)
    assert not (home / "postgres").exists()

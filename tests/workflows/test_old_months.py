"""Old months are taken out of the database and put back, and every check holds all the while."""

import json
import os
import stat
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from tests.market import Market
from tests.waiting import until_nobody_waits, until_somebody_waits
from tests.workflows.short_orders import cancel, order
from weili.adapters.postgres import months
from weili.adapters.postgres.databases import DatabaseError
from weili.kit import outbox, partitions
from weili.kit.clock import wall_now
from weili.kit.findings import Finding
from weili.kit.ids import id_least, new_id
from weili.kit.partitions import Partition
from weili.kit.problems import NotFound
from weili.kit.world import World, clock_turn, in_transaction
from weili.kit.zone import day_begins_at, day_of
from weili.modules import inventory
from weili.workflows.old_months import (
    CUTS,
    MonthNotOver,
    MonthOrdersOpen,
    partition_ended,
)
from weili.workflows.verify_world import verify_world

TABLE = "inventory.movement"
ABOUT = {"world": "sandbox", "schema": "0019"}
LATER_S = 40 * 86_400
SPOILT_AT: Final = 80
"""A byte of a file's rows."""
MOVEMENTS = (
    "SELECT id, sku_id, warehouse_id, kind, on_hand_delta, reserved_delta, subject, occurred_at"
    " FROM inventory.movement ORDER BY id, sku_id"
)

Out = Callable[[Path], months.Manifest]


@pytest.fixture
def out(market: Market, database: str) -> Out:
    """Take out the first month of a market that has traded and let it pass."""
    order(market, "M-1")
    cancel(market, "M-1")
    with market.world.begin() as ctx:
        inventory.transfer_ship(
            ctx,
            from_warehouse_id=market.near,
            to_warehouse_id=market.far,
            lines=[(market.tea, 5)],
            expected_on=day_of(ctx.now) + timedelta(days=3),
            reference="to the far one",
        )
    turn(market.world)
    order(market, "M-2")
    cancel(market, "M-2")
    in_transaction(market.world.begin, outbox.relay)
    part = first(market.world)

    def take(to: Path) -> months.Manifest:
        with market.world.begin(snapshot=True) as ctx:
            found, now = partition_ended(ctx, name=part.fullname), ctx.now
        return months.take_out(database, cut=CUTS[TABLE], part=found, to=to, now=now, about=ABOUT)

    return take


def turn(world: World) -> None:
    """Let more than a month pass."""
    with world.begin() as ctx:
        clock_turn(ctx, ahead_s=LATER_S)


def first(world: World) -> Partition:
    """Give the partition of all that was when the table was cut."""
    with world.begin() as ctx:
        return partitions.partitions_read(ctx)[0]


def findings(world: World) -> list[Finding]:
    """Verify on a snapshot, as the command line does."""
    with world.begin(snapshot=True) as ctx:
        return verify_world(ctx)


def rows(database: str, statement: str) -> list[Any]:
    """Read as the owner."""
    with psycopg.connect(database) as connection:
        return connection.execute(statement.encode()).fetchall()


def hit(database: str, statement: str) -> None:
    """Change what the application's role may not."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_month_goes_into_a_file_and_comes_back_row_by_row(
    market: Market, database: str, out: Out, tmp_path: Path
) -> None:
    # Given six counts, two movements of an order and a transfer in the first month, two after it
    before = rows(database, MOVEMENTS)
    assert findings(market.world) == []

    # When it is taken out
    file = tmp_path / "old.zip"
    manifest = out(file)

    # Then eight rows went: on hand 100 + 50 + 40 + 10 + 10 + 30 = 240, reserved 2 − 2 = 0
    assert (manifest.row_count, manifest.sums) == (8, {"on_hand_delta": 240, "reserved_delta": 0})
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert len(archive.read("rows.csv").splitlines()) == 9
        assert json.loads(archive.read("manifest.json"))["sha256"] == manifest.sha256
    # And each of six places keeps one movement; the transfer's and the later ones are as they were
    there = rows(database, MOVEMENTS)
    carried = [row for row in there if row[3] == "carried"]
    assert sorted(row[4] for row in carried) == [10, 10, 30, 40, 50, 100]
    assert [row for row in there if row[3] != "carried"] == [
        row for row in before if row[3] == "transfer_out" or row in before[-2:]
    ]
    assert findings(market.world) == []
    assert first(market.world).rows_out == 8

    # When it is put back
    assert months.put_back(database, cuts=CUTS, source=file) == manifest

    # Then all is as it was, and it may be taken out again, into the same file
    assert rows(database, MOVEMENTS) == before
    assert findings(market.world) == []
    assert first(market.world).out_at is None
    content = file.read_bytes()
    out(file)
    assert file.read_bytes() == content


def test_whoever_is_killed_when_the_file_is_whole_takes_the_month_out_again(
    market: Market, database: str, out: Out, tmp_path: Path
) -> None:
    before = rows(database, MOVEMENTS)
    file = tmp_path / "old.zip"

    # Given one who fails when the rows are deleted, but before that is committed
    hit(database, "ALTER TABLE kit.partition ADD CONSTRAINT fault CHECK (out_at IS NULL)")
    with pytest.raises(DatabaseError, match="fault"):
        out(file)
    hit(database, "ALTER TABLE kit.partition DROP CONSTRAINT fault")
    # Then every row is there, and so is the file
    assert rows(database, MOVEMENTS) == before
    assert [path.name for path in tmp_path.iterdir()] == ["old.zip"]

    # When it is done again, it is done; and a third time refused
    assert out(file).row_count == 8
    with pytest.raises(months.MonthOut):
        out(tmp_path / "again.zip")
    assert not (tmp_path / "again.zip").exists()


def test_what_a_killed_one_left_beside_the_file_goes_with_the_next(
    market: Market, out: Out, tmp_path: Path
) -> None:
    # Given what was left of this partition's file, of another's, and what somebody put beside it
    name = first(market.world).fullname
    mine, others, more = (
        tmp_path / f"weili-sandbox-{part}" for part in (f"{name}-a", "kit.event_1-a", f"{name}-b")
    )
    for folder in (mine, others, more):
        folder.mkdir()
        (folder / "month.zip").write_text("half")
    (more / "notes").write_text("keep")
    # When it is taken out, then only the first is gone
    out(tmp_path / "old.zip")
    assert set(tmp_path.iterdir()) == {tmp_path / "old.zip", others, more}
    assert (more / "notes").read_text() == "keep"


def test_a_month_that_is_read_meanwhile_is_out_and_packed_when_it_is_done_again(
    market: Market, database: str, out: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "LOCK_TIMEOUT_MS", 200)
    file, name = tmp_path / "old.zip", first(market.world).fullname
    size = f"SELECT pg_relation_filenode('{name}')"
    before = rows(database, size)
    # When somebody reads the partition all the while
    with psycopg.connect(database) as reader:
        reader.execute(f"SELECT FROM {name}".encode())
        with pytest.raises(months.MonthUnpacked, match=f"weili db take-out {name} {file}"):
            out(file)
    # Then it is out and not packed
    assert first(market.world).rows_out == 8
    assert rows(database, size) == before
    assert findings(market.world) == []
    # When it is done again with the same file, then it is packed; with another it is refused
    with pytest.raises(months.MonthOut):
        out(tmp_path / "another.zip")
    assert out(file).row_count == 8
    assert rows(database, size) != before
    months.put_back(database, cuts=CUTS, source=file)
    assert findings(market.world) == []


def test_two_at_once_or_a_server_that_is_not_there_are_told_and_nothing_moves(
    database: str, out: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "LOCK_TIMEOUT_MS", 200)
    before, file = rows(database, MOVEMENTS), tmp_path / "old.zip"
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE kit.partition IN SHARE ROW EXCLUSIVE MODE")
        with pytest.raises(months.MonthsBusy):
            out(file)
    assert (rows(database, MOVEMENTS), file.exists()) == (before, False)
    out(file)
    with pytest.raises(DatabaseError):
        months.put_back("postgresql://x@127.0.0.1:1/x", cuts=CUTS, source=file)


def test_a_month_comes_back_into_a_table_that_has_gained_columns(
    database: str, out: Out, tmp_path: Path
) -> None:
    before, file = rows(database, MOVEMENTS), tmp_path / "old.zip"
    out(file)
    # Given a column that must be said, then the file, which lacks it, is refused
    hit(database, "ALTER TABLE inventory.movement ADD COLUMN said TEXT NOT NULL DEFAULT 'so'")
    hit(database, "ALTER TABLE inventory.movement ADD COLUMN note TEXT")
    table = rows(
        database, "SELECT parent || '_' || name FROM kit.partition WHERE out_at > '0001-1-1'"
    )
    for alter in ("inventory.movement", table[0][0]):
        hit(database, f"ALTER TABLE {alter} ALTER COLUMN said DROP DEFAULT")
    with pytest.raises(months.MonthFileDiffers, match="its columns are those of step 0019"):
        months.put_back(database, cuts=CUTS, source=file)
    # When it need not be said, then every row is as it was
    for alter in ("inventory.movement", table[0][0]):
        hit(database, f"ALTER TABLE {alter} ALTER COLUMN said SET DEFAULT 'so'")
    months.put_back(database, cuts=CUTS, source=file)
    assert rows(database, MOVEMENTS) == before
    assert rows(database, "SELECT DISTINCT said, note FROM inventory.movement") == [("so", None)]


def test_a_back_up_that_reads_an_older_moment_sees_the_month_as_it_was(
    market: Market, out: Out, tmp_path: Path
) -> None:
    counted = "SELECT count(*)::int, sum(on_hand_delta)::int FROM inventory.movement"
    with market.world.begin(snapshot=True) as ctx:
        [[clock]] = ctx.db.rows("SELECT count(*)::int FROM kit.clock")
        assert clock == 1
        # It has not touched the table yet.
        out(tmp_path / "old.zip")
        # Six counts, two and two of orders, and the transfer: 240 − 5
        assert ctx.db.rows(counted) == [(11, 235)]


def changed(member: str, content: bytes) -> Callable[[Path], None]:
    """Give what writes a file anew with another member."""

    def change(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        if member == "manifest.json":
            content_of = json.loads(members[member]) | json.loads(content)
            members[member] = json.dumps(content_of).encode()
        else:
            members[member] = content
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)

    return change


def cut_short(file: Path) -> None:
    """Lose the end of a file."""
    file.write_bytes(file.read_bytes()[:-200])


WRONG: Final = [
    (months.MonthFileUnreadable, cut_short, "not a zip file"),
    (months.MonthFileUnreadable, changed("rows.csv", b"id\n"), "digest"),
    (months.MonthFileUnreadable, changed("manifest.json", b'{"format": 9}'), "format is 9"),
    (months.MonthFileUnreadable, changed("manifest.json", b'{"odd": 1}'), "right kind"),
    (months.MonthFileDiffers, changed("manifest.json", b'{"row_count": 7}'), "others"),
    (
        months.MonthFileDiffers,
        changed("manifest.json", b'{"sums": {"on_hand_delta": 1, "reserved_delta": 0}}'),
        "other sums",
    ),
    (months.MonthFileUnreadable, changed("manifest.json", b'{"columns": ["id"]}'), "columns"),
    (months.MonthFileUnreadable, changed("manifest.json", b'{"table": ["a"]}'), "right kind"),
    (months.MonthFileUnreadable, changed("manifest.json", b'{"partition": 1}'), "right kind"),
    (months.MonthFileUnreadable, changed("manifest.json", b'{"sums": {"a": "1"}}'), "right kind"),
    (NotFound, changed("manifest.json", b'{"table": "ledger.transfer"}'), "ledger.transfer"),
    (NotFound, changed("manifest.json", b'{"partition": "1999_01"}'), "1999_01"),
]


def test_a_file_that_is_not_what_went_is_refused_and_nothing_moves(
    market: Market, database: str, out: Out, tmp_path: Path
) -> None:
    file = tmp_path / "old.zip"
    out(file)
    there, content = rows(database, MOVEMENTS), file.read_bytes()
    for problem, change, why in WRONG:
        file.write_bytes(content)
        change(file)
        with pytest.raises(problem, match=why):
            months.put_back(database, cuts=CUTS, source=file)
        assert rows(database, MOVEMENTS) == there

    # And what was put back once is not put back again
    file.write_bytes(content)
    months.put_back(database, cuts=CUTS, source=file)
    with pytest.raises(months.MonthIn):
        months.put_back(database, cuts=CUTS, source=file)
    assert findings(market.world) == []


def test_another_file_of_that_name_stays(database: str, out: Out, tmp_path: Path) -> None:
    before = rows(database, MOVEMENTS)
    file = tmp_path / "old.zip"
    file.write_text("mine")
    with pytest.raises(months.MonthFileThere):
        out(file)
    assert file.read_text() == "mine"
    assert rows(database, MOVEMENTS) == before


def test_a_file_that_the_disc_keeps_otherwise_than_it_was_written_takes_no_row_out(
    database: str, out: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a disc that changes a byte on the way
    def spoil(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            [byte] = os.pread(handle, 1, SPOILT_AT)
            os.pwrite(handle, bytes([byte ^ 0xFF]), SPOILT_AT)

    before = rows(database, MOVEMENTS)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", spoil)
        with pytest.raises(months.MonthFileUnreadable):
            out(tmp_path / "old.zip")
    # Then it is seen when the file is read back: every row is there, and no file
    assert (rows(database, MOVEMENTS), list(tmp_path.iterdir())) == (before, [])
    # And on a sound disc it goes
    assert out(tmp_path / "old.zip").row_count == 8


def test_a_month_stays_until_it_is_over_and_its_orders_have_ended(market: Market) -> None:
    part = first(market.world)
    order(market, "M-1")
    with market.world.begin() as ctx, pytest.raises(MonthNotOver):
        partition_ended(ctx, name=part.fullname)
    turn(market.world)
    with market.world.begin() as ctx, pytest.raises(MonthOrdersOpen, match="1 have not"):
        partition_ended(ctx, name=part.fullname)
    cancel(market, "M-1")
    with market.world.begin() as ctx:
        assert partition_ended(ctx, name=part.fullname).fullname == part.fullname
        with pytest.raises(NotFound):
            partition_ended(ctx, name="inventory.movement_1999_01")


def test_a_clock_that_is_turned_finds_the_months_made(market: Market) -> None:
    # When the clock is turned by more than a year, before any sweep
    with market.world.begin() as ctx:
        clock_turn(ctx, ahead_s=400 * 86_400)
    # Then the months that were passed over are one, and this and two more follow
    with market.world.begin() as ctx:
        names = [each.name for each in partitions.partitions_read(ctx) if each.parent == TABLE]
        month = day_of(ctx.now).strftime("%Y_%m")
        assert names[-3] == month
        assert names == sorted(set(names))
        assert len(names) == 5
        # And a sweep has nothing to do
        assert partitions.partitions_ahead(ctx) == 0
    order(market, "M-1")
    assert findings(market.world) == []


def test_rows_that_came_before_their_month_was_made_are_found_and_taken_in(
    market: Market, database: str
) -> None:
    # Given a movement of a year ahead, when nobody has made its month
    ahead = wall_now() + timedelta(days=400)
    with market.world.begin() as ctx:
        ctx.now = ahead
        inventory.movements_write(
            ctx,
            moves=[inventory.Move(inventory.MoveKind.RESERVE, market.tea, market.near, 1, "x")],
        )
        ctx.now = wall_now()
    astray = [each for each in findings(market.world) if each.check == "rows_in_a_partition"]
    assert [each.what for each in astray] == ["1 row(s) lie in the default partition"]

    # When the sweep of that time comes while somebody reads what has no month, it waits for nobody
    with psycopg.connect(database) as reader:
        reader.execute("SELECT FROM inventory.movement_default")
        with market.world.begin() as ctx:
            assert partitions.partitions_make(ctx, now=ahead) == 0
    # And when the next one comes
    with market.world.begin() as ctx:
        assert partitions.partitions_make(ctx, now=ahead) == 4
    # Then the row lies in its month
    assert rows(database, "SELECT count(*) FROM inventory.movement_default") == [(0,)]
    [[name]] = rows(
        database,
        "SELECT tableoid::regclass::text FROM inventory.movement WHERE kind = 'reserve'",
    )
    assert name == f"inventory.movement_{day_of(ahead):%Y_%m}"


def test_after_a_month_that_is_waited_for_in_vain_no_later_one_is_made(
    market: Market, database: str
) -> None:
    # Given somebody who reads what has no month, and leaves when the first month was given up
    ahead = wall_now() + timedelta(days=400)

    def read() -> None:
        with psycopg.connect(database) as reader:
            reader.execute("SELECT FROM inventory.movement_default")
            reading.set()
            until_somebody_waits(market.world)
            until_nobody_waits(market.world)

    reading = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        assert reading.wait(30)
        # When the months are made
        with market.world.begin() as ctx:
            assert partitions.partitions_make(ctx, now=ahead) == 0
        reader.result()
    # Then the next one, which would have taken the first one's time in, was not made
    with market.world.begin() as ctx:
        [only] = [part for part in partitions.partitions_read(ctx) if part.parent == TABLE]
        assert only.name == f"{day_of(wall_now()):%Y_%m}"


def test_a_bound_is_kept_as_its_type_writes_it(world: World) -> None:
    month = (day_of(wall_now()) + timedelta(days=62)).replace(day=1)
    end = (month + timedelta(days=31)).replace(day=1)
    bound = str(id_least(day_begins_at(end)))
    with world.begin() as ctx:
        added = ctx.db.rows(
            "SELECT kit.partition_add(%b, %b, %b)",
            *(TABLE, f"{month:%Y_%m}", bound.replace("-", "").upper()),
        )
        assert added == [(True,)]
        kept = [part.bound for part in partitions.partitions_read(ctx) if part.parent == TABLE]
        assert kept[-1] == bound


def test_the_application_can_cut_nothing_but_what_was_cut_and_take_nothing_out(
    world: World,
) -> None:
    bound = str(new_id(wall_now() + timedelta(days=900)))
    for table, name in (
        ("ledger.transfer", "2030_01"),
        ("inventory.movement", "x; DROP TABLE ledger.transfer"),
        ("inventory.movement; DROP TABLE ledger.transfer", "2030_01"),
    ):
        with (
            pytest.raises(psycopg.errors.RaiseException, match="no partition"),
            world.begin() as ctx,
        ):
            ctx.db.rows("SELECT kit.partition_add(%b, %b, %b)", table, name, bound)
    # Nor a month by a name that is none, another's end, or so far off that no other would follow
    far, last = "f" * 12 + "0" * 20, str(2**63 - 1)
    for table, name, upto in (
        (TABLE, "9999_99", far),
        (TABLE, "9999_12", far),
        (TABLE, "2030_01", bound),
        ("kit.event", str(2**63 - 2), last),
        ("kit.event", "7", "5000002"),
    ):
        with (
            pytest.raises(psycopg.errors.RaiseException, match="no partition"),
            world.begin() as ctx,
        ):
            ctx.db.rows("SELECT kit.partition_add(%b, %b, %b)", table, name, upto)
    part = first(world).fullname
    for statement in (
        f"TABLE {part}",
        f"TRUNCATE {part}",
        "DELETE FROM inventory.movement",
        f"ALTER TABLE inventory.movement DETACH PARTITION {part}",
        "UPDATE kit.partition SET out_at = NULL",
    ):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            world.begin() as ctx,
        ):
            ctx.db.rows(statement)

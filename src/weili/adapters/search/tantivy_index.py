"""The search index on disk, made with tantivy.

It lies in a folder of its own in generations: a whole one is built aside and takes the place of
the one before by a rename, so that readers see the old or the new. One process of a machine
writes, under a lock that ends with it; any number read. Nothing in it is the truth: a folder that
is missing, damaged or of another shape is built anew.
"""

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tantivy

from weili.adapters.search import numbered
from weili.adapters.search.commit import Commit
from weili.adapters.search.kept import FIELD, kept_of
from weili.adapters.search.memory import Memory
from weili.adapters.search.model import (
    DEFAULT_SLOT,
    FACETS,
    Answer,
    Document,
    Plan,
    SearchNotReady,
)
from weili.adapters.search.queries import set_name

SHAPE: Final = 6
"""Raised when fields or the cutting of words change: older generations are built anew."""
SLOTS_MAX: Final = 64
"""Price lists whose prices can be sorted by; the partners of others sort by the default one's."""
HEAP_BYTES: Final = 64_000_000
HEAP_BUILDING_BYTES: Final = 256_000_000
NUMBERS: Final = ("sold", "created")
SLOTTED: Final = ("price", "margin")

Stamp = tuple[int, ...]


def schema_of() -> tantivy.Schema:
    """Give the fields of every document."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("grams", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("pinyin", tokenizer_name="whitespace", index_option="basic")
    for name in ("tags", "pools", "sets"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in FACETS:
        if name not in numbered.NUMBERED:
            builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(numbered.FIELD, tokenizer_name="raw", index_option="basic")
    for name in (*NUMBERS, *numbered.NUMBERED):
        builder.add_unsigned_field(name, fast=True)
    for name in SLOTTED:
        for slot in range(SLOTS_MAX):
            builder.add_unsigned_field(f"{name}_{slot}", fast=True)
    builder.add_bytes_field(FIELD, stored=True)
    return builder.build()


class TantivyIndex:
    """Reads the index of one world; safe for threads. Opens nothing before it is asked.

    Who sees first that there is a newer commit prepares it; all others are answered from the one
    before, until the newer one knows what is asked again and again.
    """

    def __init__(
        self, home: Path, *, run: Callable[[Callable[[], None]], object] = lambda work: work()
    ) -> None:
        """Prepare; ``run`` carries out the preparing of a newer commit, at once or aside."""
        self.home = home
        self._run = run
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._is_renewing = False

    def search(self, plan: Plan) -> Answer:
        """Find documents; what was found in the same commit is remembered.

        Raises: SearchNotReady.
        """
        commit = self._newest()
        try:
            return commit.answer(plan)
        except (OSError, ValueError) as error:
            raise SearchNotReady from error

    def marks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Give the marks of documents; one that is not there is absent.

        Raises: SearchNotReady.
        """
        return self._newest().marks(keys)

    def followed_to(self) -> tuple[int, int]:
        """Give the position up to which changes are in the index, and how many documents it has.

        Raises: SearchNotReady.
        """
        commit = self._newest()
        position = _state_read(_current(self.home))["position"]
        return int(position), commit.count

    def _newest(self) -> Commit:
        """Give the newest commit of the newest generation, or the one before while it prepares."""
        is_due = False
        try:
            with self._lock:
                if self._opened is None:
                    self._opened = _Opened(self.home)
                is_due = not self._is_renewing and not self._opened.is_newest()
                self._is_renewing |= is_due
            if is_due:
                self._run(self._renew)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            # The last is what a thread that can't be started raises.
            with self._lock:
                self._opened = None
                # Another's renewal goes on, and ends by itself.
                self._is_renewing &= not is_due
            raise SearchNotReady from error
        with self._lock:
            opened = self._opened
        if opened is None:
            raise SearchNotReady
        return opened.commit

    def _renew(self) -> None:
        """Open the newest commit, and let it know what was asked of the one before."""
        with self._lock:
            before = self._opened
        prepared = None
        try:
            opened = _Opened(self.home, before)
            if before is not None:
                opened.commit.prepare(before.commit.asked_again())
            prepared = opened
        except (OSError, ValueError, KeyError):
            # Whoever searches next opens it, and is told if it is damaged.
            pass
        finally:
            with self._lock:
                self._opened = prepared
                self._is_renewing = False


class _Opened:
    """A commit, and by what to know that there is a newer one."""

    def __init__(self, home: Path, before: "_Opened | None" = None) -> None:
        """Open the newest; the files of its generation stay open when ``before`` has them."""
        # Stamped before it is opened: what comes between is opened twice rather than never.
        self.pointer = str(home / "current")
        self.generation = _stamp(self.pointer)
        folder = _current(home)
        self.meta = str(folder / "meta.json")
        self.newest = _stamp(self.meta)
        self.names: numbered.Names = before.names if before is not None else numbered.Names()
        self.memory: Memory = before.memory if before is not None else Memory()
        if before is not None and before.generation == self.generation:
            self.index: tantivy.Index = before.index
            self.index.reload()
        else:
            self.index = _open(folder)[0]
        self.commit = Commit(self.index, _state_read(folder)["slots"], self.names, self.memory)

    def is_newest(self) -> bool:
        """Say whether nothing has been committed since.

        Raises: OSError, when the index is gone.
        """
        return _stamp(self.pointer) == self.generation and _stamp(self.meta) == self.newest


class TantivyWriter:
    """Writes the index of one world, while it holds the folder's lock."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lock_file: int | None = None
        self._writer: tuple[Path, tantivy.IndexWriter, tantivy.Index, dict[str, Any]] | None = None

    def lock(self) -> bool:
        """Become the one who writes; says no when another process of this machine is."""
        if self._lock_file is not None and not (self.home / "lock").exists():
            # Somebody removed the folder: the lock on a file that is gone keeps nobody away.
            self.close()
        if self._lock_file is None:
            self.home.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
            self._lock_file = descriptor
        return True

    def close(self) -> None:
        """Let another write."""
        self._writer = None
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def position(self, slots: Sequence[str]) -> int | None:
        """Say from where changes are to be followed; None when the index has to be built anew.

        So it has when it is missing or damaged, of another shape, asked to be (``rebuild_ask``),
        or when one of the ``slots`` has no place in it though there is room.
        """
        if (self.home / "rebuild").exists():
            return None
        try:
            folder = _current(self.home)
            if self._writer is None or self._writer[0] != folder:
                index, state = _open(folder)
                writer = index.writer(HEAP_BYTES, 1)
                self._writer = (folder, writer, index, state)
            state = self._writer[3]
            if not (folder / "meta.json").exists():
                return None
        except (OSError, ValueError, KeyError):
            self._writer = None
            return None
        missing = set(slots) - state["slots"].keys()
        if missing and len(state["slots"]) < SLOTS_MAX:
            return None
        return int(state["position"])

    def put(self, documents: Iterable[Document], gone: Iterable[str], position: int) -> None:
        """Write documents in the place of those with their keys, take others out, and commit.

        Killed in the middle, it is done again from the position before: nothing is there twice.
        """
        if self._writer is None:
            raise ValueError("position() opens the index")
        folder, writer, _, state = self._writer
        for key in gone:
            writer.delete_documents_by_term("key", key)
        for document in documents:
            writer.delete_documents_by_term("key", document.key)
            writer.add_document(_document(document, state["slots"]))
        # The state says less than the index holds, never more.
        writer.commit()
        state["position"] = position
        _state_write(folder, state)

    def build(
        self, batches: Iterable[Iterable[Document]], *, position: int, slots: Sequence[str]
    ) -> int:
        """Build a whole generation aside and put it in the place of the one before.

        Gives the number of documents. Killed in the middle, the one before stays as it was.
        """
        self._writer = None
        names = [int(path.name[2:]) for path in self.home.glob("g-*") if path.name[2:].isdigit()]
        folder = self.home / f"g-{max(names, default=0) + 1}"
        folder.mkdir()
        index = tantivy.Index(schema_of(), path=str(folder))
        writer = index.writer(HEAP_BUILDING_BYTES, 1)
        places = {name: n for n, name in enumerate((DEFAULT_SLOT, *slots)) if n < SLOTS_MAX}
        count = 0
        for documents in batches:
            for document in documents:
                writer.add_document(_document(document, places))
                count += 1
        writer.commit()
        writer.wait_merging_threads()
        _state_write(folder, {"shape": SHAPE, "position": position, "slots": places})
        _replace(self.home / "current", folder.name)
        (self.home / "rebuild").unlink(missing_ok=True)
        # The generation before stays for readers that are just opening it; older ones go.
        for number in names:
            if number < max(names):
                shutil.rmtree(self.home / f"g-{number}", ignore_errors=True)
        return count


def rebuild_ask(home: Path) -> None:
    """Ask whoever writes to build the index anew; the one that is there serves meanwhile."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "rebuild").touch()


# --- files ---------------------------------------------------------------------------------------


def _current(home: Path) -> Path:
    name = (home / "current").read_text(encoding="ascii")
    if not name.startswith("g-"):
        raise ValueError(name)
    return home / name


def _stamp(path: str) -> Stamp:
    found = os.stat(path)  # noqa: PTH116 - for each search, and a path takes thrice as long
    return found.st_mtime_ns, found.st_ino


def _open(folder: Path) -> tuple[tantivy.Index, dict[str, Any]]:
    state = _state_read(folder)
    if state["shape"] != SHAPE:
        raise ValueError(state["shape"])
    return tantivy.Index(schema_of(), path=str(folder)), state


def _state_read(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return state


def _state_write(folder: Path, state: Mapping[str, Any]) -> None:
    _replace(folder / "state.json", json.dumps(dict(state)))


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _document(document: Document, slots: Mapping[str, int]) -> tantivy.Document:
    made = tantivy.Document()
    made.add_text("key", document.key)
    made.add_text("words", document.words)
    made.add_text("grams", document.grams)
    made.add_text("pinyin", document.pinyin)
    for tag in document.tags:
        made.add_text("tags", tag)
    for pool in document.pools:
        made.add_text("pools", pool)
    made.add_text("sets", set_name(document.pools))
    for name, value in document.facets.items():
        if name in numbered.NUMBERED:
            made.add_unsigned(name, numbered.number_of(value))
            made.add_text(numbered.FIELD, numbered.term_of(value))
        else:
            made.add_text(name, value)
    for name, number in document.numbers.items():
        made.add_unsigned(name, number)
    for (name, slot), number in document.slots.items():
        if slot in slots:
            made.add_unsigned(f"{name}_{slots[slot]}", number)
    made.add_bytes(FIELD, kept_of(document))
    return made

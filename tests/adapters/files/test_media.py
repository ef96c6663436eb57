"""Media lie under the address of their content, and a path leads nowhere else."""

import hashlib
import re
from pathlib import Path

import pytest

from weili.adapters.files.media import FolderMediaStore

CONTENT = b"a picture"
ADDRESS = hashlib.sha256(CONTENT).hexdigest() + ".png"


def test_what_is_put_is_given_back_whole(tmp_path: Path) -> None:
    store = FolderMediaStore(tmp_path / "media")
    assert store.get(ADDRESS) is None

    store.put(ADDRESS, CONTENT)
    store.put(ADDRESS, CONTENT)

    assert store.get(ADDRESS) == CONTENT
    assert [path.name for path in (tmp_path / "media").rglob("*.png")] == [ADDRESS]
    # Nothing half written is left beside it.
    assert len(list((tmp_path / "media" / ADDRESS[:2]).iterdir())) == 1


@pytest.mark.parametrize(
    "address", ["../keyring.json", "", "/etc/passwd", ADDRESS.upper(), f"../{ADDRESS}", ADDRESS[1:]]
)
def test_only_an_address_leads_to_a_file(tmp_path: Path, address: str) -> None:
    (tmp_path / "keyring.json").write_text("secret")
    store = FolderMediaStore(tmp_path / "media")

    assert store.get(address) is None
    with pytest.raises(ValueError, match=re.escape(address) or "^$"):
        store.put(address, b"x")

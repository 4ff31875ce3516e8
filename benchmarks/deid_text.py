"""How well free text is cleaned: recall by kind of identifier, words kept, and time, on labelled texts of a fresh seed.

    python benchmarks/deid_text.py [--seed N] [--count N] [--export FILE.json] [--peer FILE.json] [--show N]

Comes in: a seed (random when not given). Goes out: a table. `--export` writes the texts as JSON for a peer in another
environment; `--peer` scores what that peer made of them (a JSON list of texts, see `benchmarks/peers/presidio_text.py`).
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.text_corpus import Labelled, left, texts

from midas.deid.words import Known, clean_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--count", type=int, default=2400)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--show", type=int, default=0)
    asked = parser.parse_args()
    corpus = texts(asked.count, seed=asked.seed)
    if asked.export:
        asked.export.write_text(
            json.dumps([one.text for one in corpus], ensure_ascii=False), encoding="utf-8"
        )
    if asked.peer:
        cleaned = json.loads(asked.peer.read_text(encoding="utf-8"))
        score(f"peer ({asked.peer.name})", corpus, cleaned, asked.show)
    for title, knows in (("person known", True), ("nobody known", False)):
        known = [Known.of(one.person if knows else ()) for one in corpus]
        start = time.process_time()
        cleaned = [
            clean_text(one.text, mine, prose=one.prose) for one, mine in zip(corpus, known, strict=True)
        ]
        each = (time.process_time() - start) / len(corpus)
        score(f"midas, {title}, seed {asked.seed}, {each * 1e6:.0f} us a text", corpus, cleaned, asked.show)


def score(title: str, corpus: list[Labelled], cleaned: list[str], show: int) -> None:
    """Print recall by kind and the share of safe words kept, by language."""
    asked: collections.Counter[str] = collections.Counter()
    missed: collections.Counter[str] = collections.Counter()
    words: collections.Counter[str] = collections.Counter()
    kept: collections.Counter[str] = collections.Counter()
    lost: collections.Counter[str] = collections.Counter()
    for one, text in zip(corpus, cleaned, strict=True):
        for planted in one.planted:
            kind = planted.kind + (" (own)" if planted.known else "")
            asked[kind] += 1
            if left(planted, text, one.stays):
                missed[kind] += 1
                if show > 0:
                    show -= 1
                    print(f"  LEFT {kind}: {planted.text!r} in {text!r}")
        have = collections.Counter(text.replace("_", " ").casefold().translate(_SPACES).split())
        for word in one.stays:
            words[one.language] += 1
            if have[word.casefold()] or word.casefold() in text.casefold():
                kept[one.language] += 1
            else:
                lost[word] += 1
    print(f"\n{title}: {len(corpus)} texts")
    for kind in sorted(asked):
        share = 100 * (asked[kind] - missed[kind]) / asked[kind]
        print(f"  {kind:<16} {asked[kind]:>5} planted  {share:6.2f} % gone")
    every = 100 * (sum(asked.values()) - sum(missed.values())) / sum(asked.values())
    print(f"  {'all':<16} {sum(asked.values()):>5} planted  {every:6.2f} % gone")
    for language in sorted(words):
        print(
            f"  {language:<16} {words[language]:>5} words    {100 * kept[language] / words[language]:6.2f} % kept"
        )
    print(
        f"  {'all':<16} {sum(words.values()):>5} words    {100 * sum(kept.values()) / sum(words.values()):6.2f} % kept"
    )
    if show or lost:
        print("  most lost:", ", ".join(f"{word} {count}" for word, count in lost.most_common(25)))


_SPACES = str.maketrans(dict.fromkeys("()[]{},;:|^\"'", " "))

if __name__ == "__main__":
    main()

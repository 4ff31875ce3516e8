"""The story that the demo tells, each step by the command that a person would type.

    1 hub        a hub, its people, its protocols
    2 hospitals  two exports out of real images and synthetic persons
    3 spokes     a spoke in each hospital, known to the hub by its key
    4 receive    the export goes down the spine: match, look, de-identify, verify
    5 review     the operator answers for each image that is held for a look
    6 audit      the spoke measures its de-identification: identifiers of nobody, planted in copies of its own images
    7 send       a signed submission; the hub verifies it again and registers it
    8 release    a draft is cut, with an open synthetic twin
    9 grant      the access officer gives a researcher access
    10 get       the researcher downloads the release, verified
   11 rise      the next version is graded, follows the tool's advice, and is graded a band higher (`rise`)

In comes an empty place; out come homes, releases and `done.json`. The scripted operator knows the truth; the product
does not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midas.kernel import BrokenPromise
from midas.protocol import load_named
from midas.testing import hospital
from midas.testing.demo.checks import digests_by_number
from midas.testing.demo.commands import console, free_port, midas, midas_json, ran_beside, server
from midas.testing.demo.place import Place, code_print
from midas.testing.hospital import Expected, Truth

DATASETS = ("oral-cancer", "meningioma")
VERSION = "1.0.0"
RISES = "oral-cancer@1.1.0"
SEED = 20261122
AUDITED = "40"
"""Files of each spoke's audit: as many as the shipped protocols ask for."""
HUB_ROLES = ("curator", "researcher", "admin", "operator", "access-officer")


@dataclass(frozen=True)
class Addresses:
    """Where the servers listen; fixed when the demo is built, so that a second run serves at the same places."""

    hub: str
    spokes: dict[str, str]

    @classmethod
    def from_port(cls, port: int) -> Addresses:
        first = free_port(port)
        spokes: dict[str, str] = {}
        at = first
        for dataset in DATASETS:
            at = free_port(at + 1)
            spokes[hospital.DEPARTMENTS[dataset][0]] = f"http://127.0.0.1:{at}"
        return cls(f"http://127.0.0.1:{first}", spokes)


def port_of(address: str) -> str:
    return address.rsplit(":", 1)[1]


def tell(place: Place, *, port: int) -> None:
    """Build the whole demo; what stood in the place is gone."""
    place.start_over()
    began = time.monotonic()
    addresses = Addresses.from_port(port)
    accounts = _hub(place, addresses)  # 1
    truths = [_hospital(place, dataset) for dataset in DATASETS]  # 2
    with server(*hub_serves(place, addresses), address=addresses.hub, log=place.logs / "hub.log"):
        for truth in truths:
            accounts.append(_spoke(place, truth, addresses))  # 3
            _receive(place, truth)  # 4
            _review(place, truth)  # 5
            _audit(place, truth)  # 6
            _send(place, truth)  # 7
        token = midas_json("hub", "user", "token", "researcher", "--home", str(place.hub), quiet=True)[
            "token"
        ]
        cards = [card for truth in truths for card in _release(place, truth, addresses, token=token)]  # 8-10
        accounts += _rise(place, addresses)  # 11
    cards.append(place.kept("rise.json")["release"])
    place.keep("accounts.json", accounts)
    place.keep("done.json", {
        "code": code_print(), "hub": addresses.hub, "spokes": addresses.spokes, "releases": cards, "token": token,
        "built_in_s": round(time.monotonic() - began, 1),
    })  # fmt: skip


def hub_serves(place: Place, addresses: Addresses) -> tuple[str, ...]:
    return ("hub", "serve", "--home", str(place.hub), "--port", port_of(addresses.hub))


def _title(number: int, words: str) -> None:
    console.print(f"\n[bold cyan]{number}[/] [bold]{words}[/]")


def _hub(place: Place, addresses: Addresses) -> list[dict[str, str]]:
    """Step 1. Return the accounts made, with their passwords."""
    _title(1, "The hub: a home, its people, its protocols")
    home = ("--home", str(place.hub))
    midas_json("hub", "init", *home, "--url", addresses.hub)
    measure_nothing(place)
    accounts = []
    for role in HUB_ROLES:
        made = midas_json("hub", "user", "add", role, "--role", role, *home)
        accounts.append({"role": role, "address": addresses.hub, "name": role, "password": made["password"]})
    for dataset in DATASETS:
        midas_json("hub", "protocol", "add", dataset, *home)
    return accounts


def measure_nothing(place: Place) -> None:
    """Let the hub read no counters of energy: one machine plays them all, and each would count the others' as its own."""
    _reconfigure(place, "# [footprint]", "[footprint]\ncounters = false")


def ask_for_grades(place: Place) -> None:
    """Let the hub release nothing without a grade."""
    _reconfigure(place, "# release_needs_grade = false", "release_needs_grade = true")


def _reconfigure(place: Place, was: str, now: str) -> None:
    config = place.hub / "config.toml"
    config.write_text(config.read_text("utf-8").replace(was, now), "utf-8")


def _hospital(place: Place, dataset: str) -> Truth:
    """Step 2."""
    _title(2, f"A hospital's export for {dataset}: real images, synthetic persons")
    truth = hospital.build(place.export(dataset), seed=SEED, dataset=dataset)
    truth.write(place.truth(dataset))
    tally = truth.tally()
    console.print(
        f"  {tally['in']} files and rows; {len(truth.planted)} planted identifiers; {tally['sent']} should pass, "
        f"{tally['held']} be held, {tally['refused']} be refused"
    )
    return truth


def _spoke(place: Place, truth: Truth, addresses: Addresses) -> dict[str, str]:
    """Step 3. Return the operator's account at the spoke's own site."""
    _title(3, f"A spoke at {truth.spoke}")
    home = ("--home", str(place.spoke(truth.spoke)))
    made = midas_json(
        "spoke", "init", *home, "--name", truth.spoke, "--protocol", truth.dataset, "--port",
        port_of(addresses.spokes[truth.spoke]),
    )  # fmt: skip
    at = next(one for one in load_named(truth.dataset).protocol.spokes if one.id == truth.spoke)
    known = midas_json(
        "hub", "spoke", "add", truth.spoke, "--name", at.name, "--city", at.city, "--state", at.state,
        "--key", made["public_key"], "--home", str(place.hub),
    )  # fmt: skip
    midas_json("spoke", "connect", *home, "--hub", addresses.hub, "--token", known["token"])
    user = midas_json("spoke", "user", "add", "operator", *home, quiet=True)
    return {
        "role": f"operator at {truth.spoke}", "address": addresses.spokes[truth.spoke], "name": "operator",
        "password": user["password"],
    }  # fmt: skip


def _receive(place: Place, truth: Truth) -> None:
    """Step 4."""
    _title(4, f"{truth.spoke} receives the export")
    midas_json("spoke", "receive", str(place.export(truth.dataset)), "--home", str(place.spoke(truth.spoke)))


def _review(place: Place, truth: Truth) -> None:
    """Step 5: the operator accepts what is clean, masks or rejects what shows a name, by the truth."""
    _title(5, f"{truth.spoke}: the operator looks at what is held for review")
    home = ("--home", str(place.spoke(truth.spoke)))
    groups = midas_json("spoke", "review", "list", *home)
    held = [number for group in groups if group["review"] for number in group["items"]]
    digests, truths = digests_by_number(place.spoke(truth.spoke)), truth.by_sha256()
    answers: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for number in held:
        expected = truths.get(digests[number])
        if expected is None:
            raise BrokenPromise("An item is held for review that nobody planted.")
        answers.setdefault(_answer(expected), []).append(str(number))
    for (verdict, words), ids in sorted(answers.items()):
        midas_json("spoke", "review", verdict, *ids, *words, *home)
    console.print(f"  {len(held)} looked at, {len(answers)} decisions")


def _answer(expected: Expected) -> tuple[str, tuple[str, ...]]:
    """Return the verdict and the further words of its command."""
    verdict = expected.verdict or "reject"
    boxes = tuple(word for box in expected.boxes for word in ("--box", ",".join(map(str, box))))
    why = expected.why or "no name is visible"
    return verdict, ((*boxes, "--why", why) if verdict == "mask" else ("--why", why))


def _audit(place: Place, truth: Truth) -> None:
    """Step 6. Without it a protocol that sets a floor lets nothing be sent."""
    _title(6, f"{truth.spoke} measures its own de-identification with planted identifiers")
    home = ("--home", str(place.spoke(truth.spoke)))
    told = midas_json("spoke", "audit", *home, "--files", AUDITED, "--seed", str(SEED))
    console.print(
        f"  {told['all']['right']} of {told['all']['of']} required actions right ({told['share']:.2%}); "
        f"{sum(told['leaks'].values())} planted identifiers left; {told['released']} of {told['files']} files came out"
    )


def _send(place: Place, truth: Truth) -> None:
    """Step 7."""
    _title(7, f"{truth.spoke} sends; the hub verifies again and registers")
    midas_json("spoke", "send", "--home", str(place.spoke(truth.spoke)))


def _release(place: Place, truth: Truth, addresses: Addresses, *, token: str) -> list[dict[str, Any]]:
    """Steps 8 to 10. Return what the hub says of the release and its twin."""
    name = f"{truth.dataset}@{VERSION}"
    _title(8, f"The hub cuts {name} and its open twin")
    home = ("--home", str(place.hub))
    midas_json("release", "draft", truth.dataset, VERSION, "--notes", "The demo's first release.", *home)
    cards: list[dict[str, Any]] = midas_json("release", "cut", name, "--twin", *home)
    _title(9, f"The access officer gives a researcher {name}")
    midas_json(
        "hub", "grant", "give", "researcher", name, "--by", "access-officer", "--purpose", "HMB", "--words",
        "To see that the released dataset loads.", "--why", "The demo's researcher has accepted the terms.", *home,
    )  # fmt: skip
    _title(10, f"The researcher downloads {name}")
    to = str(place.release(truth.dataset))
    midas("get", name, "--to", to, "--hub", addresses.hub, "--token", token)
    return cards


def _rise(place: Place, addresses: Addresses) -> list[dict[str, str]]:
    """Step 11. From now on the hub asks for a grade. Return the accounts made, with their passwords."""
    _title(11, f"{RISES} is graded, follows the tool's advice, and is graded again")
    ask_for_grades(place)
    ran_beside("midas.testing.demo.rise", str(place.root), addresses.hub)
    passwords = place.kept("rise.json")["passwords"]
    return [
        {"role": name, "address": addresses.hub, "name": name, "password": password}
        for name, password in passwords.items()
    ]


@contextmanager
def served(place: Place, addresses: Addresses) -> Iterator[None]:
    """Run the hub and both spokes' sites while the block lasts."""
    with ExitStack() as stack:
        hub = server(*hub_serves(place, addresses), address=addresses.hub, log=place.logs / "hub.log")
        stack.enter_context(hub)
        for spoke, address in addresses.spokes.items():
            words = ("spoke", "serve", "--home", str(place.spoke(spoke)), "--port", port_of(address))
            stack.enter_context(server(*words, address=address, log=place.logs / f"{spoke}.log"))
        yield


def downloaded(place: Place) -> Iterator[Path]:
    for dataset in DATASETS:
        yield place.release(dataset)

"""How long does a search take among 100,000 leads and 1,000,000 spoken turns, and what does PostgreSQL read?

A database of its own is filled: people with names in English and Hebrew, and calls whose turns are drawn from
a vocabulary in which few words are frequent and most are rare, as in speech. Everything goes in by the tables'
triggers. Then each sort of search is asked many times by the verb that the route calls, each in a transaction
of its own, in the scope of the business and under row-level security. Twenty names are planted and looked for
with typing errors; each must come first. `--plans` prints the plan of every step. Last line: one JSON object.

    python benchmarks/search.py [--home FOLDER] [--leads N] [--turns N] [--times N] [--plans]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from trunkline.core.access import Principal, Role
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.settings import Settings
from trunkline.domain.leads.models import Lead
from trunkline.domain.search import rules, service, store, vocabulary
from trunkline.domain.search.models import SearchText, SearchWord
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.wiring import Command, open_runtime

NAME = "Search bench"
ENGLISH = [
    "the",
    "I",
    "you",
    "to",
    "is",
    "a",
    "and",
    "it",
    "for",
    "on",
    "of",
    "we",
    "that",
    "have",
    "at",
    "can",
    "me",
    "do",
    "your",
    "my",
    "be",
    "this",
    "appointment",
    "Wednesday",
    "Tuesday",
    "morning",
    "afternoon",
    "call",
    "doctor",
    "clinic",
    "check",
    "insurance",
    "please",
    "thank",
    "yes",
    "no",
    "maybe",
    "later",
    "week",
    "month",
    "price",
    "card",
    "address",
    "number",
    "time",
    "half",
    "past",
    "ten",
    "four",
    "shoulder",
    "tooth",
    "treatment",
    "cleaning",
    "parking",
]
HEBREW = [
    "אני",
    "את",
    "לא",
    "כן",
    "של",
    "על",
    "זה",
    "מה",
    "יש",
    "אפשר",
    "תור",
    "יום",
    "שעה",
    "בוקר",
    "ערב",
    "רופא",
    "מרפאה",
    "טיפול",
    "שיניים",
    "בדיקה",
    "תודה",
    "בבקשה",
    "ביטוח",
    "טלפון",
    "כתובת",
    "מחיר",
    "שבוע",
    "חודש",
    "רביעי",
    "שלישי",
    "חמישי",
    "להתקשר",
    "לקבוע",
    "לבטל",
    "חניה",
    "כתף",
]
FIRST = [
    "Dana",
    "Noa",
    "Maya",
    "Avi",
    "Daniel",
    "Rachel",
    "David",
    "Sarah",
    "Yossi",
    "Michael",
    "Tamar",
    "Omer",
    "דנה",
    "נועה",
    "מאיה",
    "אבי",
    "דניאל",
    "רחל",
    "דוד",
    "שרה",
]
SYLLABLES = [
    "ba",
    "re",
    "mi",
    "to",
    "shu",
    "lak",
    "den",
    "gor",
    "vin",
    "pel",
    "sar",
    "mon",
    "tiv",
    "har",
    "zel",
    "kor",
    "bin",
    "das",
    "fel",
    "rom",
]
ALEPHS = ["בר", "מי", "תו", "שו", "לק", "דן", "גור", "וין", "פל", "סר", "מון", "טיב", "הר", "זל", "קור"]
PLANTED = (
    ("Bartholomew Quigley", "bartolomew"), ("Persephone Blackwood", "persephonne"),
    ("Maximilian Oberholzer", "maximilain"), ("Guinevere Ashdown", "guinevre"),
    ("Theodora Pennington", "peningtton"), ("Zachariah Windermere", "windermeer"),
    ("Anastasia Kowalczyk", "anastaisa"), ("Cornelius Featherstone", "featherstoen"),
    ("Evangeline Harrington", "evangelien"), ("Leopold Grünewald", "gruenwald"),
    ("Rosalind Thistlewood", "thistelwood"), ("Sebastian Llewellyn", "llewelyn"),
    ("יחזקאל בורוכוביץ", "בורוחוביץ"), ("אביגיל רוזנצווייג", "רוזנצויג"), ("שמואליק קירשנבאום", "קירשנבום"),
    ("מרגלית וויינשטיין", "ויינשטין"), ("נחמיה אלקיים", "אלקייים"), ("פנחס גולדשמידט", "גולדשמיט"),
    ("Octavia Marchbanks", "marchbnaks"), ("Ignatius Drummond", "ignatuis"),
)  # fmt: skip

_LEADS = text(
    "insert into leads (id, business_id, phone, name, email, source, created_at)"
    " select id, :business, phone, name, email, 'bench', at from unnest(cast(:ids as uuid[]),"
    " cast(:phones as text[]), cast(:names as text[]), cast(:emails as text[]), cast(:ats as timestamptz[]))"
    " g (id, phone, name, email, at)"
)
_CALLS = text(
    "insert into calls (id, business_id, carrier_sid, direction, ours, theirs, lead_id, state, disposition,"
    " created_at, answered_at, ended_at, finalized_at)"
    " select id, :business, 'CA' || replace(id::text, '-', ''), 'outbound', '+15550000000', phone, lead,"
    " 'ended', 'declined', at, at, at + interval '2 minutes', at + interval '2 minutes'"
    " from unnest(cast(:ids as uuid[]), cast(:phones as text[]), cast(:leads as uuid[]), cast(:ats as timestamptz[])) g (id, phone, lead, at)"
)
_TURNS = text(
    "insert into call_events (business_id, call_id, sequence, kind, at, data)"
    " select :business, call_id, n, case n % 2 when 1 then 'agent_said' else 'caller_said' end, at,"
    " jsonb_build_object('text', said, 'heard_text', said) from unnest(cast(:calls as uuid[]),"
    " cast(:numbers as int[]), cast(:ats as timestamptz[]), cast(:said as text[])) g (call_id, n, at, said)"
)
_A_CALL = 8
"""Turns."""
_AT_ONCE = 2_000


class Speech:
    """Sentences whose words are as often as in speech: the second half as often as the first, and so on."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        rare = [self._word(SYLLABLES) for _ in range(30_000)]
        rare_hebrew = [self._word(ALEPHS) for _ in range(15_000)]
        self._english = list(dict.fromkeys([*ENGLISH, *rare]))
        self._hebrew = list(dict.fromkeys([*HEBREW, *rare_hebrew]))
        self._weights = {
            language: list(accumulate(1 / (place + 2) for place in range(len(words))))
            for language, words in (("en", self._english), ("he", self._hebrew))
        }
        self.surnames = [self._word(SYLLABLES).title() for _ in range(6_000)] + [
            self._word(ALEPHS) for _ in range(4_000)
        ]

    def _word(self, parts: list[str]) -> str:
        return "".join(self._dice.choice(parts) for _ in range(self._dice.randint(2, 4)))

    def sentence(self) -> str:
        """Return a sentence in one of the languages; in Hebrew one word in six has a prefix."""
        if self._dice.random() < 0.5:
            words = self._dice.choices(self._english, cum_weights=self._weights["en"], k=9)
        else:
            words = self._dice.choices(self._hebrew, cum_weights=self._weights["he"], k=7)
            words = [self._dice.choice("והבלמ") + w if self._dice.random() < 1 / 6 else w for w in words]
        return " ".join(words)

    def name(self) -> str:
        """Return somebody's name."""
        return f"{self._dice.choice(FIRST)} {self._dice.choice(self.surnames)}"

    def rare_words(self, count: int) -> list[str]:
        """Return words that few sentences have."""
        return self._dice.sample(self._english[5_000:], count // 2) + self._dice.sample(
            self._hebrew[3_000:], count // 2
        )


def founded() -> UUID | None:
    """Return the business that is there from before."""
    with unit_of_work(SYSTEM) as session:
        return next((one.id for one in tenants.list_businesses(session) if one.name == NAME), None)


def seed(leads: int, turns: int, speech: Speech, dice: random.Random) -> UUID:
    """Fill a business; every batch is one transaction."""
    with unit_of_work(SYSTEM) as session:
        business_id = tenants.create_business(session, name=NAME, actor="bench").id
    began = datetime.now(UTC) - timedelta(days=365)
    people: list[tuple[UUID, str]] = []
    names = [speech.name() for _ in range(leads - len(PLANTED))] + [name for name, _ in PLANTED]
    dice.shuffle(names)
    for first in range(0, leads, _AT_ONCE):
        batch = names[first : first + _AT_ONCE]
        ids = [new_id() for _ in batch]
        phones = [f"+97252{1_000_000 + first + n}" for n in range(len(batch))]
        people += zip(ids, phones, strict=True)
        ats = [began + timedelta(minutes=5 * (first + n)) for n in range(len(batch))]
        emails = [f"person{first + n}@mail.example" for n in range(len(batch))]
        with unit_of_work(of_business(business_id)) as session:
            session.execute(text("set local synchronous_commit = off"))
            session.execute(
                _LEADS,
                {
                    "business": business_id,
                    "ids": ids,
                    "phones": phones,
                    "names": batch,
                    "emails": emails,
                    "ats": ats,
                },
            )
    calls = turns // _A_CALL
    for first in range(0, calls, _AT_ONCE):
        _some_calls(
            business_id, range(first, min(first + _AT_ONCE, calls)), calls, people, speech, dice, began
        )
        if first % (_AT_ONCE * 10) == 0:
            print(f"  {first * _A_CALL} turns", flush=True)
    return business_id


def _some_calls(  # noqa: PLR0917
    business_id: UUID, numbers: range, calls: int, people: list[tuple[UUID, str]], speech: Speech,
    dice: random.Random, began: datetime,
) -> None:  # fmt: skip
    ids = [new_id() for _ in numbers]
    ats = [began + timedelta(seconds=365 * 86_400 * number / calls) for number in numbers]
    who = [dice.choice(people) for _ in numbers]
    with unit_of_work(of_business(business_id)) as session:
        session.execute(text("set local synchronous_commit = off"))
        leads, phones = [lead for lead, _ in who], [phone for _, phone in who]
        session.execute(
            _CALLS, {"business": business_id, "ids": ids, "phones": phones, "leads": leads, "ats": ats}
        )
        turns = [(id_, turn, at + timedelta(seconds=9 * turn)) for id_, at in zip(ids, ats, strict=True)
                 for turn in range(1, _A_CALL + 1)]  # fmt: skip
        session.execute(
            _TURNS,
            {
                "business": business_id, "calls": [t[0] for t in turns], "numbers": [t[1] for t in turns],
                "ats": [t[2] for t in turns], "said": [speech.sentence() for _ in turns],
            },
        )  # fmt: skip


def learn(business_id: UUID) -> None:
    """Learn all words, as the job does."""
    there_is_more = True
    while there_is_more:
        with unit_of_work(of_business(business_id)) as session:
            there_is_more = vocabulary.learn(session, business_id)


def slipped(word: str, dice: random.Random) -> str:
    """Return a word with one slip of the hand in it."""
    at = dice.randrange(1, len(word) - 1)
    return dice.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


def questions(
    session: Session, business_id: UUID, speech: Speech, dice: random.Random, times: int
) -> dict[str, list[str]]:
    """Return what is asked, by sort."""
    names = session.scalars(
        select(Lead.name)
        .where(Lead.business_id == business_id)
        .order_by(func.md5(Lead.phone))
        .limit(times * 4)
    ).all()
    surnames = [name.split()[-1] for name in names]
    rare = [word for word in speech.rare_words(times * 4) if len(word) > 5]
    common = [*ENGLISH, *HEBREW]
    return {
        "name": list(names[:times]),
        "surname": surnames[times : 2 * times],
        "first name": [dice.choice(FIRST) for _ in range(times)],
        "part of a name": [name[: dice.randint(2, 4)] for name in surnames[2 * times : 3 * times]],
        "part of a number": [str(1_000_000 + dice.randrange(90_000))[dice.randint(0, 3) :] for _ in range(times)],
        "common word": [dice.choice(common) for _ in range(times)],
        "two common words": [" ".join(dice.sample(common, 2)) for _ in range(times)],
        "rare word": rare[:times],
        "rare and common word": [f"{word} {dice.choice(common)}" for word in rare[times : 2 * times]],
        "word with a prefix": ["ב" + dice.choice(HEBREW) for _ in range(times)],
        "name with a slip": [slipped(name, dice) for name in surnames[3 * times :] if len(name) > 4][:times],
        "word with a slip": [slipped(word, dice) for word in rare[2 * times : 3 * times]],
        "nothing": [f"xq{dice.randrange(10**6)}zzv" for _ in range(times)],
    }  # fmt: skip


def ask(who: Principal, words: str) -> tuple[float, service.Answer]:
    """Search as the route does; return how many milliseconds it took, and the answer."""
    began = time.perf_counter()
    with unit_of_work(who.scope) as session:
        answer = service.search(session, who, words, kinds=(), limit=5, cursor=None)
    return (time.perf_counter() - began) * 1000, answer


def plans(who: Principal, owner_url: str, words: str) -> Iterator[str]:
    """Yield how PostgreSQL goes about each step of a search: the statement, and what it does within."""
    with unit_of_work(who.scope) as session:
        typed = rules.typed(words)
        known = vocabulary.known(session, who.business, typed)
        wanted = rules.typed_or_begun(rules.forms_of(typed, known), known)
        mark = session.scalar(
            text("select to_hex(hashtext(:business || 'turn')) || ':'"), {"business": str(who.business)}
        )
        marked = re.sub(r"'([^']+)'", rf"'{mark}\1'", wanted.begun or wanted.exact)
        here = {"business": who.business, "exact": wanted.exact, "marked": marked}
        yield f"--- {words!r} becomes {wanted.exact}, then {wanted.begun}"
        values = store.values({"lead": 6, "turn": 6}, wanted, behind=None, only_begun=False)
        yield from _explained(session, f"explain (analyze, buffers) {store.FIND.text}", values)
    # What the function does, as the role that it runs as.
    newest = (
        "select n.id from (select t.id, t.words from search_texts t where t.business_id = %(business)s"
        " and t.kind = 'turn' order by t.at desc, t.id desc, t.part desc limit 2000) n"
        " where n.words @@ cast(%(exact)s as tsquery) limit 6"
    )
    looked_up = (
        "select c.id from (select t.id, t.at from (select s.id, s.at, s.business_id, s.kind from search_texts s"
        " where search_marked(s.business_id, s.kind, s.words) @@ cast(%(marked)s as tsquery) offset 0) t"
        " where t.business_id = %(business)s and t.kind = 'turn' limit 5000) c order by c.at desc limit 6"
    )
    with psycopg.connect(owner_url) as connection:
        connection.execute("set role trunkline_lookup")
        for title, statement in (("the newest", newest), ("looked up", looked_up)):
            yield f"-- {title}"
            for (line,) in connection.execute(f"explain (analyze, buffers) {statement}", here):
                yield line


def _explained(session: Session, statement: str, values: dict[str, object]) -> Iterator[str]:
    for row in session.execute(text(statement), values):
        yield str(row[0])


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path)
    options.add_argument("--leads", type=int, default=100_000)
    options.add_argument("--turns", type=int, default=1_000_000)
    options.add_argument("--times", type=int, default=40)
    options.add_argument("--plans", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = asked.home or Path(folder)
        settings = Settings(trunkline_home=home, log_level="warning")
        with open_runtime(Command.TOOL, settings) as runtime:
            dice = random.Random(11)
            speech = Speech(dice)
            began = time.monotonic()
            business_id = founded()
            if business_id is None:
                business_id = seed(asked.leads, asked.turns, speech, dice)
            learn(business_id)
            assert runtime.hold is not None
            owner_url = str(runtime.hold.urls.database_owner_url)
            settle(owner_url)
            print(f"seeded in {time.monotonic() - began:.0f} s", flush=True)
            who = Principal(new_id(), "b@b", "B", "en", Role.VIEWER, business_id, False)
            explained = owner_url if asked.plans else None
            report(who, business_id, speech, dice, asked.times, explained)


def settle(owner_url: str) -> None:
    """Let PostgreSQL take stock, as it would by itself in time."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")


def report(  # noqa: PLR0917
    who: Principal,
    business_id: UUID,
    speech: Speech,
    dice: random.Random,
    times: int,
    owner_url: str | None,
) -> None:
    """Ask everything, and tell how long it took."""
    with unit_of_work(who.scope) as session:
        asked = questions(session, business_id, speech, dice, times)
        counts = session.execute(
            select(SearchText.kind, func.count().label("count"))
            .where(SearchText.business_id == business_id)
            .group_by(SearchText.kind)
        ).all()
        words = session.scalar(select(func.count()).where(SearchWord.business_id == business_id))
    rows = {row.kind: row.count for row in counts}
    sorts: dict[str, dict[str, float]] = {}
    everything: list[float] = []
    print(f"{'':24}{'p50 ms':>9}{'p95 ms':>9}{'found':>7}")
    for sort, texts in asked.items():
        for one in texts[:3]:
            ask(who, one)
        answers = [ask(who, one) for one in texts]
        taken = sorted(ms for ms, _ in answers)
        found = sum(bool(answer.groups) for _, answer in answers) / len(answers)
        everything += taken
        sorts[sort] = {"p50_ms": round(statistics.median(taken), 1), "p95_ms": round(_p95(taken), 1)}
        print(f"{sort:24}{sorts[sort]['p50_ms']:9}{sorts[sort]['p95_ms']:9}{found:7.0%}", flush=True)
    first = {
        typed: next(
            (group.hits[0].title for group in ask(who, typed)[1].groups if group.kind == "lead"), None
        )
        for _, typed in PLANTED
    }
    right = sum(first[typed] == name for name, typed in PLANTED)
    for name, typed in PLANTED:
        print(f"{typed:20} -> {first[typed]}{'' if first[typed] == name else '   (wanted ' + name + ')'}")
    if owner_url is not None:
        rare = [asked[sort][0] for sort in ("rare word", "rare and common word", "surname")]
        for one in ("Wednesday", "מרפאה", *rare):
            print("\n".join(plans(who, owner_url, one)), flush=True)
    print(
        json.dumps(
            {
                "benchmark": "search", "rows": rows, "words": words, "searches": len(everything),
                "p50_ms": round(statistics.median(everything), 1),
                "p95_ms": round(_p95(sorted(everything)), 1),
                "slips_right": right, "slips": len(PLANTED), "sorts": sorts, "load": os.getloadavg(),
                "cpus": os.cpu_count(), "python": platform.python_version(),
            }
        )
    )  # fmt: skip


def _p95(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


if __name__ == "__main__":
    main()

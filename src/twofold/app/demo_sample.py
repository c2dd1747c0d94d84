"""One seeded source of names, addresses and keys for the demo; it must never give the same company twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
"""A row of a table, by column; its key comes first."""

SEED = 20_250_301
LOCALES = {"DK": "da_DK", "DE": "de_DE", "US": "en_US"}
PHONES = {"DK": "+45 ## ## ## ##", "DE": "+49 ### #######", "US": "+1 ###-555-01##"}
CURRENCIES = {"DK": "DKK", "DE": "EUR", "US": "USD"}
_BEGINNING = datetime(2025, 3, 1, 8, tzinfo=UTC)


class Sample:
    """Names, addresses and keys from one seeded source."""

    def __init__(self) -> None:
        from faker import Faker

        self._fakers = {country: Faker(locale) for country, locale in LOCALES.items()}
        for number, faker in enumerate(self._fakers.values()):
            faker.seed_instance(SEED + number)
        self._one = self._fakers["US"]
        self._taken: set[str] = set()
        self._stamps = 0

    def key(self) -> str:
        """A key for a new row."""
        return str(self._one.uuid4())

    def stamp(self) -> str:
        """The next moment of last year's office hours."""
        self._stamps += 1
        moment = _BEGINNING + timedelta(minutes=7 * self._stamps, microseconds=self._stamps * 1009)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def country(self) -> str:
        """One of the countries the company trades with."""
        return str(self._one.random_element(list(LOCALES)))

    def pick(self, items: list[Any]) -> Any:
        """One of the items."""
        return self._one.random_element(items)

    def company(self) -> Row:
        """A company with an address of its country, and an e-mail address nobody else has."""
        country = self.country()
        faker = self._fakers[country]
        name = self._fresh(faker.company)
        domain = plain(name)
        return {
            "name": name,
            "email": f"office@{domain}.example",
            "phone": faker.numerify(PHONES[country]),
            "home_page": f"https://www.{domain}.example",
            "address": faker.street_address(),
            "city": faker.city(),
            "post_code": faker.postcode(),
            "country": country,
        }

    def person(self, company: Row) -> Row:
        """A person who works at a company."""
        faker = self._fakers[company["country"]]
        first, last = faker.first_name(), faker.last_name()
        domain = company["email"].partition("@")[2]
        mailbox = self._fresh(lambda: f"{plain(first)}.{plain(last)}{self._one.numerify('##')}@{domain}")
        return {
            "first_name": first,
            "surname": last,
            "email": mailbox,
            "phone": company["phone"],
            "mobile": self._one.numerify("+45 2# ## ## ##"),
            "job_title": self._one.job()[:60],
        }

    def colleague(self) -> tuple[str, str]:
        """The name and mobile phone of somebody of our own."""
        return self._fresh(self._fakers["DK"].name_female), self._one.numerify("+45 3# ## ## ##")

    def _fresh(self, make: Callable[[], Any]) -> str:
        """What `make` makes, until it is something that was not made before."""
        for _ in range(1000):
            text = str(make())
            if text.lower() not in self._taken:
                self._taken.add(text.lower())
                return text
        raise ValueError("The sample has no more different texts.")


_SPELLINGS = str.maketrans({"ø": "o", "æ": "ae", "å": "aa", "ß": "ss"})


def plain(text: str) -> str:
    """The text in lower-case ASCII letters, digits and dashes."""
    spelt = text.lower().translate(_SPELLINGS)
    letters = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    words = "".join(letter if letter.isalnum() else " " for letter in letters).split()
    return "-".join(words)

"""The panel in its reader's language: which one, its catalogue, and how moments, numbers and lengths of time read in it.

English is the source: templates and views hold English texts, and `locale/` one catalogue a language (gettext PO, read
as it is, so that what a translator edits is what people read). A text that is in no catalogue shows in English.
"""

from __future__ import annotations

import gettext
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""What the panel speaks, each by its own name."""

_CATALOGUES = Path(__file__).with_name("locale")
_PLAIN_ENGLISH = "en_GB"
"""English without a region: day before month and 24 hours, as the rest of the panel's languages have it."""


def N_(text: str) -> str:
    """Marks a text for the catalogues where it stands; it is translated where it is shown."""
    return text


def choose_language(setting: str, accepted: str) -> str:
    """A language tag the panel speaks ("de", "en-US"): the setting's if it names one, else the best of the browser's
    `Accept-Language` header, else English. Of the header the region is kept, for dates.
    """
    if setting in LANGUAGES:
        return setting
    for tag in _by_preference(accepted):
        language, _, region = tag.replace("_", "-").partition("-")
        if language.lower() in LANGUAGES:
            known = len(region) == 2 and region.isalpha() and region.isascii()
            return f"{language.lower()}-{region.upper()}" if known else language.lower()
    return "en"


def _by_preference(header: str) -> list[str]:
    """The tags of an `Accept-Language` header, best first; what is malformed is left out."""
    weighed: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            continue
        if tag and 0 < quality <= 1:
            weighed.append((-quality, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda entry: entry[0])]


@dataclass(frozen=True)
class Catalogue:
    """The texts of one language: source text -> translations, one a plural form."""

    texts: dict[str, tuple[str, ...]]
    form: Callable[[int], int]

    def gettext(self, text: str) -> str:
        """The translation, or the text itself."""
        return self.texts.get(text, (text,))[0]

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The translation for `count` things, or the English one."""
        forms = self.texts.get(one)
        if forms is None or len(forms) < 2:
            return one if count == 1 else many
        return forms[min(self.form(count), len(forms) - 1)]


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language of LANGUAGES; English's is empty."""
    if language == "en":
        return Catalogue({}, lambda count: int(count != 1))
    with (_CATALOGUES / f"{language}.po").open("rb") as file:
        read = read_po(file, locale=language)
    texts: dict[str, tuple[str, ...]] = {}
    for message in read:
        source = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
        forms = tuple(message.string) if isinstance(message.string, (tuple, list)) else (message.string,)
        if source and not message.fuzzy and all(isinstance(form, str) and form for form in forms):
            texts[source] = tuple(str(form) for form in forms)
    return Catalogue(texts, gettext.c2py(read.plural_expr))


@cache
def _locale(tag: str) -> Locale:
    try:
        return Locale.parse(_PLAIN_ENGLISH if tag == "en" else tag, sep="-" if "-" in tag else "_")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(tag.partition("-")[0])


@dataclass(frozen=True)
class Speech:
    """Says things in the language of `tag`; local times are those of `zone`."""

    tag: str
    zone: tzinfo

    @property
    def language(self) -> str:
        """The language without its region, one of LANGUAGES."""
        return self.tag.partition("-")[0]

    @property
    def locale(self) -> Locale:
        """Babel's locale."""
        return _locale(self.tag)

    def gettext(self, text: str, /, **values: Any) -> str:
        """The text in this language; `values` fill its %(name)s."""
        said = catalogue(self.language).gettext(text)
        return _one_stop(said, values) % values if values else said

    def ngettext(self, one: str, many: str, count: int, /, **values: Any) -> str:
        """The text for `count` things; %(num)s is the count as this language writes it."""
        said = catalogue(self.language).ngettext(one, many, count)
        values = {"num": self.number(count), **values}
        return _one_stop(said, values) % values

    def labelled(self, name: str, value: str) -> str:
        """A name and what belongs to it: with a colon, before which French sets a space."""
        return f"{name}\u00a0: {value}" if self.language == "fr" else f"{name}: {value}"

    def local(self, at: float) -> datetime:
        """A moment (epoch seconds) on the local clock."""
        return datetime.fromtimestamp(at, self.zone)

    def clock(self, at: float) -> str:
        """The time of day: 14:05."""
        return format_time(self.local(at), "short", locale=self.locale)

    def exact(self, at: float) -> str:
        """The time of day with its seconds: 14:05:07."""
        return format_time(self.local(at), "medium", locale=self.locale)

    def span(self, start: float, end: float) -> str:
        """From one time of the day to another: 14:05–15:00. Where the clock is set in between, or shows one of them twice
        that day, their names for the zone tell them apart: 02:00 CEST–02:00 CET.
        """
        first, last = self.local(start), self.local(end)
        told = (self.clock(start), self.clock(end))
        if first.utcoffset() != last.utcoffset() or _comes_twice(first) or _comes_twice(last):
            told = (f"{told[0]}\u00a0{first.tzname()}", f"{told[1]}\u00a0{last.tzname()}")
        return "\u2013".join(told)

    def hour(self, at: float) -> str:
        """A full hour, as short as it can be said beside an axis: 14, 2 pm."""
        if "a" in str(self.locale.time_formats["short"].pattern):
            return str(format_skeleton("h", self.local(at), locale=self.locale))
        return str(self.local(at).hour)

    def day(self, day: date) -> str:
        """A day with its weekday: Monday 24 November 2025."""
        return format_date(day, "full", locale=self.locale)

    def short_day(self, day: date) -> str:
        """A day in a table: Mon 24 Nov."""
        return str(format_skeleton("MMMEd", day, locale=self.locale))

    def month(self, day: date) -> str:
        """The month a day lies in: November 2025."""
        return str(format_skeleton("yMMMM", day, locale=self.locale))

    def date_of(self, at: float) -> str:
        """The day of a moment: 24 November 2025."""
        return format_date(self.local(at).date(), "long", locale=self.locale)

    def moment(self, at: float, now: float) -> str:
        """A moment as one says it at `now`: the time today, else the day and the time."""
        when, today = self.local(at), self.local(now).date()
        if when.date() == today:
            return self.clock(at)
        if abs(when.date() - today) < timedelta(days=180):
            return f"{self.short_day(when.date())}, {self.clock(at)}"
        return f"{format_date(when.date(), 'medium', locale=self.locale)}, {self.clock(at)}"

    def weekday(self, number: int) -> str:
        """An ISO weekday's name: 1 is Monday."""
        return str(get_day_names("abbreviated", locale=self.locale, context="stand-alone")[number - 1])

    def duration(self, seconds: float) -> str:
        """A length of time in hours and minutes, under a minute in seconds, by the symbols every language shares."""
        whole = round(seconds)
        if whole < 60:
            return f"{self.number(whole)}\u00a0s"
        hours, minutes = divmod(round(whole / 60), 60)
        parts = [f"{self.number(hours)}\u00a0h"] if hours else []
        if minutes or not hours:
            parts.append(f"{minutes}\u00a0min")
        return " ".join(parts)

    def number(self, value: float) -> str:
        """A number."""
        return format_decimal(value, locale=self.locale)

    def decimals(self, value: float, places: int) -> str:
        """A number with so many decimals."""
        return format_decimal(value, format="0." + "0" * places if places else "0", locale=self.locale)

    def percent(self, share: float) -> str:
        """A share (0 to 1) in whole per cent. A little is said as less than one, never as nothing."""
        if 0 < share < 0.005:
            return "< " + format_percent(0.01, locale=self.locale)
        return format_percent(
            share, format="0\u00a0%" if self.language in ("de", "fr", "es") else "0%", locale=self.locale
        )

    def size(self, count: int) -> str:
        """Bytes: 734 bytes, 1.3 kB."""
        if count < 1000:
            return format_unit(count, "digital-byte", "long", locale=self.locale)
        return format_unit(round(count / 1000, 1), "digital-kilobyte", "short", locale=self.locale)


def _comes_twice(at: datetime) -> bool:
    """Whether the local clock shows this time twice, because it is set back."""
    return at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


def _one_stop(said: str, values: Mapping[str, Any]) -> str:
    """The text without the full stop after a value that ends in one itself, as "6:36 a.m."."""
    for name, value in values.items():
        if isinstance(value, str) and value.endswith("."):
            said = said.replace(f"%({name})s.", f"%({name})s")
    return said


def plain(text: str) -> str:
    """Text for searching: without case and accents."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in spread if not unicodedata.combining(letter))

"""Amounts of money and dates as they stand in documents, read from text (task-types-text §8.3). Pure."""

from __future__ import annotations

import datetime as dt
import re

from msgspec import Struct

_CODES = frozenset(
    re.findall(
        "...",
        "AEDAFNALLAMDANGAOAARSAUDAWGAZNBAMBBDBDTBGNBHDBIFBMDBNDBOBBRLBSDBTNBWPBYNBZDCADCDFCHFCLPCNYCOPCRCCUPCVECZK"
        "DJFDKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGNFGTQGYDHKDHNLHTGHUFIDRILSINRIQDIRRISKJMDJODJPYKESKGSKHRKMF"
        "KPWKRWKWDKYDKZTLAKLBPLKRLRDLSLLYDMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMYRMZNNADNGNNIONOKNPRNZDOMRPABPENPGK"
        "PHPPKRPLNPYGQARRONRSDRUBRWFSARSBDSCRSDGSEKSGDSHPSLESOSSRDSSPSTNSVCSYPSZLTHBTJSTMTTNDTOPTRYTTDTWDTZSUAHUGX"
        "USDUYUUZSVESVNDVUVWSTXAFXCDXOFXPFYERZARZMWZWL",
    )
)
_SYMBOLS = {
    "$": "USD", "£": "GBP", "€": "EUR", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₪": "ILS",
    "฿": "THB", "₫": "VND", "₴": "UAH",
}  # fmt: skip
_SPACES = "\u00a0\u2009\u202f"
_AMOUNT = re.compile(rf"(?<![\d.,])\d(?:[\d.,'’ {_SPACES}]{{0,40}}\d)?")
_NEGATIVE = re.compile(r"^\s*(?:[A-Za-z$£€¥₹]{0,3}\s*[-−–]|\()")
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")


class DocumentMoney(Struct, kw_only=True, omit_defaults=True):
    """An amount as a decimal string without grouping; null when the text could not be read."""

    amount: str | None
    parsed: bool
    currency: str | None = None


class DocumentDate(Struct, kw_only=True):
    """The parts of a date that the text gives."""

    year: int | None
    month: int | None
    day: int | None
    parsed: bool


def read_money(text: str) -> DocumentMoney:
    """The one amount in a text and its ISO 4217 currency, if a symbol or code is there."""
    code = next((c for c in _CODE.findall(text) if c in _CODES), None)
    currency = code or next((name for symbol, name in _SYMBOLS.items() if symbol in text), None)
    found = _AMOUNT.findall(text[:1000])
    amount = _plain(found[0]) if len(found) == 1 else None
    if amount is None:
        return DocumentMoney(amount=None, parsed=False, currency=currency)
    sign = "-" if _NEGATIVE.match(text) else ""
    return DocumentMoney(amount=sign + amount, parsed=True, currency=currency)


def _plain(written: str) -> str | None:
    """`1.234,56`, `1,234.56`, `1 234` → `1234.56`, `1234.56`, `1234`; None if the groups do not make sense."""
    text = re.sub(rf"['’ {_SPACES}]", " ", written)
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        whole, fraction = text, ""
    else:
        mark, tail = text[last], text[last + 1 :]
        other = "," if mark == "." else "."
        # "1,234" is grouped, "1.234" has three decimals unless more groups say otherwise.
        grouping = text.count(mark) > 1 or (len(tail) == 3 and mark == "," and other not in text)
        whole, fraction = (text, "") if grouping or not tail.isdigit() else (text[:last], tail)
    groups = re.split(r"[ .,]", whole)
    if not all(g.isdecimal() and g.isascii() for g in groups):
        return None
    if len(groups) > 1 and (len(groups[0]) > 3 or any(len(g) not in (2, 3) for g in groups[1:])):
        return None
    joined = "".join(groups).lstrip("0") or "0"
    return f"{joined}.{fraction}" if fraction else joined


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero", "feb february februar février fevrier febrero",
            "mar march märz maerz mars marzo", "apr april avril abril", "may mai mayo", "jun june juni juin junio",
            "jul july juli juillet julio", "aug august août aout agosto",
            "sep sept september septembre septiembre", "oct october oktober octobre octubre",
            "nov november novembre noviembre", "dec december dezember décembre decembre diciembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?!\d)", re.ASCII)
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?!\d)", re.ASCII)
_SHORT = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{4})(?!\d)", re.ASCII)
_TOKEN = re.compile(r"\d+|[^\W\d_]+")


def read_date(text: str, lang: str) -> DocumentDate:
    """The parts of the date in a text; American English puts the month first where numbers alone leave it open."""
    text = text[:1000]
    if match := _ISO.search(text):
        return _date(int(match[1]), int(match[2]), int(match[3]) if match[3] else None)
    if match := _NUMERIC.search(text):
        first, second, year = int(match[1]), int(match[2]), _year(match[3])
        month_first = lang.lower() in ("en-us", "en") and first <= 12
        if second > 12 or (month_first and second <= 31):
            return _date(year, first, second)
        return _date(year, second, first)
    if match := _SHORT.search(text):
        return _date(int(match[2]), int(match[1]), None)
    return _in_words(text)


def _in_words(text: str) -> DocumentDate:
    tokens = [token.casefold() for token in _TOKEN.findall(text)]
    month = next((_MONTHS[t] for t in tokens if t in _MONTHS), None)
    numbers = [t for t in tokens if t.isdecimal() and t.isascii()]
    year = next((int(t) for t in numbers if len(t) == 4), None)
    days = [int(t) for t in numbers if len(t) <= 2]
    if month is None:
        return _date(year, None, None) if year is not None and len(numbers) == 1 else _NOTHING
    if year is None and len(days) == 2:
        year = _year(f"{days.pop():02}")
    return _date(year, month, days[0] if days else None)


def _year(digits: str) -> int:
    number = int(digits)
    return number if len(digits) == 4 else 2000 + number if number < 70 else 1900 + number


_NOTHING = DocumentDate(year=None, month=None, day=None, parsed=False)


def _date(year: int | None, month: int | None, day: int | None) -> DocumentDate:
    try:
        # 2000 is a leap year, so that the 29th of February stands without a year.
        dt.date(2000 if year is None else year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return _NOTHING
    return DocumentDate(year=year, month=month, day=day, parsed=True)

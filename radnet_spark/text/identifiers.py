"""Numbers, dates and addresses that identify a person in a diagnosis, told by their check digits and shapes."""

from __future__ import annotations

import re

from radnet_spark.text.marks import MARK

_NUMBER = re.compile(r"(?=\d)(?<!\d)(?:\d{9}|\d{11}|\d{13})(?!\d)")
_IBAN = re.compile(r"\bHR\d\d(?:\s?\d{4}){4}\s?\d(?!\d)")
_LABELLED = re.compile(r"\b((?:OIB|MBO|JMBG|MBG|mati[čc]ni\s+broj)\s*[:.]?\s*)\d[\d ]{4,}\d", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\d.,])(?:(?:\+|00)\s?385[\s/.-]?\(?0?\)?\s?(?:1[\s/-])?"
    r"|\(?0(?:1|[2-5]\d|9\d)\)?\s?[\s/.-]\s?|0[2-59]\d(?=\d{6,7}(?!\d)))"
    r"[\s/-]?\d{2,4}(?:\s?[\s./-]?\s?\d{2,4}){1,2}(?!\d)"
)
_ABROAD = re.compile(r"(?<![\w.,+])(?:\+|00)[1-9]\d{0,2}(?:[\s/.-]{1,2}\(?\d{1,7}\)?){2,5}(?!\d)")
_LABELLED_PHONE = re.compile(
    r"\b((?:(?:tel|mob|fax|telefon|mobitel)\w{0,4}|ku[ćc]ni(?:\sbroj)?|lokal)\s{0,3}[.:]{0,3}\s{0,3})"
    r"\+?[\d(][\d\s()/.-]{4,}\d",
    re.IGNORECASE,
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_STREET = r"[^\W\d_]+(?:[^\S\n][^\W\d_]+){0,3}"
_ADDRESS = re.compile(
    rf"\b((?i:adres[aei]|stanuje|prebivali[šs]t[eau]|ulic[aeiu]|ul\.)(?::|[^\S\n]u|[^\S\n]na)?[^\S\n]{{1,3}})"
    rf"(?=[A-ZČĆŠŽĐ]){_STREET}[^\S\n]\d{{1,4}}[a-z]?(?!\w|[^\S\n]?(?i:mm|cm|ml|%))"
)
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d(?!\d)"
_ROMAN = r"(?:I{1,3}|I?V|VI{1,3}|I?X|XI{1,2})"
_NAMED = "sije[čc]nja|velja[čc]e|o[žz]ujka|travnja|svibnja|lipnja|srpnja|kolovoza|rujna|listopada|studenoga?|prosinca"
_NO_MEASURE = r"(?![\d/]|[.,]\d|\s?(?i:mm|cm|m[lga]|x|×|%|°|hu|kv)\b)"
_LABELLED_DATE = re.compile(
    rf"\b((?i:r|ro[đd]|ro[đd]en[ai]?|dana|od|dob|datum)\s?[.:]?\s)(?:{_DAY}/{_MONTH}/\d\d){_NO_MEASURE}"
)
_DATE = re.compile(
    rf"(?=\d)(?<![\d.,/])(?:"
    rf"{_DAY}\s?(?:\.\s?{_MONTH}\s?\.|/{_MONTH}/|-{_MONTH}-|\.?\s?(?i:{_NAMED})|[.,]?\s?{_ROMAN}\s?\.?|/{_ROMAN}[/-])\s?{_YEAR}\.?"
    rf"|{_DAY}\s?(?:\.\s?{_MONTH}\s?\.|/{_MONTH}/|-{_MONTH}-|\.\s?(?i:{_NAMED}))\s?(?:\d\d\.(?!\d)|\d\d(?=\s?(?i:g\.|god)))"
    rf"|{_DAY}\.{_MONTH}\.\d\d{_NO_MEASURE}"
    r"|(?:19|20)\d\d(?P<mark>[-./]?)(?:0[1-9]|1[0-2])(?P=mark)(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ]\d\d:\d\d(?::\d\d)?|\.)?(?!\d))"
)


def without_identifiers(text: str) -> str:
    """The text with numbers, dates and addresses of persons replaced by `***`.

    Replaced are OIB and JMBG by their check digits, any nine digits alone (an MBO; no measure has nine), what a label
    names as one of them, mail addresses, phone numbers, dates, and a street with its number after a label.
    """
    text = _IBAN.sub(MARK, _MAIL.sub(MARK, text))
    text = _LABELLED.sub(rf"\1{MARK}", text)
    text = _LABELLED_PHONE.sub(rf"\1{MARK}", text)
    text = _NUMBER.sub(lambda found: MARK if _is_personal(found[0]) else found[0], text)
    text = _DATE.sub(MARK, _LABELLED_DATE.sub(rf"\1{MARK}", text))
    text = _ABROAD.sub(lambda found: MARK if 10 <= _digits(found[0]) <= 15 else found[0], text)
    text = _PHONE.sub(_mask_phone, text)
    return _ADDRESS.sub(rf"\1{MARK}", text)


def _mask_phone(found: re.Match[str]) -> str:
    if _digits(found[0]) < 8:
        return found[0]
    return f"({MARK}" if found[0].startswith("(") and ")" not in found[0] else MARK  # `(01 2345 678)`


def is_oib(digits: str) -> bool:
    """Whether 11 digits are an OIB: ISO 7064 MOD 11,10."""
    rest = 10
    for digit in digits[:-1]:
        rest = (rest + int(digit)) % 10 or 10
        rest = rest * 2 % 11
    return len(digits) == 11 and (11 - rest) % 10 == int(digits[-1])


def is_jmbg(digits: str) -> bool:
    """Whether 13 digits are a JMBG: weights 7 to 2 twice, modulo 11."""
    if len(digits) != 13:
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(digits[:12], (7, 6, 5, 4, 3, 2) * 2, strict=True)) % 11
    return rest != 1 and int(digits[12]) == (11 - rest) % 11


def _is_personal(digits: str) -> bool:
    return len(digits) == 9 or is_oib(digits) or is_jmbg(digits)


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)

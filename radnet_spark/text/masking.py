"""Persons in a diagnosis: numbers, dates and names are replaced before anything is stored.

The mark has no letters, so that it adds no word.
"""

from __future__ import annotations

import difflib
import re

from radnet_spark.text.names import MARK, is_known, without_names

_NUMBER = re.compile(r"(?<!\d)(?:\d{9}|\d{11}|\d{13})(?!\d)")
_LABELLED = re.compile(r"\b((?:OIB|MBO|JMBG|MBG|mati[čc]ni\s+broj)\s*[:.]?\s*)\d[\d ]{4,}\d", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\d.,])(?:(?:\+|00)\s?385[\s/.-]?\(?0?\)?\s?(?:1[\s/-])?|\(?0(?:1|[2-5]\d|9\d)\)?[\s/-]|0[2-59]\d(?=\d{6,7}(?!\d)))"
    r"[\s/-]?\d{2,4}(?:[\s./-]?\d{2,4}){1,2}(?!\d)"
)
_LABELLED_PHONE = re.compile(
    r"\b((?:tel|mob|fax|telefon|mobitel)\w*\s*[.:]*\s*)\+?[\d(][\d\s()/.-]{4,}\d", re.IGNORECASE
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_MONTHS = "sije[čc]nja|velja[čc]e|o[žz]ujka|travnja|svibnja|lipnja|srpnja|kolovoza|rujna|listopada|studenoga?|prosinca"
_DATE = re.compile(
    rf"(?<![\d.,])(?:(?:0?[1-9]|[12]\d|3[01])\s?(?:\.\s?(?:0?[1-9]|1[0-2])\s?\.|/(?:0?[1-9]|1[0-2])/|"
    rf"-(?:0?[1-9]|1[0-2])-|\.\s?(?:{_MONTHS}))\s?(?:(?:19|20)\d\d(?!\d)|\d\d\.(?!\d)|\d\d(?=\s?(?:g\.|god)))\.?"
    r"|(?:19|20)\d\d(?P<mark>[-./]?)(?:0[1-9]|1[0-2])(?P=mark)(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ]\d\d:\d\d(?::\d\d)?|\.)?(?!\d))",
    re.IGNORECASE,
)
_TITLE = (
    r"(?:(?i:prim|prof|doc|dr|mr|spec|ing|inž|dipl)(?:\s?\.\s?|\s+)(?i:(?:sc|med|univ|rad|h\.\s?c)\s?\.\s?,?\s*)*|"
    r"(?i:doktor(?:ic[aeiu]|a|u)?|radiolog(?:inj[aeiu]|a|u)?|sestr[aeiu]|očita(?:o|la)|ocita(?:o|la)|"
    r"lije[čc]ni(?:k|ka|ku|ca|ce|ci)|"
    r"(?:pacijent|bolesni[kc])(?:ic[aeiu]|k?[aeu])?|gosp(?:odin|o[đd]a)?\.?|g[đd](?:ic)?a\.?)\s*:?\s+)"
)
_UPPER, _LETTER = "A-ZČĆŠŽĐ", "A-Za-zČĆŠŽĐčćšžđ"
_NAME = rf"[{_UPPER}](?:[{_LETTER}]+|\.)(?:\s?-\s?[{_UPPER}][{_LETTER}]+)?"
_PERSON = re.compile(rf"(?<![{_LETTER}])((?:{_TITLE}\s*+,?\s*+){{1,6}}+)({_NAME}(?:\s{{0,2}}{_NAME}){{0,2}})")
_BARE_TITLE = re.compile(r"(?:mr|dr|spec|doc|ing)\s+", re.IGNORECASE)
_BEFORE_TITLE = re.compile(
    rf"(?<![{_LETTER}])(?!{_TITLE}){_NAME}(?:\s{{1,2}}{_NAME}){{1,2}}(?=\s*,\s*(?i:dr|prim|prof|doc|mr|spec|mag|dipl|ing)\b)"
)
_WORD = rf"[{_LETTER}]+"
_LOWER_TITLED = re.compile(
    rf"(?<![{_LETTER}])((?:(?:prim|prof|doc|dr)\s?\.?\s++){{1,6}}+)({_WORD}(?:\s{{1,2}}{_WORD})?)"
)
_NO_NAME = "bez|bil[ao]|bio|i|ima|je|na|navodi|nema|nije|s|sa|se|u|uz|za"
_LOWER_PATIENT = re.compile(  # without capitals a name is told by standing alone: `bolesnica ivana horvat.`
    rf"(?<![{_LETTER}])((?:pacijent|bolesni[kc])(?:ic[aeiu]|k?[aeu])?\s*:?\s+)(?!(?:{_NO_NAME})\b)({_WORD}\s{_WORD})(?=\s*(?:[.,;]|$))"
)
_PATIENT_WORDS = ("pacijent", "pacijentica", "bolesnik", "bolesnica")
_BEFORE_NAME = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]{{6,}})(\s+)({_NAME}\s{{1,2}}{_NAME})")


def masked(text: str) -> str:
    """The text with what may name a person replaced by `***`.

    Replaced are OIB and JMBG by their check digits, any nine digits alone (an MBO; no measure has nine), what a label
    names as one of them, mail addresses, phone numbers, dates, and up to three capitalised words after a title or a
    word for patient or physician (mistyped ones too), two or three before a title; in a text without capitals, words
    after a title, and two words that stand alone after a word for patient.
    """
    lower = text == text.lower()
    text = _MAIL.sub(MARK, text)
    text = _LABELLED.sub(rf"\1{MARK}", text)
    text = _LABELLED_PHONE.sub(rf"\1{MARK}", text)
    text = _NUMBER.sub(lambda found: MARK if _is_personal(found[0]) else found[0], text)
    text = _DATE.sub(MARK, text)
    text = _PHONE.sub(MARK, text)
    text = _PERSON.sub(_mask_after_title, _BEFORE_TITLE.sub(MARK, text))
    text = _BEFORE_NAME.sub(_mask_after_mistyped, text)
    if lower:
        text = _LOWER_PATIENT.sub(rf"\1{MARK}", _LOWER_TITLED.sub(rf"\1{MARK}", text))
    return without_names(text)


def _mask_after_title(found: re.Match[str]) -> str:
    """`MR Koljena` and `DR Toraksa` are examinations: without a point the letters are a title only before a name."""
    bare = _BARE_TITLE.fullmatch(found[1]) is not None
    return found[0] if bare and is_known(found[2].split(" ")[0]) else f"{found[1]}{MARK}"


def _mask_after_mistyped(found: re.Match[str]) -> str:
    meant = difflib.get_close_matches(found[1].lower(), _PATIENT_WORDS, n=1, cutoff=0.85)
    return f"{found[1]}{found[2]}{MARK}" if meant else found[0]


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

"""Names of persons in a diagnosis, told by what stands before or after them: a title, a kinship, a role, a label."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import cache, lru_cache

from radnet_spark.config import load_rules
from radnet_spark.text.marks import MARK, without
from radnet_spark.text.names import is_known, is_thing, names

_UPPER, _LETTER = "A-ZÀ-ÖØ-ÞĆČĐŠŽ", "A-Za-zÀ-ÖØ-öø-ÿĆćČčĐđŠšŽž"
_SAME_LINE = r"[^\S\n]"
_INITIAL = r"(?:Lj|Nj|Dž)\."
_NAME = rf"(?:{_INITIAL}|[{_UPPER}](?:[{_LETTER}]+|\.)(?:\s?-\s?[{_UPPER}][{_LETTER}]+)?)"
_TITLE = (
    rf"(?:(?i:prim|prof|doc|dr|mr|spec|ing|inž|dipl)(?:{_SAME_LINE}?\.{_SAME_LINE}?|{_SAME_LINE}+)"
    rf"(?i:(?:sc|med|univ|rad|dent|h\.\s?c)\s?\.{_SAME_LINE}?,?{_SAME_LINE}*)*|"
    r"(?i:doktor(?:ic[aeiu]|a|u)?|radiolog(?:inj[aeiu]|a|u)?|sestr[aeiu]|ses\.|očita(?:o|la)|ocita(?:o|la)|"
    r"lije[čc]ni(?:k|ka|ku|ca|ce|ci)|"
    r"(?:pacijent|bolesni[kc])(?:ic[aeiu]|ic?om|k?[aeiu])?|gosp(?:odin(?:[aue]|om)?|o(?:[đd]|dj)(?:[aeiuo]|om))?\.?|g[đd](?:ic)?(?:[aeiu]|om)\.?)"
    rf"{_SAME_LINE}*:?{_SAME_LINE}+|(?<!\d)(?<!\d[ .])(?<!\d\. )g\.{_SAME_LINE}?)"
)
_PERSON = re.compile(
    rf"(?<![{_LETTER}])((?:{_TITLE}{_SAME_LINE}*+,?{_SAME_LINE}*+){{1,6}}+)(?!(?i:radiolog|specijal))({_NAME}(?:{_SAME_LINE}{{0,2}}{_NAME}){{0,2}})"
)
_BARE_TITLE = re.compile(r"(?:mr|dr|spec|doc|ing)\s+", re.IGNORECASE)
_AFTER_NAMES = re.compile(r"med\s?\.|rad\s?\.|univ\s?\.|dent\s?\.|spec\s?\.", re.IGNORECASE)  # `Ana Anić, dr. med. Bez`
_PATIENT = re.compile(r"pacijent|bolesni", re.IGNORECASE)
_PERHAPS_TITLE = re.compile(r"MR\.\s*|g\.\s*")
_BEFORE_TITLE = re.compile(
    rf"(?<![{_LETTER}])(?!{_TITLE}){_NAME}(?:{_SAME_LINE}{{1,2}}{_NAME}){{1,2}}"
    rf"(?={_SAME_LINE}*,\s*(?i:dr|prim|prof|doc|mr|spec|mag|dipl|ing)\b)"
)
_WORD = rf"[{_LETTER}]+"
_LOWER_TITLED = re.compile(
    rf"(?<![{_LETTER}])((?:(?:prim|prof|doc|dr)\s?\.?\s++){{1,6}}+)({_WORD}(?:\s{{1,2}}{_WORD})?)"
)
_NO_NAME = "bez|bil[ao]|bio|i|ima|je|na|navodi|nema|nije|s|sa|se|u|uz|za"
_SMALL_PATIENT = "(?:pacijent|bolesni[kc])(?:ic[aeiu]|k?[aeu])?"
_LOWER_PATIENT = re.compile(  # without capitals a name is told by standing alone: `bolesnica ivana horvat.`
    rf"(?<![{_LETTER}])({_SMALL_PATIENT}\s*:?\s+)(?!(?:{_NO_NAME})\b)({_WORD}\s{_WORD})(?=\s*(?:[.,;]|$))"
)
_PATIENT_WORDS = ("pacijent", "pacijentica", "bolesnik", "bolesnica")
_BEFORE_NAME = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]{{6,}})({_SAME_LINE}+)({_NAME}{_SAME_LINE}{{1,2}}{_NAME})")

_BEFORE_ANY = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]++)({_SAME_LINE}?[.:(]{{0,2}}){_SAME_LINE}{{0,2}}(?={_NAME})")
_SMALL_PAIR = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]++)({_SAME_LINE})([{_LETTER}]++)")
_FOR_A_PERSON = re.compile(rf"gosp(?:odin[aue]?|o[đd][aeiuo])|{_SMALL_PATIENT}")
_ONE = re.compile(_NAME)
_SPACE = re.compile(rf"{_SAME_LINE}{{1,2}}")
_AND = re.compile(rf"{_SAME_LINE}?/{_SAME_LINE}?|{_SAME_LINE}(?:i|te){_SAME_LINE}")
_COMMA = re.compile(rf",{_SAME_LINE}{{1,2}}")
_MAIDEN = re.compile(rf"(?<=\*\*\* \()({_NAME})(?=\))")
_AFTER_COMMA = re.compile(rf"\*\*\*,{_SAME_LINE}({_NAME})(?![{_LETTER}])")
_ANY_WORD = rf"{_WORD}(?:-{_WORD})?"
_LABELLED_NAME = re.compile(
    rf"(?<![{_LETTER}])((?i:(?:pre)?ime(?: (?:majke|oca|roditelja|pacijenta))?):{_SAME_LINE}{{0,3}})"
    rf"(?:{_ANY_WORD}(?:,?{_SAME_LINE}{{1,2}}{_ANY_WORD}){{0,2}}(?={_SAME_LINE}{{0,3}}(?:[\n;,.(\d]|$))"
    rf"|{_ANY_WORD}(?:{_SAME_LINE}{_ANY_WORD})?)"
)


def without_titled(text: str) -> str:
    """The text with names beside a title, a kinship, a role or a label replaced by `***`.

    Replaced are up to three capitalised words after a title or a word for patient or physician (mistyped ones too), two
    or three before a title; after a word for a relative or a member of staff capitalised words that are known as
    nothing else; what follows `ime:`, `prezime:`; in a text without capitals, words after a title, and two words that
    stand alone after a word for patient. A name ends with its line.
    """
    lower = text == text.lower()
    text = _LABELLED_NAME.sub(rf"\1{MARK}", text)
    text = _PERSON.sub(_mask_after_title, _BEFORE_TITLE.sub(_mask_before_title, text))
    text = _BEFORE_NAME.sub(_mask_after_mistyped, text)
    text = without(text, [span for found in _BEFORE_ANY.finditer(text) for span in _named(text, found)])
    text = _AFTER_COMMA.sub(lambda m: MARK if names().is_given(m[1], sure=False) else m[0], text)
    text = _MAIDEN.sub(lambda m: MARK if _may_be_name(m[1]) else m[0], text)
    if lower:
        text = _LOWER_PATIENT.sub(rf"\1{MARK}", _LOWER_TITLED.sub(_mask_after_small_title, text))
        text = _SMALL_PAIR.sub(_mask_small, text)
    return text


def _mask_after_title(found: re.Match[str]) -> str:
    """`MR Koljena`, `DR Toraksa` and `MR. Menisk` are examinations, and `prošle g. Stabilno` is a year."""
    first = re.split(r"[\s-]", found[2])[0]
    if _PERHAPS_TITLE.fullmatch(found[1]):
        return f"{found[1]}{MARK}" if _is_listed(first) else found[0]
    words = re.split(rf"({_SAME_LINE}+)", found[2])
    while len(words) > 1 and (is_known(words[-1]) or (len(words) == 5 and _is_whole(words[0], words[2], words[4]))):
        words = words[:-2]  # `Dr. Ana Perić Pluća uredna`, `PACIJENT IVAN HORVATIĆ HEMATOM`
    named = any(_is_listed(word) for word in words[::2])
    bare = _BARE_TITLE.fullmatch(found[1]) is not None
    doubtful = _AFTER_NAMES.search(found[1]) or is_thing(found.string, found.end(2))
    if not named and (doubtful or (is_known(first) and (bare or _PATIENT.match(found[1])))):
        return found[0]
    return f"{found[1]}{MARK}{found[2][len(''.join(words)) :]}"


def _is_whole(first: str, second: str, third: str) -> bool:
    """Whether the first two of three words are a name and the third belongs to no name."""
    pairs = ((first, second), (second, first))
    named = any(names().is_given(given, sure=False) and names().is_surname(surname) for given, surname in pairs)
    return named and not _is_listed(third) and not third.endswith(".")


def _mask_before_title(found: re.Match[str]) -> str:
    """`Snimio Željko Mandić, ing.`: what announces a person stays."""
    first, space, _ = found[0].partition(" ")
    return f"{first}{space}{MARK}" if _announced(first) else MARK


def _mask_after_small_title(found: re.Match[str]) -> str:
    """`dr. ivan horvat` is one name, `dr. horvat javlja` is not."""
    first, space, second = found[2].partition(" ")
    both = names().is_given(first, sure=False) or names().is_surname(second)
    return f"{found[1]}{MARK}" if both else f"{found[1]}{MARK}{space}{second}"


def _mask_small(found: re.Match[str]) -> str:
    """`kolega medved`, `pacijent mamić`: a surname or a sure given name after a word for a person."""
    told = _announced(found[1]) or _FOR_A_PERSON.fullmatch(found[1])
    return f"{found[1]}{found[2]}{MARK}" if told and _is_listed(found[3]) and not is_known(found[3]) else found[0]


def _mask_after_mistyped(found: re.Match[str]) -> str:
    meant = difflib.get_close_matches(found[1].lower(), _PATIENT_WORDS, n=1, cutoff=0.85)
    return f"{found[1]}{found[2]}{MARK}" if meant and not is_known(found[3].split()[0]) else found[0]


def _named(text: str, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Where the persons are that a relative's or role's word announces, one after the other."""
    kind, at = _announced(found[1]), found.end()
    short = kind in ("role", "label") and len(found[1]) <= 4  # ing., rođ.
    if kind is None or ("." in found[2] and not short):
        return
    colon = found[2].endswith(":")
    must = colon if kind == "kin" else kind == "present" and not colon  # `Otac: Hipertenzija`, `Prisutne Promjene`
    while (end := _person_end(text, at, must)) is not None and not is_thing(text, end):
        yield at, end
        more = _AND.match(text, end) or ((kind in ("several", "present") or colon) and _COMMA.match(text, end))
        if not more:
            return
        at, must = more.end(), False


@cache
def _announcing() -> re.Pattern[str]:
    """The words of `conf/titles_hr.yml`, each group by its name."""
    groups = {name: "|".join(group) for name, group in load_rules("titles_hr.yml").items() if isinstance(group, dict)}
    return re.compile("|".join(f"(?P<{name}>{words})" for name, words in groups.items()), re.IGNORECASE)


@lru_cache(maxsize=1 << 14)
def _announced(word: str) -> str | None:
    """The group of a word that announces a person; None: it announces nobody."""
    found = _announcing().fullmatch(word)
    return found and found.lastgroup


def _person_end(text: str, at: int, must: bool) -> int | None:
    """The end of up to three words from `at` that may be one person's name; None: there is none.

    Args:
        text: all of it.
        at: where the first word begins.
        must: whether the first one must be listed or have a surname's ending.
    """
    end, words = None, 0
    while (
        words < 3
        and (one := _ONE.match(text, at))
        and (_is_listed(one[0], sure=False) if must else _may_be_name(one[0]))
    ):
        end, words, must = one.end(), words + 1, False
        space = _SPACE.match(text, end)
        if space is None:
            break
        at = space.end()
    return end


def _is_listed(word: str, sure: bool = True) -> bool:
    return names().is_given(word, sure) or names().is_surname(word)


def _may_be_name(word: str) -> bool:
    """Not what is known as something else or announces a person; in capitals (RTG, BOLESTI) only what is listed."""
    if word.endswith(".") or _is_listed(word):
        return True
    return len(word) > 2 and not (word.isupper() or is_known(word) or _announced(word))

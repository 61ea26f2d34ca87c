"""Names of persons in a diagnosis, told by what stands before or after them: a title, a kinship, a role, a label."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import lru_cache

from radnet_spark.text.identifiers import MARK
from radnet_spark.text.names import NAMED_AFTER, is_known, names

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
_BARE_TITLE = re.compile(r"(?:mr|dr|spec|doc|ing)\s+|g\.\s*", re.IGNORECASE)
_BEFORE_TITLE = re.compile(
    rf"(?<![{_LETTER}])(?!{_TITLE}){_NAME}(?:{_SAME_LINE}{{1,2}}{_NAME}){{1,2}}"
    rf"(?={_SAME_LINE}*,\s*(?i:dr|prim|prof|doc|mr|spec|mag|dipl|ing)\b)"
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
_BEFORE_NAME = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]{{6,}})({_SAME_LINE}+)({_NAME}{_SAME_LINE}{{1,2}}{_NAME})")

_KIN = (
    "sin(?:a|u|om|ovi)?|k[ćc]i|k[ćc]er(?:i|ju|ka|ke|ki|ku|kom)?|maj(?:k[aeuo]|kom|ci)|otac|oc(?:[au]|em)|"
    "supru(?:g|g[aeu]|gom|zi)|mu[žz](?:a|u|em)?|brat(?:a|u|om)?|unu(?:k|k[aeu]|kom|ci)|ne[ćc]a(?:k|k[au]|kom|ci)|"
    "ne[ćc]akinj(?:[aeiu]|om)|ro[đd]a(?:k|k[au]|kom)|ro[đd]akinj(?:[aeiu]|om)|skrbni(?:k|k[au]|kom|c[aeiu])|"
    "njegovatelj(?:[aiu]|em|ic[aeiu]|icom)?|roditelj(?:[aiu]|em|ima)?|djed(?:a|u|om)?|ba(?:k[aeu]|kom|ki)|"
    "tet(?:[aeiu]|k[aeiu])|uja(?:k|k[au]|kom)|stri(?:c|c[au]|cem)|d(?:ijete|jetet[au]|jetetom)|bliza(?:nac|nc[aiu])|"
    "partner(?:a|u|om|ic[aeiu])?|koleg(?:[aeu]|om)|kole[zg]i|kolegic(?:[aeiu]|om)|pratnj(?:[aiu]|om)|"
    "susjed(?:[aeiu]|om|k[aeiu])?|kum(?:[aeiu]|om)?|prijatelj(?:[au]|em|ic[aeiu])?|prevoditelj(?:[au]|em|ic[aeiu])?|"
    "[žz]en[aeiu]|djevoj[čc]ic[aeiu]|djevojk[aeiu]|dje[čc]a(?:k|k[au]|kom)|mladi[ćc](?:a|u|em)?|mu[šs]kar(?:ac|c[au])|obitelj(?:i)?|"
    "radni(?:k|k[au]|c[aei])|voza[čc](?:a|u)?|trener(?:a|u)?"
)
_ROLE = (
    "sta[žz]ist(?:[aeiu]|ic[aeiu])?|specijalizant(?:[au]|ic[aeiu])?|primarijus(?:a|u)?|voditelj(?:a|u|ic[aeiu])?|konzilij(?:a|u)?|"
    "[čc]itanj[aeu]|arbitra[žz][aeu]|in[žz]enjer(?:a|u|om|k[aeiu]|kom)?|tehni[čc]ar(?:a|u|om|k[aeiu]|kom)?|tajni(?:k|k[au]|c[aeiu]|com)|"
    "zapisni[čc]ar(?:a|k[ae])?|de[žz]urn(?:[iaeu]|og|om)|ing|inž|pac|"
    "[a-zčćšžđ]{3,}(?:olog|kirurg|ortoped|internist|pedijat[ae]?r|fizijat[ae]?r|anesteziolog|ologinj)(?:[aeiu]|om)?|"
    "fizio(?:terapeut(?:a|u|om|kinj[aeiu])?)?|[a-zčćšžđ]{3,}(?:i[čc]ar|atri)(?:k[aeiu]|c[aeiu]|kom|com)|"
    "ortoped(?:a|u|om)?|kirurg(?:a|u|om)?|internist(?:[aeiu]|om)|pedijat(?:ar|r[au]|rom)|urolog(?:a|u|om)?"
)
_DOES = (
    "(?:radi|predstavi|snimi|pregleda|opisa|potpisa|uputi|napravi|obavi|diktira|prepisa|otkuca|potvrdi|dove|prona[šs]|zva|nazva|javi|pozva|predlo[žz]i|tra[žz]i)(?:o|la|li|ao|la|[šs]la)|"
    "konzultira[no](?:[aio])?|sla[žz]u se"
)
_SHORT = ("ing", "inž", "pac", "ses", "rođ", "rod")
_LABEL = "prezime|ime|ro[đd]|prijavljen[aio]?"
_SEVERAL = "prisutn[ie]|potpis(?:uju|ali|nici)|roditelj(?:i|a|ima)|de[žz]urn[ie]|blizan(?:ci|aca|cima)"
_ANNOUNCES = re.compile(rf"(?P<several>{_SEVERAL})|{_KIN}|{_ROLE}|{_DOES}|{_LABEL}", re.IGNORECASE)
_BEFORE_ANY = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]++)({_SAME_LINE}?[.:(]{{0,2}}){_SAME_LINE}{{0,2}}(?={_NAME})")
_SMALL_PAIR = re.compile(rf"(?<![{_LETTER}])([{_LETTER}]++)({_SAME_LINE})([{_LETTER}]++)")
_FOR_A_PERSON = re.compile(r"gosp(?:odin[aue]?|o[đd][aeiuo])|(?:pacijent|bolesni[kc])(?:ic[aeiu]|k?[aeu])?")
_ONE = re.compile(_NAME)
_SPACE = re.compile(rf"{_SAME_LINE}{{1,2}}")
_AND = re.compile(rf"{_SAME_LINE}?/{_SAME_LINE}?|{_SAME_LINE}(?:i|te){_SAME_LINE}")
_COMMA = re.compile(rf",{_SAME_LINE}{{1,2}}")
_MAIDEN = re.compile(rf"(?<=\*\*\* \()({_NAME})(?=\))")
_AFTER_COMMA = re.compile(rf"\*\*\*,{_SAME_LINE}({_NAME})(?![{_LETTER}])")
_LABELLED_NAME = re.compile(
    rf"(?<![{_LETTER}])((?i:(?:pre)?ime(?: (?:majke|oca|roditelja|pacijenta))?):{_SAME_LINE}*)"
    rf"({_WORD}(?:-{_WORD})?(?:,?{_SAME_LINE}{{1,2}}{_WORD}(?:-{_WORD})?){{0,2}})"
    rf"(?={_SAME_LINE}*(?:[\n;,.(\d]|$))"
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
    for begin, end in reversed([span for found in _BEFORE_ANY.finditer(text) for span in _named(text, found)]):
        text = f"{text[:begin]}{MARK}{text[end:]}"
    text = _AFTER_COMMA.sub(lambda m: MARK if names().is_given(m[1], sure=False) else m[0], text)
    text = _MAIDEN.sub(lambda m: MARK if _may_be_name(m[1]) else m[0], text)
    if lower:
        text = _LOWER_PATIENT.sub(rf"\1{MARK}", _LOWER_TITLED.sub(_mask_after_small_title, text))
        text = _SMALL_PAIR.sub(_mask_small, text)
    return text


def _mask_after_title(found: re.Match[str]) -> str:
    """`MR Koljena` and `DR Toraksa` are examinations: without a point the letters are a title only before a name."""
    first = re.split(r"[\s-]", found[2])[0]
    if found[1].startswith("MR") and not (names().is_given(first, sure=True) or names().is_surname(first)):
        return found[0]
    bare = _BARE_TITLE.fullmatch(found[1]) is not None
    return found[0] if bare and is_known(first) else f"{found[1]}{MARK}"


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
    listed = names().is_surname(found[3]) or names().is_given(found[3], sure=True)
    told = _announced(found[1]) or _FOR_A_PERSON.fullmatch(found[1])
    return f"{found[1]}{found[2]}{MARK}" if told and listed and not is_known(found[3]) else found[0]


def _mask_after_mistyped(found: re.Match[str]) -> str:
    meant = difflib.get_close_matches(found[1].lower(), _PATIENT_WORDS, n=1, cutoff=0.85)
    return f"{found[1]}{found[2]}{MARK}" if meant else found[0]


def _named(text: str, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Where the persons are that a relative's or role's word announces, one after the other."""
    announced, at = _announced(found[1]), found.end()
    if not announced or ("." in found[2] and found[1].lower() not in _SHORT):
        return
    listed = announced == "several" or found[2].endswith(":")
    while (end := _person_end(text, at)) is not None and not NAMED_AFTER.match(text, end):
        yield at, end
        more = _AND.match(text, end) or (listed and _COMMA.match(text, end))
        if not more:
            return
        at = more.end()


@lru_cache(maxsize=1 << 14)
def _announced(word: str) -> str | None:
    """Whether a word announces `one` person or `several`; None: nobody."""
    found = _ANNOUNCES.fullmatch(word)
    return found and ("several" if found["several"] else "one")


def _person_end(text: str, at: int) -> int | None:
    """The end of up to three words from `at` that may be one person's name; None: there is none."""
    end, words = None, 0
    while words < 3 and (one := _ONE.match(text, at)) and _may_be_name(one[0]):
        end, words = one.end(), words + 1
        space = _SPACE.match(text, end)
        if space is None:
            break
        at = space.end()
    return end


def _may_be_name(word: str) -> bool:
    """Not what is known as something else or announces a person, and no short form in capitals (RTG, HIV)."""
    lists = names()
    listed = lists.is_given(word, sure=True) or lists.is_surname(word)
    short = len(word) < 3 or (len(word) < 5 and word.isupper())
    return word.endswith(".") or listed or not (is_known(word) or short or _announced(word))

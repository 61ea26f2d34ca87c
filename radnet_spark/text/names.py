"""Names of persons in a diagnosis without a title, told by lists of given names and by the endings of surnames.

Looked at are capitalised words that stand side by side, surnames in -ić, given names inside a sentence (and what is
somebody's: `Ivanino koljeno`), and lines of nothing but names; eponyms, parts of the body and places are known and stay
(`conf/names_hr.yml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from radnet_spark.config import load_rules
from radnet_spark.text.marks import MARK, without

_WORD = re.compile(r"(?:Lj|Nj|Dž)\.|[^\W\d_]{2,40}(?:\s?-\s?[^\W\d_]{2,40})?|[^\W\d_]\.")
_FOLD = str.maketrans("čćšžđČĆŠŽĐ", "ccszdCCSZD")
_PATRONYMIC = re.compile(r"[^\W\d_]{2,}i[ćč](?:a|u|em|ev\w{0,3}|i|ima|e|ka)?|[^\W\d_]{2,}(?:ic|ov?icem|[eo]vic[aui]?)")
_EPONYM_ENDING = "(?:a|u|e|i|om|em|ov|ev|in|(?:ov|ev|in)(?:a|e|i|u|o|og|oga|om|oj|im|ih|ima))?"
_BEGINS = re.compile(r"(?:^|[.!?:;(\n])\s*$")
_ENDS = re.compile(r"\s*(?:[,.;:)]|$)")
_LINE = re.compile(
    r"^([^\S\n]*)([^\W\d_][^\W\d_.-]+(?:,?[^\S\n][^\W\d_][^\W\d_.-]*\.?){0,2})([^\S\n]*[,.;:]?[^\S\n]*)$", re.M
)
_OF_A_FAMILY = re.compile(r"\w+[oe]vić\w{0,3}")
_MOSTLY = 0.4  # share of capitalised words above which capitals say nothing


@dataclass(frozen=True)
class Names:
    """The lists of `conf/names_hr.yml` in all cases, in small letters without diacritics.

    Attributes:
        given: forms of given names.
        surnames: forms of surnames.
        alone: forms of given names and of what is somebody's, with diacritics, that say enough inside a sentence.
        words_as_well: forms of given names that are words, too.
        eponym: a whole word that names no person here.
        begun: how such words begin; a listed surname is one all the same.
        named_after: a blank and the beginning of a word that makes a name that of a thing.
    """

    given: frozenset[str]
    surnames: frozenset[str]
    alone: frozenset[str]
    words_as_well: frozenset[str]
    eponym: re.Pattern[str]
    begun: re.Pattern[str]
    named_after: re.Pattern[str]

    def is_given(self, word: str, sure: bool) -> bool:
        """Whether a word is a given name; `sure`: and nothing else."""
        parts = _bare(word).split("-")
        return any(part in self.given and not (sure and part in self.words_as_well) for part in parts)

    def is_surname(self, word: str) -> bool:
        """Whether a word ends as surnames do or is listed."""
        return _is_patronymic(word) or any(part in self.surnames for part in (_bare(word), _bare(word).split("-")[0]))


@cache
def names() -> Names:
    """The lists of `conf/names_hr.yml`."""
    data = load_rules("names_hr.yml")
    words = frozenset(map(_bare, map(str, data["words_as_well"])))
    told = {form for name in data["given"] for form in (*_forms(name.lower()), *_possessives(name.lower()))}
    given, surnames = ({form for name in data[key] for form in _forms(_bare(name))} for key in ("given", "surnames"))
    eponyms = "|".join(sorted({_bare(str(name)) for name in data["eponyms"]}, key=len, reverse=True))
    whole = "|".join(_bare(word[1:]) for word in data["never"] if word.startswith("="))
    begun = "|".join(_bare(word) for word in data["never"] if not word.startswith("="))
    eponym = re.compile(rf"(?:{eponyms}){_EPONYM_ENDING}|(?:{whole})")
    named_after = re.compile(rf"\s(?:{'|'.join(load_rules('titles_hr.yml')['named_after'])})")
    alone = frozenset(form for form in told if _bare(form) not in words)
    return Names(frozenset(given), frozenset(surnames), alone, words, eponym, re.compile(begun), named_after)


def without_names(text: str) -> str:
    """The text with names of persons replaced by `***`."""
    words = list(_WORD.finditer(text))
    long = [word for word in words if len(word[0]) > 2]
    capital = sum(word[0][0].isupper() for word in long)
    mixed = 0 < capital <= _MOSTLY * len(long) + 3
    small = capital == 0
    spans = [span for run in _runs(text, words, small) for span in _persons(text, run, mixed)]
    spans += [] if small else list(_small_persons(words, text))
    return _LINE.sub(_mask_line, without(text, spans))


@lru_cache(maxsize=1 << 16)
def is_known(word: str) -> bool:
    """Whether a capitalised word is an eponym, a part of the body, or another word that names no person here."""
    lists, parts = names(), re.split(r"\s?-\s?", _bare(word))
    return any(lists.eponym.fullmatch(p) or (lists.begun.match(p) and p not in lists.surnames) for p in parts)


def is_thing(text: str, end: int) -> bool:
    """Whether the word after a name makes it the name of a thing: `Milan kriteriji`."""
    return names().named_after.match(text, end) is not None


def _runs(text: str, words: list[re.Match[str]], small: bool) -> Iterator[list[re.Match[str]]]:
    """Words that stand side by side with capital letters (in a text without any: all), up to a known one."""
    run = list[re.Match[str]]()
    for word in words:
        named = (small or word[0][0].isupper()) and not is_known(word[0])
        if run and (not named or text[run[-1].end() : word.start()] not in (" ", "  ", ", ")):
            yield run
            run = []
        if named:
            run.append(word)
    if run:
        yield run


def _persons(text: str, run: list[re.Match[str]], mixed: bool) -> Iterator[tuple[int, int]]:
    """Where the names in a run are.

    Args:
        text: all of it.
        run: words side by side.
        mixed: whether the text has small and capital letters, so that a capital says something.
    """
    lists, n = names(), 0
    while n < len(run):
        pair = run[n : n + 2]
        if n + 2 < len(run) and _begins_later(lists, *(word[0] for word in run[n : n + 3])):
            n += 1
        elif len(pair) == 2 and _is_person(lists, pair[0][0], pair[1][0], mixed, text[pair[0].end() : pair[1].start()]):
            more = n + 2 < len(run) and _goes_on(lists, pair[1][0], run[n + 2][0], mixed)
            yield pair[0].start(), run[n + 1 + more].end()
            n += 2 + more
        elif mixed and _alone(text, run, n):
            yield run[n].start(), run[min(n + 1, len(run) - 1)].end() if _unknown_pair(text, run, n) else run[n].end()
            n += 2 if _unknown_pair(text, run, n) else 1
        else:
            n += 1


def _begins_later(lists: Names, first: str, second: str, third: str) -> bool:
    """`Snimio Željko Mandić`: the first of three words is no name, since the others are one."""
    named = lists.is_given(first, sure=False) or lists.is_surname(first)
    return not named and lists.is_given(second, sure=False) and lists.is_surname(third)


def _goes_on(lists: Names, word: str, following: str, mixed: bool) -> bool:
    """Whether a third word belongs to a name: after two given names, or a second surname."""
    return _alike(word, following) and (lists.is_given(word, sure=False) or (mixed and _is_titlecase(word, following)))


def _small_persons(words: list[re.Match[str]], text: str) -> Iterator[tuple[int, int]]:
    """`ivana horvatić` in a text that has capitals: a sure given name and a surname by its ending."""
    lists = names()
    for first, second in pairwise(words):
        if first[0].islower() and second[0].islower() and text[first.end() : second.start()] == " ":
            pairs = ((first[0], second[0]), (second[0], first[0]))
            if any(_is_patronymic(b) and lists.is_given(a, sure=True) and not is_known(b) for a, b in pairs):
                yield first.start(), second.end()


def _mask_line(found: re.Match[str]) -> str:
    """A line of nothing but a name: a surname in -ić, or two or three words of which one is a sure given name."""
    lists, words = names(), re.split(r",?\s", found[2])
    if any(is_known(word) or not word[0].isupper() for word in words):
        return found[0]
    by_ending = any(_is_patronymic(word) and word.lower()[-1] == "ć" for word in words)
    by_list = len(words) > 1 and any(lists.is_given(word, sure=True) for word in words)
    return f"{found[1]}{MARK}{found[3]}" if by_ending or by_list else found[0]


def _is_person(lists: Names, first: str, second: str, mixed: bool, between: str) -> bool:
    """Whether two words are a given name and a surname, in any order."""
    if _is_patronymic(first) and first.lower().endswith("ć") and second.endswith("."):  # MARIĆ A.
        return True
    title, alike, beside = _is_titlecase(first, second), _alike(first, second), "," not in between
    for given, other in ((first, second), (second, first)):
        sure, perhaps = (lists.is_given(given, sure) for sure in (True, False))
        if lists.is_surname(other) and (sure or (perhaps and (mixed or title or _is_patronymic(other)))):
            return True
        if beside and ((sure and title) or (perhaps and mixed and alike)):
            return True
    by_ending = any(lists.is_surname(word) and not word.endswith("ic") for word in (first, second))
    return mixed and beside and alike and by_ending


def _alone(text: str, run: list[re.Match[str]], n: int) -> bool:
    """Whether a word is a surname by its ending or, in a sentence, listed or the first of two between marks."""
    word = run[n][0]
    inside = not _BEGINS.search(text, max(0, run[n].start() - 20), run[n].start())
    sure = _is_patronymic(word) and not word.isupper() and word[-2:] != "ic"
    title = _is_titlecase(word) and not is_thing(text, run[n].end())
    given = title and any(part in names().alone for part in word.lower().split("-"))
    if not inside:  # where any word has a capital, -ić may be something small
        return given or (sure and bool(_OF_A_FAMILY.fullmatch(word.lower()) or text.startswith(":", run[n].end())))
    return sure or given or (title and _bare(word) in names().surnames) or _unknown_pair(text, run, n)


def _unknown_pair(text: str, run: list[re.Match[str]], n: int) -> bool:
    """Two capitalised words of small letters that are followed by a mark: `vidi nalaz, Ornela Škoro, ambulanta`."""
    if n + 2 != len(run) or "," in text[run[n].end() : run[n + 1].start()]:
        return False
    shaped = all(len(word[0]) > 2 and word[0][1:].islower() for word in run[n:])
    return shaped and _ENDS.match(text, run[n + 1].end()) is not None


def _is_titlecase(*words: str) -> bool:
    return all(len(p) > 2 and p[0].isupper() and p[1:].islower() for word in words for p in word.split("-"))


def _alike(first: str, second: str) -> bool:
    """Both in capitals, or both with a capital alone at the beginning; an initial goes with either."""
    if first.endswith(".") or second.endswith("."):
        return True
    return len(second) > 2 and len(first) > 2 and first.isupper() == second.isupper()


@lru_cache(maxsize=1 << 16)
def _is_patronymic(word: str) -> bool:
    return len(word) > 4 and any(_PATRONYMIC.fullmatch(part) for part in re.split(r"\s?-\s?", word.lower()))


def _possessives(name: str) -> Iterator[str]:
    """What is somebody's, in all cases: `ivanin`, `ivaninog`, `tomislavova`; of short names it is a word (`radovi`)."""
    if len(name) < 5:
        return
    suffix = "in" if name.endswith("a") else "ov"
    stem = name[:-1] if name[-1] in "aoe" else name
    stem = stem[:-1] + "č" if suffix == "in" and stem[-1] == "c" else stem  # Ivica, Ivičin
    stems = {stem, stem[:-2] + stem[-1]} if stem[-2:] in ("ar", "ac", "ak") and len(stem) > 4 else {stem}
    endings = ("", "a", "e", "i", "u", "o", "og", "oga", "om", "oj", "im", "ih", "ima")
    yield from (
        one + kind + ending for one in stems for kind in {suffix, suffix.replace("ov", "ev")} for ending in endings
    )


def _bare(word: str) -> str:
    return word.translate(_FOLD).lower()


def _forms(name: str) -> Iterable[str]:
    """All cases of a name, by its last letter; a fleeting a falls out (Petar, Petra)."""
    if name.endswith("a"):
        return [name[:-1] + ending for ending in ("a", "e", "i", "u", "o", "om")]
    if name.endswith(("o", "e")):
        stem = name[:-1] + ("j" if name[-2] == "i" else "")
        return [name, *(stem + ending for ending in ("a", "e", "i", "u", "om", "em"))]
    stems = {name, name[:-2] + name[-1]} if name[-2:] in ("ar", "ac", "ak") and len(name) > 4 else {name}
    return [name, *(stem + ending for stem in stems for ending in ("a", "u", "e", "om", "em"))]

"""A map proposed for a foreign file, from its headers and the look of its values; what is unsure is said so."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import polars as pl

from carti_lake.pipeline.codes import slug
from carti_lake.pipeline.parse import FALSE, TRUE
from carti_lake.pipeline.shapes import date_order, has_decimal_comma, kinds, shapes
from carti_lake.sources.headers import canonical
from carti_lake.sources.map_check import lives_without, vocabulary_of
from carti_lake.tables.feeds import Feed
from carti_lake.tables.feeds.synonyms import SYNONYMS
from carti_lake.tables.silver import entity_of

#: From here on a name is taken for a column's; below SURE it is marked as unsure.
LIKELY, SURE = 0.6, 0.9
#: From this share of values of the column's kind, values speak for a column; below the other they speak against it.
FITTING, MISFITTING = 0.8, 0.5
#: Columns whose values alone tell them: codes that little else looks like.
TELLING = ("icd10", "npi")
#: A person's name, which sources deliver in halves.
NAME = "provider_name"
#: More different words than these are no vocabulary.
MOST_WORDS = 30


@dataclass(frozen=True)
class Candidate:
    """A delivered column that may be a declared one.

    Attributes
    ----------
    column, sources
        Declared column; the header or path that it is, or the two whose texts make it.
    why
        ``its name``, ``a name for it``, ``a similar name``, ``its values``.
    score
        From 0 to 1.
    fitting
        Share of the values that are of the column's kind; None where it has none.
    values
        Delivered values that are not empty.
    shapes
        Their commonest shapes with counts: letters as ``A``, figures as ``9``.
    words
        Of a closed vocabulary or flag, delivered words that need a meaning: what they probably mean (None: unknown) and
        how many rows have them.
    date_order
        ``dmy`` or ``mdy`` where a value proves it; ``either`` where none does.
    decimal
        ``,`` where decimals stand after a comma.
    strip
        What every value begins with: the type of a reference of FHIR, ``Patient/``.
    rivals
        Other headers that might be the column as well.
    """

    column: str
    sources: tuple[str, ...]
    why: str
    score: float
    fitting: float | None
    values: int
    shapes: dict[str, int]
    words: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    date_order: str | None = None
    decimal: str | None = None
    strip: str | None = None
    rivals: tuple[str, ...] = ()

    @property
    def doubts(self) -> list[str]:
        """What a person should look at."""
        told = []
        if self.score < SURE:
            told.append(f"taken by {self.why}")
        if self.rivals:
            told.append(f"or is it {', '.join(self.rivals)}?")
        if self.fitting is not None and self.fitting < FITTING:
            told.append(f"{self.fitting:.0%} of {self.values:,} values look like it")
        if self.date_order == "either":
            told.append("no value tells whether the day or the month comes first")
        unknown = sum(meaning is None for meaning, _ in self.words.values())
        if unknown:
            told.append(f"words without a meaning: {unknown}")
        elif self.words:
            told.append("check what its words mean")
        return told


@dataclass(frozen=True)
class Proposal:
    """A map for one file.

    Attributes
    ----------
    name, feed, rows
        The file, the feed, and how many rows were looked at.
    candidates
        By declared column.
    missing
        Required columns that no header seems to be, with whether the feed can live without them.
    unused
        Headers that seem to be no column.
    """

    name: str
    feed: str
    rows: int
    candidates: list[Candidate]
    missing: dict[str, bool]
    unused: list[str]


def propose(rows: pl.DataFrame, feed: type[Feed], name: str) -> Proposal:
    """A map from the columns of a file, which are text, to those of the feed; each column is used once."""
    texts = {header: _not_blank(rows[header].drop_nulls()) for header in rows.columns}
    looks = {header: kinds(values) for header, values in texts.items()}
    scored = sorted(
        (
            (score, -place, column, header, why)
            for place, header in enumerate(rows.columns)
            for column in feed.delivered()
            for score, why in [_score(feed, column, header, looks[header], len(texts[header]))]
            if score >= LIKELY
        ),
        reverse=True,
    )
    chosen: dict[str, tuple[str, float, str]] = {}
    used: set[str] = set()
    for score, _, column, header, why in scored:
        if column not in chosen and header not in used:
            chosen[column] = (header, score, why)
            used.add(header)
    candidates = [
        _candidate(feed, column, *chosen[column], texts, looks, _rivals(scored, column, chosen, used))
        for column in feed.delivered()
        if column in chosen
    ]
    halves = _halves(rows.columns, used)
    if NAME in feed.required() and NAME not in chosen and halves:
        used.update(halves)
        chosen[NAME] = (halves[0], SURE, "two names")
        candidates.append(_candidate(feed, NAME, *chosen[NAME], texts, looks, ()))
        candidates[-1] = replace(candidates[-1], sources=halves)
    return Proposal(
        name=name,
        feed=feed.short_name,
        rows=rows.height,
        candidates=candidates,
        missing={column: lives_without(feed, column, chosen) for column in feed.required() if column not in chosen},
        unused=[header for header in rows.columns if header not in used],
    )


def _halves(headers: Sequence[str], used: set[str]) -> tuple[str, ...]:
    """The headers of a first and a last name, of those left over."""
    left = {_spoken(header): header for header in reversed(headers) if header not in used}
    found = [
        next((header for spoken, header in left.items() if re.search(rf"\b(?:{words})$", spoken)), None)
        for words in (r"first(?: name)?|given(?: name)?(?: 0)?", r"last(?: name)?|family(?: name)?|surname")
    ]
    return tuple(header for header in found if header) if all(found) else ()


def _not_blank(values: pl.Series) -> pl.Series:
    return values.filter(values.str.strip_chars() != "")


def _score(feed: type[Feed], column: str, header: str, look: dict[str, float], values: int) -> tuple[float, str]:
    """How much a header and its values speak for a column, and what speaks for it."""
    score, why = _name_score(feed, column, header)
    wanted = kind_of(feed, column)
    if wanted is None or not values:
        return score, why
    fitting = look[wanted]
    if fitting < MISFITTING:
        return score - 0.4, why
    if fitting >= FITTING and wanted in TELLING:
        return (score, why) if score >= LIKELY else (LIKELY, "its values")
    return score, why


def _name_score(feed: type[Feed], column: str, header: str) -> tuple[float, str]:
    if canonical(header) == canonical(column):
        return 1.0, "its name"
    spoken = _spoken(header)
    known = {_spoken(word) for word in SYNONYMS.get(column, ())}
    if column == feed.required()[0] and column.endswith("_id"):
        known.add("id")
    if spoken in known:
        return 0.95, "a name for it"
    last = _spoken(header.rpartition(".")[2]) if "." in header else spoken
    if last in known | {_spoken(column)}:
        return 0.7, "the end of its path"
    likeness = max(_likeness(spoken, word) for word in (_spoken(column), *known))
    return (likeness * 0.89, "a similar name") if likeness > 0.75 else (0.0, "")


@cache
def _spoken(header: str) -> str:
    """A header as words: ``AppointmentDay`` and ``APPOINTMENT_DAY`` are ``appointment day``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", header)
    return " ".join(re.findall(r"[a-z0-9]+", apart.lower()))


def _likeness(one: str, other: str) -> float:
    """Likeness of two names by their letters, or by the words that both have."""
    letters = difflib.SequenceMatcher(None, one.replace(" ", ""), other.replace(" ", "")).ratio()
    ours, theirs = set(one.split()), set(other.split())
    return max(letters, len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0)


def kind_of(feed: type[Feed], column: str) -> str | None:
    """The kind of a column's values, None where they may be anything."""
    dtype = feed.delivered()[column]
    if dtype == pl.Date:
        return "day"
    if dtype.is_numeric():
        return "number"
    entity = entity_of(feed)
    code = entity.meta(column).get("code", "") if column in entity.columns() else ""
    if column.endswith("npi"):
        return "npi"
    return code if code in ("icd10", "procedure", "zip3") else None


def _rivals(
    scored: Sequence[tuple[float, int, str, str, str]],
    column: str,
    chosen: dict[str, tuple[str, float, str]],
    used: set[str],
) -> tuple[str, ...]:
    """Headers left over that speak for the column as much as the chosen one does."""
    return tuple(
        header
        for score, _, other, header, _ in scored
        if other == column and header not in used and score >= chosen[column][1] - 0.05
    )


def _candidate(
    feed: type[Feed],
    column: str,
    header: str,
    score: float,
    why: str,
    texts: dict[str, pl.Series],
    looks: dict[str, dict[str, float]],
    rivals: tuple[str, ...],
) -> Candidate:
    values = texts[header]
    wanted = kind_of(feed, column)
    return Candidate(
        column=column,
        sources=(header,),
        why=why,
        score=round(score, 2),
        fitting=looks[header][wanted] if wanted and len(values) else None,
        values=len(values),
        shapes=shapes(values),
        words=dict(_words(feed, column, header, values)),
        date_order=date_order(values) if wanted == "day" and len(values) else None,
        decimal="," if wanted == "number" and len(values) and has_decimal_comma(values) else None,
        strip=_reference(values),
        rivals=rivals,
    )


def _reference(values: pl.Series) -> str | None:
    """The type that all values begin with, where they are references of FHIR."""
    types = values.str.extract(r"^([A-Z][A-Za-z]+/)", 1).unique()
    return types.item() if len(types) == 1 else None


def _words(
    feed: type[Feed], column: str, header: str, values: pl.Series
) -> Iterator[tuple[str, tuple[str | None, int]]]:
    """Delivered words that the column does not know, with what they probably mean and how many rows have them."""
    flag = feed.delivered()[column] == pl.Boolean
    vocabulary = vocabulary_of(feed, column)
    if not flag and not vocabulary:
        return
    known = {word: code for code, others in vocabulary.items() for word in (code, *others)}
    counts = (
        values.str.strip_chars()
        .alias("word")
        .to_frame()
        .group_by("word")
        .len()
        .sort("len", "word", descending=[True, False])
    )
    if counts.height > MOST_WORDS or feed.meta(column).get("phi"):
        return
    slugs = counts.select(slug(pl.col("word"))).to_series()
    for (word, rows), bare in zip(counts.iter_rows(), slugs, strict=True):
        if flag and word.lower() not in (*TRUE, *FALSE):
            yield word, (None, rows)
        elif not flag and bare not in known:
            yield word, (_meaning(bare, header, known), rows)


def _meaning(word: str | None, header: str, known: dict[str, str]) -> str | None:
    """What a word probably means: a spelling of a known one, or yes under a header that says the known one."""
    named = known.get(_spoken(header).replace(" ", "_"))
    if named and word in TRUE:
        return named
    near = difflib.get_close_matches(word or "", known, n=1, cutoff=0.8)
    return known[near[0]] if near else None

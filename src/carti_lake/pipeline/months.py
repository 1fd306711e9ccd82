"""Words for months, as English, German, French, Spanish, Italian, Portuguese, Dutch and Nordic systems write them."""

import unicodedata

import polars as pl

#: By month, in small letters without accents. No word is two months in two of the languages.
WORDS: tuple[tuple[str, ...], ...] = (
    ("jan", "january", "januar", "januari", "janner", "jaenner", "janvier", "janv", "enero", "ene", "gennaio", "gen",
     "janeiro"),
    ("feb", "february", "februar", "februari", "feber", "fevrier", "fev", "fevr", "febrero", "febbraio", "fevereiro"),
    ("mar", "march", "marz", "maerz", "mrz", "mars", "marzo", "marco", "maart", "mrt", "marts"),
    ("apr", "april", "avril", "avr", "abril", "abr", "aprile"),
    ("may", "mai", "mayo", "maggio", "mag", "maio", "mei", "maj"),
    ("jun", "june", "juni", "juin", "junio", "giugno", "giu", "junho"),
    ("jul", "july", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho"),
    ("aug", "august", "aout", "agosto", "ago", "augustus", "augusti"),
    ("sep", "sept", "september", "septembre", "septiembre", "setiembre", "settembre", "set", "setembro"),
    ("oct", "october", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out"),
    ("nov", "november", "novembre", "noviembre", "novembro"),
    ("dec", "december", "dezember", "dez", "decembre", "diciembre", "dic", "dicembre", "dezembro", "desember", "des"),
)  # fmt: skip
#: Words that are more often something else, where no day stands beside them.
ALSO_OTHERS = ("ago", "des", "gen", "mag", "marco", "mayo", "out", "set")
#: Each word with the number of its month.
NUMBERS = {word: number for number, words in enumerate(WORDS, 1) for word in words}


def plain(text: str) -> str:
    """A text in small letters without accents."""
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(letter)
    )


def letters(text: pl.Expr) -> pl.Expr:
    """As :func:`plain`, of many texts."""
    return text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()


def number(word: pl.Expr) -> pl.Expr:
    """The number of a month's word as text; null for other words."""
    return word.replace_strict(NUMBERS, default=None, return_dtype=pl.Int64).cast(pl.String)

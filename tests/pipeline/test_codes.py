"""One spelling for each code and name, whatever the source writes."""

import polars as pl
import pytest

from carti_lake.pipeline.codes import NORMALISERS, VOCABULARIES, name_key


def normalised(code, text):
    return pl.select(NORMALISERS[code](pl.lit(text, pl.String))).item()


@pytest.mark.parametrize(
    ("code", "text", "canonical"),
    [
        ("slug", " Medical Oncology ", "medical_oncology"),
        ("slug", "Ear, Nose & Throat", "ear_nose_throat"),
        ("slug", " - ", None),
        ("icd10", "c50911", "C50.911"),
        ("icd10", "C50.911", "C50.911"),
        ("icd10", " c50 ", "C50"),
        ("icd10", "50.911", None),
        ("icd10", "C5", None),
        ("procedure", " j 9271 ", "J9271"),
        ("procedure", "99-213", "99213"),
        ("procedure", "9?213", None),
        ("zip3", "72205", "722"),
        ("zip3", "72205-1234", "722"),
        ("zip3", "722", "722"),
        ("zip3", "7220x", None),
        ("zip3", "AR 722", None),
        ("claim_status", "PAID", "paid"),
        ("claim_status", "In review", "pending"),
        ("claim_status", "Voided", "reversed"),
        ("claim_status", "perhaps", None),
        ("network_status", "OON", "out_of_network"),
        ("network_status", "In-Network", "in_network"),
        ("referral_status", "Never completed", "lost"),
        ("appointment_status", "No-Show", "no_show"),
        ("appointment_status", "Canceled", "cancelled"),
    ],
)
def test_codes(code, text, canonical):
    assert normalised(code, text) == canonical


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_maps_each_word_to_one_code(name):
    words = [word for code, others in VOCABULARIES[name].items() for word in (code, *others)]
    assert len(words) == len(set(words))
    assert [normalised(name, code) for code in VOCABULARIES[name]] == list(VOCABULARIES[name])


@pytest.mark.parametrize(
    ("text", "npi"),
    [
        ("1234567893", "1234567893"),  # the example of the standard
        (" 1679576722 ", "1679576722"),
        ("1234567893.0", "1234567893"),
        ("1234567890", None),  # wrong check digit
        ("2234567893", None),
        ("3234567893", None),  # an NPI begins with 1 or 2
        ("123456789", None),
        ("", None),
    ],
)
def test_an_npi_has_its_check_digit(text, npi):
    assert normalised("npi", text) == npi


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("Dr. John Smith", "john smith"),
        ("SMITH, JOHN MD", "john smith"),
        ("Smith, John, MD, PhD", "john smith"),
        ("John  Smith M.D.", "john smith"),
        ("José Núñez", "jose nunez"),
        ("Nunez, Jose", "jose nunez"),
        ("O'Neil, Mary-Ann", "mary ann oneil"),
        ("O\u2019Neil, Mary Ann", "mary ann oneil"),
        ("John Smith, MD", "john smith"),
        ("John Smith Jr.", "john smith"),
        ("Dr. ", None),
        ("", None),
    ],
)
def test_spellings_of_one_name_meet_in_one_key(spelling, key):
    assert pl.select(name_key(pl.lit(spelling, pl.String))).item() == key

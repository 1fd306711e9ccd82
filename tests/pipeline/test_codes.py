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
        ("procedure", "99213-25", "99213"),
        ("procedure", "99213 25", "99213"),
        ("procedure", "99213/25", "99213"),
        ("procedure", "99213_25", "99213"),
        ("procedure", "99213.0", "99213"),
        ("procedure", "99213.5", None),
        ("procedure", "99213:25", "99213"),
        ("procedure", "J9271-JW-59", "J9271"),
        ("procedure", "0213T", "0213T"),
        ("procedure", "185347001", "185347001"),
        ("procedure", "213", None),
        ("procedure", "99213,36415", None),
        ("procedure", "99213TC", None),
        ("procedure", "9921325", None),
        ("procedure", "0DTJ4ZZ", "0DTJ4ZZ"),
        ("procedure", "30233N1", "30233N1"),
        ("procedure", "2021025", None),
        ("procedure", "3E04305", "3E04305"),
        ("admission_type", "01", "emergency"),
        ("admission_type", "3.0", "elective"),
        ("admission_type", "Urgent", "urgent"),
        ("admission_type", "9", "9"),
        ("disposition", "20", "expired"),
        ("disposition", " 07 ", "against_medical_advice"),
        ("disposition", "1", "home"),
        ("disposition", "Skilled nursing", "skilled_nursing"),
        ("disposition", "99", "99"),
        ("zip3", "99999", None),
        ("carc", "45", "45"),
        ("carc", "045", "45"),
        ("carc", " 45.0 ", "45"),
        ("carc", "CO45", "45"),
        ("carc", "co-045", "45"),
        ("carc", "A1", "a1"),
        ("carc", "Co-insurance", "co_insurance"),
        ("carc", "0", "0"),
        ("denial_reason", "CO-197", "co_197"),
        ("denial_reason", "CO197", "co_197"),
        ("denial_reason", "co 0197", "co_197"),
        ("denial_reason", "PI 16.0", "pi_16"),
        ("denial_reason", "197", "197"),
        ("denial_reason", "No prior authorization", "no_prior_authorization"),
        ("remittance_status", "01", "processed_primary"),
        ("remittance_status", "22.0", "reversed"),
        ("remittance_status", "1.5", None),
        ("drug", "197604", "197604"),
        ("drug", "00006-3026-02", "00006302602"),
        ("icd10", "C4A.0", "C4A.0"),
        ("icd10", "V10.3XXA", "V10.3XXA"),
        ("icd10", "V10.3", None),
        ("icd10", "V58.11", None),
        ("icd10", "E849.0", None),
        ("icd10", "C34.9O", None),
        ("icd10", "162.9", None),
        ("icd10", "U07.1", "U07.1"),
        ("zip3", "72205", "722"),
        ("zip3", "72205-1234", "722"),
        ("zip3", "722", "722"),
        ("zip3", "2139", "021"),
        ("zip3", "2139.0", "021"),
        ("zip3", "02139", "021"),
        ("zip3", "722051234", "722"),
        ("zip3", "21391234", "021"),
        ("zip3", "72205 1234", "722"),
        ("zip3", "K1A 0B1", None),
        ("zip3", "00000", None),
        ("zip3", "501", "501"),
        ("zip3", "00501", "005"),
        ("zip3", "21", "021"),
        ("zip3", "5", "005"),
        ("zip3", "4", None),
        ("zip3", "99", None),
        ("zip3", "00412", None),
        ("zip3", "412", "412"),
        ("zip3", "213912345", "213"),
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
        ("John Smith Jr.", "john smith jr"),
        ("Smith Jr., John", "john smith jr"),
        ("Smith, John Jr., MD", "john smith jr"),
        ("John Smith, Sr.", "john smith sr"),
        ("John Smith III, MD", "john smith iii"),
        ("Kim Do", "kim do"),
        ("Kim Pa", "kim pa"),
        ("Do, Kim MD", "kim do"),
        ("Do, Kim", "kim do"),
        ("Kim Do, DO", "kim do"),
        ("Kim", "kim"),
        ("Do", "do"),
        ("Yo-Yo Ma", "yo yo ma"),
        ("Ann Lee, DO", "ann lee"),
        ("Ann Lee DO", "ann lee"),
        ("Ann Lee D.O.", "ann lee"),
        ("Minh Van Do", "minh van do"),
        ("Lee, Ann, PA-C", "ann lee"),
        ("Lee, Ann DO", "ann lee"),
        ("Dr. Dana Ortiz", "dana ortiz"),
        ("Ortiz, Dana MD", "dana ortiz"),
        ("Md Rahman", "md rahman"),
        ("O&#39;Brien, Sean", "sean obrien"),
        ("Dana&nbsp;Ortiz", "dana ortiz"),
        ("Jos\u00c3\u00a9 N\u00c3\u00ba\u00c3\u00b1ez", "jose nunez"),
        ("Dana\u200b Ortiz", "dana ortiz"),
        ("ORTIZ^DANA^MD", "dana ortiz"),
        ("1234^Ortiz^Dana^M^Jr^Dr", "dana m ortiz jr"),
        ("Ortiz^Dana", "dana ortiz"),
        ("Dr. ", None),
        ("", None),
    ],
)
def test_spellings_of_one_name_meet_in_one_key(spelling, key):
    assert pl.select(name_key(pl.lit(spelling, pl.String))).item() == key

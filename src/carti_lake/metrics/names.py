"""What people call payers, service lines and denial reasons: each code's words, declared once for every outlet."""

from collections.abc import Iterable

from carti_lake.tables.gold.events import OTHERS

#: Payers and service lines whose name is not their code in capitals.
NAMES = {
    "unitedhealthcare": "UnitedHealthcare",
    "uhc": "UnitedHealthcare",
    "bcbs": "Blue Cross Blue Shield",
    "blue_cross_blue_shield": "Blue Cross Blue Shield",
    "tricare": "TRICARE",
    "champva": "CHAMPVA",
    "va": "Veterans Affairs",
    "self_pay": "Self-pay",
    "ent": "ENT",
    "ob_gyn": "OB-GYN",
    "icu": "ICU",
}
#: Claim adjustment reason codes (CARC) that deny or reduce claims most often, in a few plain words.
REASONS = {
    "1": "deductible",
    "2": "coinsurance",
    "3": "copayment",
    "4": "modifier missing or wrong",
    "11": "diagnosis does not fit the procedure",
    "15": "authorization number missing",
    "16": "information missing or wrong",
    "18": "duplicate claim",
    "22": "another payer is primary",
    "26": "before coverage began",
    "27": "after coverage ended",
    "29": "filed too late",
    "31": "patient not identified as insured",
    "39": "authorization was refused",
    "45": "above the fee schedule",
    "50": "not medically necessary",
    "55": "held to be experimental",
    "58": "wrong place of service",
    "96": "not covered",
    "97": "part of another service",
    "109": "sent to the wrong payer",
    "119": "benefit used up",
    "151": "too frequent",
    "167": "diagnosis not covered",
    "181": "procedure code not valid that day",
    "197": "no prior authorization",
    "198": "beyond the authorization",
    "204": "not in the benefit plan",
    "226": "records not sent in time",
    "242": "provider out of network",
    "252": "attachment needed",
}
UNKNOWN, NOT_DELIVERED = "unknown", "Not delivered"
#: What stands in the place of a code: none, or those of several that are told of together.
NO_CODES = {UNKNOWN: NOT_DELIVERED, OTHERS: "Others"}


#: Parts of names that are written in capitals.
CAPITALS = {"npi": "NPI", "roi": "ROI", "id": "ID", "zip3": "ZIP3", "ar": "A/R", "crm": "CRM", "usd": "USD"}


def words(name: str) -> str:
    """A name of tables, columns or checks within a sentence: ``CRM accounts``, ``referral ID: unknown``."""
    spaced = name.removeprefix("silver.").replace("|", ": ").replace("_", " ")
    return " ".join(
        CAPITALS.get(word.rstrip(":"), word.rstrip(":")) + ":" * word.endswith(":") for word in spaced.split()
    )


def plain(name: str) -> str:
    """The same at the head of a line: ``Referral ID: unknown``."""
    text = words(name)
    return text[:1].upper() + text[1:]


def check_in_words(table: str, rule: str) -> str:
    """A check of data quality in words: ``Visits, claim amount: min``."""
    return f"{plain(table)}, {words(rule)}"


def payer_or_line(code: str) -> str:
    """A payer or a service line in words: ``Medicare Advantage``."""
    return NO_CODES.get(code) or NAMES.get(code.lower(), code.replace("_", " ").title())


def reason(code: str) -> str:
    """A denial reason, its CARC group and number before its words: ``CO-197 no prior authorization``."""
    if code in NO_CODES:
        return NO_CODES[code]
    number = code.rpartition("_")[2].upper()
    return f"{code.replace('_', '-').upper()} {REASONS.get(number, '')}".rstrip()


#: How the codes of a column are written for people.
IN_WORDS = {"payer": payer_or_line, "service_line": payer_or_line, "denial_reason": reason}


def called(column: str, codes: Iterable[str | None]) -> dict[str, str]:
    """The words of each code of a column."""
    return {code: IN_WORDS[column](code) for code in codes if code is not None}

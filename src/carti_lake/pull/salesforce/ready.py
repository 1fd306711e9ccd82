"""Declarations that are ready: what of an object fills which feed; who adds a source says only where and as whom."""

from difflib import get_close_matches
from importlib.resources import files

from carti_lake.pull.secrets import SourceError

#: Objects that no feed holds, with the reason.
NO_PLACE = {
    "CampaignMember": "who was in a campaign; opportunities and referrals that came of one name it themselves",
    "CareProgramEnrollee": "who is enrolled in a care program; that is no referral and no visit",
    "Lead": "a person who is not a patient, provider or referral yet",
    "OpportunityHistory": "earlier stages; the lake keeps every stage of an opportunity that a pull has seen",
    "Task": "single activities; salesforce_crm takes a provider's number of contacts, for example from a roll-up field",
    "User": "the CRM's own users; no provider and no patient",
}


def ready() -> list[str]:
    """The objects for which there is a declaration."""
    folder = files(__package__) / "declarations"
    return sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))


def declaration(object: str) -> str:
    """The declaration of an object, as the TOML to stand behind what is said of the org.

    Raises
    ------
    SourceError
        There is none.
    """
    if object in ready():
        return (files(__package__) / "declarations" / f"{object}.toml").read_text("utf-8")
    if object in NO_PLACE:
        raise SourceError(f"No feed holds {object}: {NO_PLACE[object]}. Say --feed and --map to fill one all the same.")
    near = get_close_matches(object, ready(), n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise SourceError(
        f"There is no declaration ready for {object}{hint} Say --feed and --map, or take one of {', '.join(ready())}."
    )

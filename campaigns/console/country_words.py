"""Why a message must not be read in somebody's country, in words."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.delivery import country_rules
from campaigns.segments import figures
from orchestrator.engine.country_packs import quiet_hours
from orchestrator.engine.country_packs.hebrew_year import Rest
from orchestrator.engine.country_packs.pack import Demand
from orchestrator.templating import word_lists


def why_barred(*, said: str) -> str:
    """`said` is the detail of the attempt that was not made."""
    return _("In %(country)s marketing must show more than its text does: %(lacking)s.") % {
        "country": place_of(said=said),
        "lacking": lacking(said=said),
    }


def rests(names: Sequence[str]) -> str:
    """Days of rest, as packs name them: Yom Kippur and Shabbat."""
    words = {
        Rest.SHABBAT: _("Shabbat"),
        Rest.PASSOVER: _("Passover"),
        Rest.REMEMBRANCE: _("Remembrance Day"),
        Rest.INDEPENDENCE: _("Independence Day"),
        Rest.SHAVUOT: _("Shavuot"),
        Rest.ROSH_HASHANAH: _("Rosh Hashanah"),
        Rest.YOM_KIPPUR: _("Yom Kippur"),
        Rest.SUKKOT: _("Sukkot"),
        Rest.SIMCHAT_TORAH: _("Simchat Torah"),
    }
    return word_lists.join([words[Rest(one)] for one in names], language=get_language() or "en")


def place_of(*, said: str) -> str:
    code, _demands = country_rules.read_words(said=said)
    if code == "EU":
        return _("the European Union")
    return figures.country_name(code) if code else _("other countries")


def lacking(*, said: str) -> str:
    code, demands = country_rules.read_words(said=said)
    words = {
        Demand.MARK: _("the word “%(mark)s” at its beginning") % {"mark": _mark(code)},
        Demand.SENDER_NAME: _("who sends it"),
        Demand.POSTAL_ADDRESS: _("your postal address"),
        Demand.WAY_OUT: _("how to get no more"),
        Demand.HONEST_SUBJECT: _("a subject that does not pass for an answer"),
        Demand.REPLY_ADDRESS: _("a sender’s address at which somebody reads the answers"),
    }
    return word_lists.join([words[one] for one in demands if one in words], language=get_language() or "en")


def _mark(code: str) -> str:
    pack = quiet_hours.BY_CODE.get(code)
    return pack.mark if pack else ""

"""What a test says, in words first. Never a winner before its conditions; which those are is said too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.analytics.guardrails import OPT_OUT_LIMIT
from campaigns.analytics.readout import ExperimentReadout
from campaigns.console.experiment_figures import Comparison
from campaigns.console.templatetags.console import count, percent
from campaigns.experiments.models import Experiment
from orchestrator.stats import verdict as judging
from orchestrator.stats.incremental import MINIMUM_CONVERSIONS, NOT_ENOUGH_CONVERSIONS

KEEP = "keep"
# Below two points a difference is not worth a second wording.
WORTH_HAVING = 0.02


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    url: str
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class VerdictCard:
    """`tone` and `icon` are the design's: good, wait, none, harm, data."""

    tone: str
    icon: str
    title: str
    sentence: str
    actions: list[Action] = field(default_factory=list)
    note: str = ""


def make_card(
    *, read: ExperimentReadout, comparisons: Sequence[Comparison], is_seeing: bool, stopped: str = ""
) -> VerdictCard:
    """`is_seeing`: the reader may look, not decide; then there are no actions. `stopped`: that nobody comes any more,
    where the campaign was stopped for good (`stopped_words`); then it is judged with what there is."""
    experiment = read.experiment
    if experiment.status == Experiment.Status.DECIDED:
        return _decided(experiment)
    card = _judged(read, comparisons, bool(stopped))
    if stopped:
        said = " ".join([card.sentence, stopped, *_still_counting(read)])
        going_on = _decide(read, KEEP)
        actions = [one for one in card.actions if one.url != going_on]
        card = replace(card, sentence=said, actions=actions)
    if is_seeing:
        return VerdictCard(card.tone, card.icon, card.title, card.sentence)
    return card


def why_not(
    *, read: ExperimentReadout, comparisons: Sequence[Comparison], choice: str, is_stopped: bool = False
) -> str:
    """Why this wording can't be chosen now; empty when it can. The control can always stay."""
    if read.experiment.status != Experiment.Status.RUNNING:
        return _("This test is decided already.")
    if choice == KEEP:
        return _("The campaign was stopped: nobody comes into the test any more.") if is_stopped else ""
    if choice == read.control:
        return ""
    card = _judged(read, comparisons, is_stopped)
    if card.tone == "good" and read.verdict.leader == choice:
        return ""
    if card.tone == "good":
        return _("%(leader)s is ahead, not %(choice)s.") % {
            "leader": letter(read.verdict.leader),
            "choice": letter(choice),
        }
    return card.title


def short(
    *,
    kind: str,
    leader: str | None,
    days_to_go: int | None,
    accounts_to_go: int | None,
    is_alone: bool = False,
    is_stopped: bool = False,
) -> str:
    """One line for the list of tests, from a kept read-out. `is_alone`: there is only one wording. `is_stopped`: its
    campaign was stopped for good."""
    if is_alone and kind not in ("HARM", "DATA_PROBLEM"):
        return _("Nothing to compare")
    if kind == "AHEAD":
        return _("%(letter)s is ahead") % {"letter": letter(leader)}
    if kind == "NOT_YET" and is_stopped:
        return _("Stopped before it was clear")
    if kind == "NOT_YET":
        return when(days_to_go=days_to_go, accounts_to_go=accounts_to_go)
    words = {
        "NO_DIFFERENCE": _("No difference shown"),
        "HARM": _("A wording does harm"),
        "DATA_PROBLEM": _("The split is not as planned"),
    }
    return words.get(kind) or _("Not clear yet")


def when(*, days_to_go: int | None, accounts_to_go: int | None) -> str:
    """What a verdict that is not there yet waits for, in one line."""
    if days_to_go:
        words = ngettext("A verdict in about %(n)s day", "A verdict in about %(n)s days", days_to_go)
        return words % {"n": count(days_to_go)}
    if accounts_to_go:
        words = ngettext("About %(n)s more account is needed", "About %(n)s more accounts are needed", accounts_to_go)
        return words % {"n": count(accounts_to_go)}
    return _("Not clear yet")


def lacking(*, treated: int, held_out: int) -> str:
    """Which group has too few upgrades for an amount; empty when none has."""
    names = {"n": count(treated), "held": count(held_out), "least": MINIMUM_CONVERSIONS}
    if min(treated, held_out) >= MINIMUM_CONVERSIONS:
        return ""
    if held_out >= MINIMUM_CONVERSIONS:
        words = ngettext(
            "only %(n)s upgrade among those written to; %(least)s needed",
            "only %(n)s upgrades among those written to; %(least)s needed",
            treated,
        )
    elif treated >= MINIMUM_CONVERSIONS:
        words = ngettext(
            "only %(held)s upgrade among the held out; %(least)s needed",
            "only %(held)s upgrades among the held out; %(least)s needed",
            held_out,
        )
    else:
        words = ngettext(
            "only %(n)s upgrade among those written to and %(held)s among the held out; %(least)s needed in each",
            "only %(n)s upgrades among those written to and %(held)s among the held out; %(least)s needed in each",
            treated,
        )
    return words % names


def letter(key: str | None) -> str:
    return (key or "").upper()


def points(value: float | None, *, signed: bool = False) -> str:
    """A difference of shares in percentage points: 0.038 → 3.8, signed +3.8."""
    if value is None:
        return "–"
    rounded = round(abs(value) * 100, 1)
    text = number_format(rounded, 1)
    if rounded == 0:
        return text
    sign = "−" if value < 0 else "+" if signed else ""
    return f"{sign}{text}"


def _judged(read: ExperimentReadout, comparisons: Sequence[Comparison], is_stopped: bool) -> VerdictCard:
    judged = read.verdict
    if judged.kind == "DATA_PROBLEM":
        return _data_problem(read)
    harmful = next((one for one in comparisons if one.is_harmful), None)
    if harmful is not None:
        return _opt_outs(read, harmful)
    about = next((one for one in comparisons if one.challenger.key == judged.variant), None)
    if judged.kind == "HARM" and about is not None:
        return _fewer_upgrades(read, about)
    if judged.kind == "AHEAD" and about is not None:
        return _ahead(read, about)
    if judged.kind == "NO_DIFFERENCE" and about is not None:
        return _no_difference(read, about)
    if judging.ONE_ARM in judged.reasons:
        sentence = _("Every account gets the same wording. What it earns against the accounts held out stands below.")
        return VerdictCard("none", "flat", _("One wording: there is nothing to compare."), sentence)
    return _not_yet(read, about, is_stopped)


def _ahead(read: ExperimentReadout, about: Comparison) -> VerdictCard:
    leader = letter(about.challenger.key)
    title = _("%(leader)s is ahead: %(share)s upgraded with %(leader)s, %(other)s with %(control)s.") % {
        "leader": leader,
        "share": percent(about.challenger.rate),
        "other": percent(about.control.rate),
        "control": letter(about.control.key),
    }
    sentence = _(
        "The true difference is most likely between %(low)s and %(high)s points. "
        "This range holds however often you look."
    ) % {"low": isolate(points(about.upgrades.low)), "high": isolate(points(about.upgrades.high))}
    actions = [
        Action(_("Choose %(leader)s…") % {"leader": leader}, _decide(read, about.challenger.key), is_first=True),
        Action(_("Keep it running"), _decide(read, KEEP)),
    ]
    note = _("Accounts already in the test keep their wording; the held out stay held out.")
    return VerdictCard("good", "ok", title, sentence, actions, note)


def _not_yet(read: ExperimentReadout, about: Comparison | None, is_stopped: bool) -> VerdictCard:
    title = _("Stopped before it was clear.") if is_stopped else _not_clear(read)
    tone, icon = ("none", "stop") if is_stopped else ("wait", "clock")
    actions = [Action(_("Keep it running"), _decide(read, KEEP), is_first=True)]
    if read.arms[0].assigned:
        actions.append(Action(_("Stop without a winner…"), _decide(read, read.control)))
    if is_stopped:
        actions = [_end(read)]
    harmless = [] if is_stopped else [_("Looking now does no harm.")]
    if about is None or about.upgrades.low is None:
        days = read.experiment.goal_window_days
        few = _("Too few accounts have had their %(days)s days to say anything.") % {"days": days}
        parts = [few, *_first_over(read), *harmless]
        return VerdictCard(tone, icon, title, " ".join(parts), actions)
    said = _(
        "%(share)s upgraded with %(letter)s and %(other)s with %(control)s, but the true difference may still be "
        "anywhere between %(low)s and %(high)s points."
    ) % {
        "share": percent(about.challenger.rate),
        "letter": letter(about.challenger.key),
        "other": percent(about.control.rate),
        "control": letter(about.control.key),
        "low": isolate(points(about.upgrades.low, signed=True)),
        "high": isolate(points(about.upgrades.high, signed=True)),
    }
    still = [] if is_stopped else _standing_still(read)
    parts = [said, *_missing(read), *still, *harmless]
    return VerdictCard(tone, icon, title, " ".join(parts), actions)


def _no_difference(read: ExperimentReadout, about: Comparison) -> VerdictCard:
    is_small = max(abs(about.upgrades.low or 0.0), abs(about.upgrades.high or 0.0)) < WORTH_HAVING
    title = (
        _("No difference worth having. %(control)s stays.")
        if is_small
        else _("No difference could be shown. %(control)s stays.")
    )
    title = title % {"control": letter(read.control)}
    sentence = _(
        "The true difference is most likely between %(low)s and %(high)s points, "
        "after as many accounts as were planned."
    ) % {
        "low": isolate(points(about.upgrades.low, signed=True)),
        "high": isolate(points(about.upgrades.high, signed=True)),
    }
    return VerdictCard("none", "flat", title, sentence, [_end(read)])


def _fewer_upgrades(read: ExperimentReadout, about: Comparison) -> VerdictCard:
    title = _("%(letter)s does harm: fewer accounts upgrade.") % {"letter": letter(about.challenger.key)}
    low, high = about.upgrades.low or 0.0, about.upgrades.high or 0.0
    sentence = _(
        "Between %(least)s and %(most)s points fewer upgraded with %(letter)s than with %(control)s. "
        "This range holds however often you look."
    ) % {
        "least": isolate(points(abs(high))),
        "most": isolate(points(abs(low))),
        "letter": letter(about.challenger.key),
        "control": letter(read.control),
    }
    return VerdictCard("harm", "warn", title, sentence, [_end(read)])


def _opt_outs(read: ExperimentReadout, about: Comparison) -> VerdictCard:
    title = _("%(letter)s does harm: more people unsubscribe.") % {"letter": letter(about.challenger.key)}
    sentence = _("Between %(low)s and %(high)s points more unsubscribed with %(letter)s; the limit is %(limit)s.") % {
        "low": isolate(points(about.opt_outs.low)),
        "high": isolate(points(about.opt_outs.high)),
        "letter": letter(about.challenger.key),
        "limit": number_format(OPT_OUT_LIMIT * 100, 0),
    }
    return VerdictCard("harm", "warn", title, sentence, [_end(read)])


def _data_problem(read: ExperimentReadout) -> VerdictCard:
    title = _("Don’t read the result yet: the split is not as planned.")
    ratio = read.sample_ratio
    got = [_got(key, number) for key, number in ratio.observed.items()]
    planned = [count(round(ratio.expected.get(key, 0))) for key in ratio.observed]
    said = _("%(got)s; planned were %(planned)s.") % {"got": _joined(got), "planned": _joined(planned)}
    rare = f" {_rarely(ratio.p)}" if ratio.p is not None else ""
    url = reverse("admin:experiments_assignment_changelist", query={"experiment__id__exact": read.experiment.pk})
    actions = [
        Action(_("See where accounts were lost"), url, is_first=True),
        Action(_("Stop without a winner…"), _decide(read, read.control)),
    ]
    return VerdictCard("data", "block", title, said + rare, actions)


def _decided(experiment: Experiment) -> VerdictCard:
    winner = letter(experiment.winner.key if experiment.winner else "")
    title = _("Decided: %(winner)s for everybody who enters.") % {"winner": winner}
    said = _("%(who)s decided it on %(day)s.") % {
        "who": experiment.decided_by,
        "day": date_format(timezone.localtime(experiment.decided_at), "j F Y") if experiment.decided_at else "–",
    }
    reason = f" “{experiment.decision_reason}”" if experiment.decision_reason else ""
    note = _("The numbers below are of the accounts drawn before that.")
    return VerdictCard("none", "lock", title, f"{said}{reason} {note}")


def _missing(read: ExperimentReadout) -> list[str]:
    """What keeps a range away from zero from being a verdict."""
    said = {
        NOT_ENOUGH_CONVERSIONS: _("A group needs at least %(n)s upgrades before its number holds.")
        % {"n": MINIMUM_CONVERSIONS},
        judging.NOT_ENOUGH_DAYS: _("A test runs at least %(n)s full days.") % {"n": read.experiment.minimum_days},
    }
    return [said[reason] for reason in read.verdict.reasons if reason in said]


def _got(key: str, number: int) -> str:
    if key == "holdout":
        return ngettext("%(n)s was held out", "%(n)s were held out", number) % {"n": count(number)}
    words = ngettext("%(n)s account got %(letter)s", "%(n)s accounts got %(letter)s", number)
    return words % {"n": count(number), "letter": isolate(letter(key))}


def _joined(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def _end(read: ExperimentReadout) -> Action:
    return Action(_("End the test…"), _decide(read, read.control), is_first=True)


def _decide(read: ExperimentReadout, choice: str) -> str:
    return reverse("admin:studio-test-decide", args=[read.experiment.slug, choice])


def _not_clear(read: ExperimentReadout) -> str:
    days, accounts = read.verdict.days_to_go, read.accounts_to_go
    if days:
        words = ngettext("Not clear yet: about %(n)s more day.", "Not clear yet: about %(n)s more days.", days)
        return words % {"n": count(days)}
    if accounts:
        words = ngettext(
            "Not clear yet: about %(n)s more account is needed.",
            "Not clear yet: about %(n)s more accounts are needed.",
            accounts,
        )
        return words % {"n": count(accounts)}
    return _("Not clear yet.")


def _first_over(read: ExperimentReadout) -> list[str]:
    """When the first accounts can be counted at all, while none can."""
    started = read.experiment.started_at
    if started is None or not read.waiting or any(arm.assigned for arm in read.arms):
        return []
    day = date_format(timezone.localtime(started + timedelta(days=read.experiment.goal_window_days)), "j F")
    return [_("The first of them have by %(day)s.") % {"day": day}]


def _still_counting(read: ExperimentReadout) -> list[str]:
    if not read.waiting:
        return []
    words = ngettext(
        "%(n)s account is still within its %(days)s days and counts once they are over.",
        "%(n)s accounts are still within their %(days)s days and count once these are over.",
        read.waiting,
    )
    return [words % {"n": count(read.waiting), "days": read.experiment.goal_window_days}]


def _standing_still(read: ExperimentReadout) -> list[str]:
    """Nobody's window runs any more: waiting alone changes nothing."""
    if read.waiting or not read.accounts_to_go:
        return []
    words = _("All accounts in the test have had their %(days)s days: only accounts that enter from now on change it.")
    return [words % {"days": read.experiment.goal_window_days}]


def _rarely(p: float) -> str:
    if p <= 0:
        return _("Chance alone practically never does this.")
    once_in = 10 ** (len(str(int(1 / p))) - 1)
    return _("Chance alone does this less than once in %(n)s.") % {"n": count(once_in)}


def isolate(text: str) -> str:
    """A signed number keeps its sign on the left inside Hebrew, a letter draws no figure beside it along."""
    return f"\u2066{text}\u2069" if (get_language() or "").startswith("he") else text

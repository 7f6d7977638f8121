"""The drawn parts of a test's page: differences with their ranges, how the evidence grew; each with its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from campaigns.analytics.guardrails import OPT_OUT_LIMIT
from campaigns.analytics.readout import ExperimentReadout
from campaigns.console import plots, verdict_words
from campaigns.console.charts import Chart, Series
from campaigns.console.experiment_figures import Comparison, Difference
from campaigns.console.templatetags.console import money, percent
from campaigns.console.verdict_words import isolate
from campaigns.experiments.models import Snapshot

# So many of the days that evidence was kept are drawn and listed.
MOST_MOMENTS, MOST_ROWS = 60, 8


@dataclass(frozen=True, slots=True)
class Row:
    """One difference in the plot, and its line in the table."""

    title: str
    detail: str
    figure: SafeString
    value: str
    spread: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    meta: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Plot:
    """`has_numbers`: somebody's days are over, so that there is something to draw."""

    title: str
    mark: str
    has_numbers: bool
    groups: list[Group]
    scale: SafeString


@dataclass(frozen=True, slots=True)
class Evidence:
    """`figure` is the drawing for those whose browser draws nothing."""

    figure: SafeString
    chart: Chart


def make_plot(read: ExperimentReadout, one: Comparison, place: int) -> Plot:
    mark = plots.MARKS[place]
    letter, control = verdict_words.letter(one.challenger.key), verdict_words.letter(one.control.key)
    shares = [one.upgrades, one.opt_outs]
    ends = [100 * end for each in shares for end in (each.low, each.high) if end is not None]
    axis = plots.make_axis([*ends, 100 * OPT_OUT_LIMIT])
    groups = [
        Group(_("The goal"), _("percentage points"), [_share_row(axis, one, mark, letter, control)]),
        Group(
            _("The money"),
            _("%(currency)s a month per account in the test, on its own scale") % {"currency": read.currency},
            [_money_row(axis, one, mark, letter, control, read.currency)],
        ),
        Group(
            _("Nothing may get worse"),
            _("percentage points; dashed red: the limit"),
            [_opt_out_row(axis, one, letter, control)],
        ),
    ]
    labels = [_signed(tick) for tick in axis.ticks]
    title = _("%(letter)s compared with %(control)s") % {"letter": letter, "control": control}
    return Plot(title, mark, one.upgrades.estimate is not None, groups, plots.scale(axis=axis, labels=labels))


def make_evidence(*, read: ExperimentReadout, comparisons: Sequence[Comparison]) -> Evidence | None:
    """From the kept read-outs, one a day, and what is read now; None until there are two of them.

    Of several challengers it is drawn for the one that the verdict is about.
    """
    if not comparisons:
        return None
    place, compared = next(
        ((place, one) for place, one in enumerate(comparisons) if one.challenger.key == read.verdict.variant),
        (0, comparisons[0]),
    )
    moments = list_moments(read=read, about=compared)
    if len(moments) < 2:
        return None
    axis = plots.evidence_axis(moments)
    left = plots.since_it_left_zero(moments)
    rtl = get_language_bidi()
    labels = [_signed(tick) for tick in axis.ticks]
    labels[-1] = _("%(tick)s pts") % {"tick": labels[-1]}
    figure = plots.evidence(
        moments=moments,
        mark=plots.MARKS[place + 1],
        labels=labels,
        axis=axis,
        left_zero=left,
        note=_("Range leaves zero"),
        rtl=rtl,
    )
    caption = _("Difference in upgrades, %(letter)s minus %(control)s, in points, as people saw it then.") % {
        "letter": verdict_words.letter(compared.challenger.key),
        "control": verdict_words.letter(compared.control.key),
    }
    if left is not None:
        caption += " " + _("The range left zero on %(day)s.") % {"day": moments[left].label}
    else:
        caption += " " + _("The range still contains zero.")
    return Evidence(figure, _evidence_chart(moments, axis, left, caption, compared, plots.MARKS[place + 1]))


def _evidence_chart(
    moments: Sequence[plots.Moment],
    axis: plots.Axis,
    left: int | None,
    caption: str,
    compared: Comparison,
    tone: str,
) -> Chart:
    letters = [verdict_words.letter(one.key) for one in (compared.challenger, compared.control)]
    last = moments[-1]
    said = _("On %(day)s: %(estimate)s points, most likely between %(low)s and %(high)s.")
    figures = [verdict_words.points(one / 100, signed=True) for one in (last.estimate, last.low, last.high)]
    sentence = said % {"day": last.label, "estimate": figures[0], "low": figures[1], "high": figures[2]}
    series = Series(
        _("%(letter)s minus %(control)s") % {"letter": letters[0], "control": letters[1]},
        tone,
        [round(one.estimate, 3) for one in moments],
        low=[round(one.low, 3) for one in moments],
        high=[round(one.high, 3) for one in moments],
    )
    return Chart(
        key="evidence",
        form="range",
        caption=caption,
        sentence=f"{sentence} {caption}",
        days=[one.label for one in moments],
        series=[series],
        head=[_("Day"), _("Estimate"), _("From"), _("To")],
        rows=_evidence_rows(moments)[::-1],
        ticks=axis.ticks,
        unit=_("%(tick)s pts") % {"tick": "{n}"},
        mark=(left, _("Range leaves zero")) if left is not None else None,
    )


def list_moments(*, read: ExperimentReadout, about: Comparison) -> list[plots.Moment]:
    """Oldest first. The last is what the verdict rests on."""
    rows = Snapshot.objects.filter(experiment=read.experiment, at__lte=read.as_of).order_by("at", "pk")
    by_day: dict[date, plots.Moment] = {}
    for at, results in rows.values_list("at", "results").iterator(chunk_size=500):
        judged = results["verdict"]
        if judged["variant"] == about.challenger.key and judged["low"] is not None:
            by_day[timezone.localtime(at).date()] = _moment(at, judged["estimate"], judged["low"], judged["high"])
    now = about.upgrades
    if now.estimate is not None and now.low is not None and now.high is not None and read.experiment.decided_at is None:
        by_day[timezone.localtime(read.as_of).date()] = _moment(read.as_of, now.estimate, now.low, now.high)
    return _thinned(list(by_day.values()), MOST_MOMENTS)


def _moment(at: datetime, estimate: float, low: float, high: float) -> plots.Moment:
    return plots.Moment(date_format(timezone.localtime(at), "j M"), 100 * estimate, 100 * low, 100 * high)


def _share_row(axis: plots.Axis, one: Comparison, mark: str, letter: str, control: str) -> Row:
    cells = [_("Accounts that upgraded"), *_cells(one.upgrades), "–"]
    rates = _rates(one.challenger.rate, one.control.rate, letter, control)
    return Row(
        _("Accounts that upgraded"),
        f"{_('decides the test')}; {rates}",
        _figure(axis, one.upgrades, mark),
        verdict_words.points(one.upgrades.estimate, signed=True),
        _spread(one.upgrades),
        cells,
    )


def _money_row(axis: plots.Axis, one: Comparison, mark: str, letter: str, control: str, currency: str) -> Row:
    found = one.money
    ends = [end for end in (found.low, found.high) if end is not None]
    axis = plots.stretch(axis, ends)
    detail = _("%(before)s with %(control)s, %(after)s with %(letter)s") % {
        "before": _money_text(one.control.mrr_per_account, currency),
        "control": isolate(control),
        "after": _money_text(one.challenger.mrr_per_account, currency),
        "letter": isolate(letter),
    }
    value = _signed_money(found.estimate, currency)
    low, high = _signed_money(found.low, currency), _signed_money(found.high, currency)
    spread = _("%(low)s to %(high)s") % {"low": isolate(low), "high": isolate(high)} if ends else _("not clear yet")
    figure = (
        plots.interval(axis=axis, low=found.low, estimate=found.estimate or 0.0, high=found.high, mark=mark)
        if found.low is not None and found.high is not None
        else plots.frame(axis=axis)
    )
    return Row(_("Expansion MRR"), detail, figure, value, spread, [_("Expansion MRR"), value, low, high, "–"])


def _opt_out_row(axis: plots.Axis, one: Comparison, letter: str, control: str) -> Row:
    limit = OPT_OUT_LIMIT
    before = one.control_stages.opted_out / one.control.assigned if one.control.assigned else None
    after = one.stages.opted_out / one.challenger.assigned if one.challenger.assigned else None
    word = _("within the limit") if one.is_safe else _("not clear yet")
    if one.is_harmful:
        word = _("over the limit")
    return Row(
        _("Unsubscribed"),
        _rates(after, before, letter, control),
        _figure(axis, one.opt_outs, "quiet", limit=100 * limit),
        verdict_words.points(one.opt_outs.estimate, signed=True),
        word,
        [_("Unsubscribed"), *_cells(one.opt_outs), verdict_words.points(limit, signed=True)],
    )


def _figure(axis: plots.Axis, found: Difference, mark: str, *, limit: float | None = None) -> SafeString:
    if found.low is None or found.high is None or found.estimate is None:
        return plots.frame(axis=axis, limit=limit)
    return plots.interval(
        axis=axis, low=100 * found.low, estimate=100 * found.estimate, high=100 * found.high, mark=mark, limit=limit
    )


def _cells(found: Difference) -> list[str]:
    return [verdict_words.points(one, signed=True) for one in (found.estimate, found.low, found.high)]


def _spread(found: Difference) -> str:
    if found.low is None:
        return _("not clear yet")
    return _("%(low)s to %(high)s") % {
        "low": isolate(verdict_words.points(found.low, signed=True)),
        "high": isolate(verdict_words.points(found.high, signed=True)),
    }


def _rates(after: float | None, before: float | None, letter: str, control: str) -> str:
    return _("%(before)s with %(control)s, %(after)s with %(letter)s") % {
        "before": percent(before),
        "control": isolate(control),
        "after": percent(after),
        "letter": isolate(letter),
    }


def _signed_money(value: float | None, currency: str) -> str:
    if value is None:
        return "–"
    sign = "−" if value < 0 else "+"
    return f"{sign}{_money_text(abs(value), currency)}"


def _money_text(value: Decimal | float | None, currency: str) -> str:
    """Without markup, for words that are put together; the page isolates the whole."""
    return str(money(value, currency)).removeprefix('<bdi dir="ltr">').removesuffix("</bdi>")


def _signed(tick: float) -> str:
    if tick == 0:
        return "0"
    text = number_format(abs(tick), 0 if tick == int(tick) else 1)
    return f"−{text}" if tick < 0 else f"+{text}"


def _evidence_rows(moments: Sequence[plots.Moment]) -> list[list[str]]:
    shown = _thinned(moments, MOST_ROWS)
    return [
        [one.label, *(verdict_words.points(x / 100, signed=True) for x in (one.estimate, one.low, one.high))]
        for one in shown
    ]


def _thinned(moments: Sequence[plots.Moment], most: int) -> list[plots.Moment]:
    """Evenly, the last one always among them."""
    if len(moments) <= most:
        return list(moments)
    step = (len(moments) - 1) / (most - 1)
    return [moments[round(place * step)] for place in range(most)]

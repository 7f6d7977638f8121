"""The list of tests, the review of one, its numbers as CSV."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from campaigns.console import experiment_figures, experiment_page, experiment_rows, listing, pages
from campaigns.console.templatetags.console import count
from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign
from orchestrator import clock

DECIDE = "experiments.change_experiment"


@require_safe
def list_tests(request: HttpRequest) -> HttpResponse:
    filters = experiment_rows.filters()
    asked = listing.read(request, filters=filters, sorts=experiment_rows.SORTS)
    tests = listing.make(
        request,
        asked=asked,
        rows=experiment_rows.find_tests(asked=asked),
        total=experiment_rows.all_tests().count,
        nouns=lambda n: ngettext("%(n)s test", "%(n)s tests", n) % {"n": count(n)},
        find_label=_("Test or campaign"),
        file="admin:studio-tests-csv",
        filters=filters,
    )
    context = {
        "section": "tests",
        "title": _("Tests"),
        "list": tests,
        "lines": experiment_rows.make_lines(campaigns=list(tests.page.object_list)),
    }
    return pages.show(request, "console/tests/list.html", context)


@require_safe
def export_tests(request: HttpRequest) -> StreamingHttpResponse:
    asked = listing.read(request, filters=experiment_rows.filters(), sorts=experiment_rows.SORTS)
    rows = experiment_rows.cells(campaigns=list(experiment_rows.find_tests(asked=asked)))
    return listing.export(name="tests", head=experiment_rows.HEAD, rows=rows, now=clock.utcnow())


def show_test(request: HttpRequest, slug: str) -> HttpResponse:
    experiment, campaign = test_of(slug)
    context = experiment_page.gather(
        experiment=experiment,
        campaign=campaign,
        can_decide=request.user.has_perm(DECIDE),
        now=clock.utcnow(),
    )
    return pages.show(request, "console/tests/test.html", context)


def export_numbers(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Level, method, p and looks stand here, for analysts: section, item, measure, value."""
    experiment, _campaign = test_of(slug)
    now = clock.utcnow()
    read, comparisons, _stages = experiment_page.read_test(experiment=experiment, now=now)
    rows = experiment_figures.numbers(read=read, comparisons=comparisons)
    return listing.export(
        name=f"test-{experiment.slug}", head=("section", "item", "measure", "value"), rows=rows, now=now
    )


def test_of(slug: str) -> tuple[Experiment, Campaign]:
    campaign = (
        Campaign.objects.select_related("experiment__winner", "live_version", "draft_version")
        .filter(experiment__slug=slug)
        .first()
    )
    if campaign is None or campaign.experiment is None:
        raise Http404(_("There is no test %(slug)s.") % {"slug": slug})
    return campaign.experiment, campaign

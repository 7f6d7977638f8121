"""The pages of campaigns and tests inside the studio."""

from __future__ import annotations

from collections.abc import Callable

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from campaigns.console.views import (
    campaigns,
    decisions,
    entering,
    experiments,
    launch,
    parts,
    previews,
    states,
    steps,
    test_sends,
    unclear,
    versions,
    wordings,
)

View = Callable[..., HttpResponseBase]


def campaign_urls(wrap: Callable[[View], View]) -> list[URLPattern]:
    """`wrap` is the admin site's admin_view: login, staff check, never cached."""
    one = "studio/campaigns/<slug:slug>/"
    return [
        path("studio/campaigns/", wrap(campaigns.list_campaigns), name="studio-campaigns"),
        path("studio/campaigns/campaigns.csv", wrap(campaigns.export_campaigns), name="studio-campaigns-csv"),
        path("studio/campaigns/new/", wrap(campaigns.make_campaign), name="studio-campaign-new"),
        path(one, wrap(campaigns.show_campaign), name="studio-campaign"),
        path(f"{one}copy/", wrap(campaigns.copy_campaign), name="studio-campaign-copy"),
        path(f"{one}parts/<slug:part>/", wrap(parts.change_part), name="studio-campaign-part"),
        path(f"{one}version/", wrap(parts.change_version), name="studio-campaign-version"),
        path(f"{one}steps/", wrap(steps.change_steps), name="studio-campaign-steps"),
        path(f"{one}steps/<slug:key>/", wrap(steps.edit_step), name="studio-campaign-step"),
        path(f"{one}steps/<slug:key>/<slug:letter>/", wrap(wordings.edit_wording), name="studio-campaign-wording"),
        path(f"{one}steps/<slug:key>/<slug:letter>/test/", wrap(test_sends.send_test), name="studio-campaign-test"),
        path(f"{one}preview/<slug:key>/<slug:letter>/", wrap(previews.show_preview), name="studio-campaign-preview"),
        path(f"{one}launch/", wrap(launch.review_launch), name="studio-campaign-launch"),
        path(f"{one}edit/", wrap(versions.edit_campaign), name="studio-campaign-edit"),
        path(f"{one}move/", wrap(versions.move_people), name="studio-campaign-move"),
        path(f"{one}enrol/", wrap(entering.enrol_file_of), name="studio-campaign-enrol"),
        path(f"{one}unclear/", wrap(unclear.settle_unclear), name="studio-campaign-unclear"),
        path(f"{one}state/<slug:act>/", wrap(states.change_state), name="studio-campaign-state"),
        path("studio/tests/", wrap(experiments.list_tests), name="studio-tests"),
        path("studio/tests/tests.csv", wrap(experiments.export_tests), name="studio-tests-csv"),
        path("studio/tests/<slug:slug>/", wrap(experiments.show_test), name="studio-test"),
        path("studio/tests/<slug:slug>/numbers.csv", wrap(experiments.export_numbers), name="studio-test-csv"),
        path("studio/tests/<slug:slug>/decide/<slug:choice>/", wrap(decisions.decide), name="studio-test-decide"),
    ]

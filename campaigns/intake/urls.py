"""Routes that machines post to. They carry keys or signatures instead of cookies: CSRF does not apply to any."""

from __future__ import annotations

from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.intake import views

EXEMPT = {
    view.__name__: csrf_exempt(require_POST(view))
    for view in (views.take_tracking, views.take_usage_webhook, views.take_stripe_webhook, views.take_hubspot_webhook)
}

urlpatterns = [
    re_path(
        r"^v1/(?P<route>identify|track|group|page|screen|alias|batch|import)$", EXEMPT["take_tracking"], name="tracking"
    ),
    path("webhooks/usage/<slug:slug>", EXEMPT["take_usage_webhook"], name="usage_webhook"),
    path("webhooks/stripe", EXEMPT["take_stripe_webhook"], name="stripe_webhook"),
    path("webhooks/hubspot", EXEMPT["take_hubspot_webhook"], name="hubspot_webhook"),
]

"""A colleague's own time zone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import pages
from campaigns.console.forms.zone import ZoneForm
from campaigns.operations.models import StaffProfile


def choose_zone(request: HttpRequest) -> HttpResponse:
    given = request.POST if request.method == "POST" else None
    form = ZoneForm(given, initial={"time_zone": pages.time_zone_of(request).key})
    if given is not None and form.is_valid():
        zone = form.cleaned_data["time_zone"]
        StaffProfile.objects.update_or_create(user_id=request.user.pk or 0, defaults={"time_zone": zone})
        messages.success(request, _("All times are those of %(zone)s now.") % {"zone": zone})
        return redirect("admin:studio-home")
    context = {"title": _("Your time zone"), "form": form}
    return pages.show(request, "console/zone.html", context, status=422 if form.errors else 200)

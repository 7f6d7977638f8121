"""The studio: the marketers' pages, mounted inside the admin site at /admin/studio/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from campaigns.console import campaign_urls, gallery_urls, task_urls
from campaigns.console.views import contacts, home, privacy, replies, segment_tabs, segments, sending, topics, zone


def studio_urls(wrap: Callable[[Any], Any]) -> list[URLPattern]:
    """`wrap` is the admin site's admin_view: login, staff check, never cached."""
    return [
        path("studio/", wrap(home.show_home), name="studio-home"),
        path("studio/time-zone/", wrap(zone.choose_zone), name="studio-zone"),
        path("studio/sending/release/", wrap(home.release_sending), name="studio-sending-release"),
        path("studio/segments/", wrap(segments.list_segments), name="studio-segments"),
        path("studio/segments/segments.csv", wrap(segments.export_segments), name="studio-segments-csv"),
        path("studio/segments/new/", wrap(segments.new_segment), name="studio-segment-new"),
        path("studio/segments/count/", wrap(segments.count), name="studio-segment-count"),
        path("studio/segments/<slug:slug>/", wrap(segments.edit_segment), name="studio-segment"),
        path("studio/segments/<slug:slug>/rename/", wrap(segments.rename), name="studio-segment-rename"),
        path("studio/segments/<slug:slug>/members/", wrap(segment_tabs.show_members), name="studio-segment-members"),
        path("studio/segments/<slug:slug>/members.csv", wrap(segment_tabs.export_members), name="studio-segment-csv"),
        path("studio/segments/<slug:slug>/history/", wrap(segment_tabs.show_history), name="studio-segment-history"),
        path("studio/segments/<slug:slug>/restore/", wrap(segment_tabs.restore), name="studio-segment-restore"),
        path("studio/segments/<slug:slug>/json/", wrap(segment_tabs.edit_json), name="studio-segment-json"),
        path("studio/contacts/", wrap(contacts.list_contacts), name="studio-contacts"),
        path("studio/contacts/contacts.csv", wrap(contacts.export_contacts), name="studio-contacts-csv"),
        path("studio/contacts/<int:pk>/", wrap(contacts.show_contact), name="studio-contact"),
        path("studio/contacts/<int:pk>/opt-out/", wrap(contacts.opt_out), name="studio-contact-opt-out"),
        path("studio/contacts/<int:pk>/data.json", wrap(privacy.export), name="studio-contact-export"),
        path("studio/contacts/<int:pk>/erase/", wrap(privacy.erase), name="studio-contact-erase"),
        path("studio/replies/", wrap(replies.list_replies), name="studio-replies"),
        path("studio/replies/<int:pk>/decide/", wrap(replies.decide_reply), name="studio-reply-decide"),
        path("studio/sending/", wrap(sending.show_sending), name="studio-sending"),
        path("studio/sending/switch/", wrap(sending.set_switch), name="studio-sending-switch"),
        path("studio/sending/rate/", wrap(sending.set_rate), name="studio-sending-rate"),
        path("studio/sending/drive/", wrap(sending.drive_again), name="studio-sending-drive"),
        path("studio/sending/<slug:channel>/try/", wrap(sending.try_channel), name="studio-sending-try"),
        path("studio/consent/", wrap(topics.list_topics), name="studio-topics"),
        path("studio/consent/<slug:slug>/", wrap(topics.edit_topic), name="studio-topic"),
        path("studio/consent/<slug:slug>/undo/", wrap(topics.undo), name="studio-topic-undo"),
        *campaign_urls.campaign_urls(wrap),
        *task_urls.task_urls(wrap),
        *gallery_urls.gallery_urls(wrap),
    ]


def index_of(request: HttpRequest) -> HttpResponse:
    return home.show_home(request)

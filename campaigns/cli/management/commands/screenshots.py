"""Pictures of every page, to look at beside the visual specification."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from rich.console import Console
from rich.progress import Progress

from campaigns.cli import photograph, pictured
from campaigns.cli.photograph import Look, NoBrowser, Session


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not news here."""


class Command(BaseCommand):
    help = "Every page at 1280 and 390 px, en and he, light and dark, into var/screenshots."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base", default="", help="a running server; without it one is started for the pictures")
        parser.add_argument("--user", default="", help="who logs in at --base")
        parser.add_argument("--password", default="")
        parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this page (repeatable)")
        parser.add_argument("--widths", default="1280,390")
        parser.add_argument("--languages", default="en,he")
        parser.add_argument("--themes", default="light,dark")
        parser.add_argument("--into", default=str(settings.VAR / "screenshots"))

    def handle(self, *_args: Any, **options: Any) -> None:
        pages = [page for page in pictured.all_pages() if not options["only"] or page.name in options["only"]]
        if not pages:
            raise CommandError(f"No such page. There are: {', '.join(page.name for page in pictured.all_pages())}.")
        looks = [
            Look(int(width), language, theme)
            for width, language, theme in itertools.product(
                *(options[name].split(",") for name in ("widths", "languages", "themes"))
            )
        ]
        if options["base"]:
            session = Session(options["base"].rstrip("/"), user=options["user"], password=options["password"])
            self._take(session, pages, looks, Path(options["into"]))
            return
        cookies = [_session_of_a_superuser()]
        with _own_server() as base:
            self._take(Session(base, cookies=cookies), pages, looks, Path(options["into"]))

    def _take(self, session: Session, pages: list[pictured.Page], looks: list[Look], folder: Path) -> None:
        number = len(pages) * len(looks)
        troubles = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("pictures", total=number)
            try:
                for trouble in photograph.take_pictures(
                    session=session,
                    pages=pages,
                    looks=looks,
                    folder=folder,
                    on_picture=lambda: progress.advance(task),
                ):
                    troubles += 1
                    self.stdout.write(f"{trouble.picture}: {trouble.words}")
            except NoBrowser as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{number} pictures in {folder}, {troubles} troubles")
        if troubles:
            raise CommandError("The pages named above are not as they should be.")


def _session_of_a_superuser() -> dict[str, str]:
    user = get_user_model()._default_manager.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None:
        raise CommandError("Nobody can log in yet. First: manage.py createsuperuser")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(3600)
    session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key}


@contextmanager
def _own_server() -> Iterator[str]:
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

"""Open pages in a real Chromium, at every width, language and theme, and keep a picture of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns.cli.pictured import Page

HEIGHT = 900
# As distributions call it; the first has no windows.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")


class NoBrowser(Exception):
    """Playwright or Chromium is not on this machine; the message says what to type."""


@dataclass(frozen=True, slots=True)
class Look:
    width: int
    language: str
    theme: str

    @property
    def suffix(self) -> str:
        return f"{self.width}-{self.language}-{self.theme}"


@dataclass(slots=True)
class Session:
    """How to be logged in: cookies of an own server, or a name and password for somebody else's."""

    base: str
    cookies: list[dict[str, Any]] = field(default_factory=list)
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a person would see or a browser complained about."""

    picture: str
    words: str


def take_pictures(
    *,
    session: Session,
    pages: Sequence[Page],
    looks: Sequence[Look],
    folder: Path,
    on_picture: Callable[[], None],
) -> Iterator[Trouble]:
    """Yields console errors, refusals of the content policy, answers other than 200, and pages wider than the
    window. Raises NoBrowser."""
    try:
        from playwright.sync_api import Error, sync_playwright  # a development tool, not there in production
    except ImportError as error:
        raise NoBrowser("Playwright is not installed: make setup") from error
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, PROGRAMS)), None),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
        except Error as error:
            raise NoBrowser("Chromium did not start. To install it: apt-get install chromium-headless-shell") from error
        for look in looks:
            yield from _take_in_one_look(browser, session, pages, look, folder, on_picture)
        browser.close()


def _take_in_one_look(
    browser: Any,
    session: Session,
    pages: Sequence[Page],
    look: Look,
    folder: Path,
    on_picture: Callable[[], None],
) -> Iterator[Trouble]:
    inside, outside = (_open_context(browser, session, look) for _ in range(2))
    _log_in(inside, session)
    for page in pages:
        name = f"{page.name}-{look.suffix}"
        yield from _take(inside if page.needs_login else outside, session.base + page.path, folder / f"{name}.png")
        on_picture()
    inside.close()
    outside.close()


def _open_context(browser: Any, session: Session, look: Look) -> Any:
    context = browser.new_context(
        viewport={"width": look.width, "height": HEIGHT},
        has_touch=look.width < 800,
        reduced_motion="reduce",
        locale=look.language,
    )
    # Sandboxed frames (mail previews) have no storage.
    context.add_init_script(f"if (window === window.top) {{ localStorage.setItem('theme', '{look.theme}'); }}")
    context.add_cookies([{"name": "django_language", "value": look.language, "url": session.base}])
    return context


def _log_in(context: Any, session: Session) -> None:
    if session.cookies:
        context.add_cookies([{**cookie, "url": session.base} for cookie in session.cookies])
        return
    page = context.new_page()
    page.goto(f"{session.base}/admin/login/")
    page.fill("#id_username", session.user)
    page.fill("#id_password", session.password)
    page.click("[type=submit]")
    page.close()


def _take(context: Any, url: str, file: Path) -> Iterator[Trouble]:
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    answer = page.goto(url, wait_until="networkidle")
    page.screenshot(path=str(file), full_page=True)
    if answer is not None and answer.status != 200:
        heard.append(f"answered {answer.status}")
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    if width > window:
        heard.append(f"is {width} px wide in a window of {window} px")
    page.close()
    for words in heard:
        yield Trouble(file.name, words)

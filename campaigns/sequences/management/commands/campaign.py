"""`manage.py campaign apply FILE.json | export | check | diff | launch | drop | pause | resume | stop | move | enrol
SLUG`: campaigns as code.

JSON alone on standard output, words on standard error. Exit status: 0 done, 1 failed, 2 wrong input, 3 refused by a
blocker or by the state the campaign is in; after 2 and 3 nothing was changed.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.db.models import Max

from campaigns.sequences import (
    apply,
    changed,
    check,
    enrol_file,
    enrol_named,
    launch,
    lifecycle,
    move,
    selectors,
)
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign, CampaignVersion, Entry
from orchestrator import clock
from orchestrator.jobs import bells

WRONG_INPUT, REFUSED = 2, 3
OPERATOR = "command line"


class Command(BaseCommand):
    help = "Apply, export, check, launch, pause, resume or stop a campaign."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("apply", help="take a campaign file over as a draft").add_argument("file", type=Path)
        for act, words in (
            ("export", "print the campaign file"),
            ("check", "print blockers and warnings as JSON lines"),
            ("diff", "print what the draft changes in what runs, as JSON lines"),
            ("launch", "let the draft go live and enrol its audience"),
            ("drop", "drop the draft beside what runs"),
            ("pause", "hold everything that is not on its way"),
            ("resume", "go on"),
            ("stop", "end it for good"),
            (
                "move",
                "bring those inside over to the version that runs; without --yes only say who lands where",
            ),
            ("enrol", "take in whom a CSV names by the columns account and contact"),
        ):
            one = acts.add_parser(act, help=words)
            one.add_argument("slug")
            one.add_argument("--by", default=OPERATOR, help="who is recorded as having done or approved it")
            if act == "move":
                one.add_argument("--map", action="append", default=[], metavar="OLD=NEW", help="where a step leads to")
                one.add_argument("--yes", action="store_true", help="do it")
            if act == "enrol":
                one.add_argument("file", type=Path)
                one.add_argument("--dry-run", action="store_true", help="only say what would come of it")

    def handle(self, *args: Any, **options: Any) -> None:
        act = getattr(self, f"_{options['act']}")
        if options["act"] == "apply":
            act(options["file"])
            return
        campaign = selectors.by_slug(slug=options["slug"])
        if campaign is None:
            self._fail(WRONG_INPUT, f"There is no campaign {options['slug']!r}.")
        more = {name: options[name] for name in ("map", "yes", "file", "dry_run") if name in options}
        try:
            act(campaign, options["by"], **more)
        except lifecycle.WrongStateError as error:
            self._fail(REFUSED, str(error))

    def _apply(self, path: Path) -> None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            newest = CampaignVersion.objects.aggregate(newest=Max("pk"))["newest"] or 0
            version = apply.apply_campaign(document=document, by=OPERATOR, now=clock.utcnow())
        except CampaignFileError as error:
            self._print({"error": {"path": error.path, "message": error.message}})
            sys.exit(WRONG_INPUT)
        except OSError as error:
            self._print({"error": {"path": "", "message": _why_unread(path, error)}})
            sys.exit(WRONG_INPUT)
        except (ValueError, RecursionError) as error:
            self._print({"error": {"path": "", "message": f"{path} is not readable as JSON: {error}"}})
            sys.exit(WRONG_INPUT)
        campaign = version.campaign
        self._print(
            {
                "slug": campaign.slug,
                "version": version.number,
                "status": campaign.status,
                "changed": version.pk > newest,
            }
        )

    def _export(self, campaign: Campaign, _by: str) -> None:
        self.stdout.write(json.dumps(apply.export_campaign(campaign=campaign), indent=2, ensure_ascii=False))

    def _check(self, campaign: Campaign, _by: str) -> None:
        findings = check.check_campaign(campaign=campaign, now=clock.utcnow())
        for finding in findings:
            if finding.level != check.PASSED:
                self._print(asdict(finding))
        if any(finding.level == check.BLOCKER for finding in findings):
            sys.exit(REFUSED)

    def _diff(self, campaign: Campaign, _by: str) -> None:
        if not campaign.is_edited_beside:
            self._fail(REFUSED, f"{campaign.slug} has no draft beside a version that runs.")
        for change in changed.of_draft(campaign=campaign):
            self._print(asdict(change))

    def _drop(self, campaign: Campaign, by: str) -> None:
        dropped = apply.drop_draft(campaign=campaign, by=by, now=clock.utcnow())
        if not dropped:
            self._fail(REFUSED, f"{campaign.slug} has no draft beside a version that runs.")
        self._print({"slug": campaign.slug, "status": campaign.status})

    def _move(self, campaign: Campaign, by: str, *, map: list[str], yes: bool) -> None:
        mapping = dict(one.partition("=")[::2] for one in map)
        try:
            planned = move.preview_move(campaign=campaign, mapping=mapping)
            moved = 0
            if yes:
                now = clock.utcnow()
                moved = move.move_enrolments(campaign=campaign, by=by, now=now, digest=planned.digest, mapping=mapping)
                bells.ring("enrolments_due")
        except move.MoveError as error:
            self._fail(REFUSED, str(error))
        landings = [asdict(one) for one in planned.landings]
        self._print({"slug": campaign.slug, "version": planned.to_version, "landings": landings, "moved": moved})

    def _enrol(self, campaign: Campaign, by: str, *, file: Path, dry_run: bool) -> None:
        try:
            named = enrol_file.read_names(content=file.read_bytes())
        except OSError as error:
            self._fail(WRONG_INPUT, _why_unread(file, error))
        except enrol_file.NamesFileError as error:
            self._fail(WRONG_INPUT, str(error))
        report = enrol_named.enrol_accounts(
            campaign=campaign,
            named=named,
            source=Entry.Source.FILE,
            occasion=enrol_file.kept_name(name=file.name) or "a file",
            by=by,
            now=clock.utcnow(),
            dry_run=dry_run,
        )
        if not dry_run:
            bells.ring("messages_due")
        self._print(enrol_file.as_json(report=report, slug=campaign.slug))

    def _launch(self, campaign: Campaign, by: str) -> None:
        try:
            report = launch.launch(campaign=campaign, by=by, now=clock.utcnow())
        except launch.LaunchRefused as refused:
            for finding in refused.findings:
                self._print(asdict(finding))
            sys.exit(REFUSED)
        bells.ring("messages_due")
        self._print(asdict(report))

    def _pause(self, campaign: Campaign, by: str) -> None:
        lifecycle.pause(campaign=campaign, by=by, now=clock.utcnow())
        self._print({"slug": campaign.slug, "status": campaign.status})

    def _resume(self, campaign: Campaign, by: str) -> None:
        lifecycle.resume(campaign=campaign, by=by, now=clock.utcnow())
        bells.ring("enrolments_due")
        bells.ring("messages_due")
        self._print({"slug": campaign.slug, "status": campaign.status})

    def _stop(self, campaign: Campaign, by: str) -> None:
        ended = lifecycle.stop(campaign=campaign, by=by, now=clock.utcnow())
        self._print({"slug": campaign.slug, "status": campaign.status, "ended": ended})

    def _print(self, value: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))

    def _fail(self, status: int, words: str) -> NoReturn:
        self.stderr.write(words)
        sys.exit(status)


def _why_unread(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {str(path)!r}."
    return f"{str(path)!r} can't be read: {error.strerror}."

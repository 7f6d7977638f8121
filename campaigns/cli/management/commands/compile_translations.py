from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from campaigns.cli import translations


class Command(BaseCommand):
    help = "Compile locale/*/LC_MESSAGES/django.po to .mo (no system gettext needed)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--update", action="store_true", help="first bring the .po files up to the source")
        parser.add_argument("--check", action="store_true", help="compile nothing; status 1 unless all is translated")

    def handle(self, *_args: Any, **options: Any) -> None:
        root = Path(settings.ROOT)
        faults = 0
        for po in sorted(file for folder in settings.LOCALE_PATHS for file in Path(folder).rglob("*.po")):
            if options["check"]:
                found = translations.faults(po=po, root=root)
                faults += len(found)
                for fault in found:
                    self.stderr.write(f"{po.parents[1].name}: {fault}")
                continue
            if options["update"]:
                translations.update(po=po, root=root)
            self.stdout.write(f"{translations.compile_catalog(po=po).relative_to(root)}")
        if faults:
            self.stderr.write(f"{faults} strings want translating: manage.py compile_translations --update, then edit.")
            sys.exit(1)

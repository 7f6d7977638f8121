from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index is built beside running sends: nobody waits for it."""

    atomic = False

    dependencies = [
        ("sequences", "0005_snippets"),
    ]

    operations = [
        migrations.AddField(
            model_name="steprun",
            name="past",
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name="what its message came to"),
        ),
        AddIndexConcurrently(
            model_name="steprun",
            index=models.Index(
                condition=models.Q(("past__isnull", False)), fields=["enrolment"], name="runs_of_past_messages"
            ),
        ),
    ]

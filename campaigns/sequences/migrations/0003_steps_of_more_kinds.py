from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sequences", "0002_gates_of_accounts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="step",
            name="a_wait_step_says_how_long",
        ),
        migrations.AlterField(
            model_name="step",
            name="kind",
            field=models.CharField(
                choices=[
                    ("MESSAGE", "Message"),
                    ("WAIT", "Wait"),
                    ("BRANCH", "Question"),
                    ("SPLIT", "Split"),
                    ("UPDATE", "Note"),
                    ("EXIT", "Exit"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="steprun",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("MESSAGE_PLANNED", "Message planned"),
                    ("WAITED", "Waited"),
                    ("BRANCHED", "Question answered"),
                    ("SPLIT", "Way drawn"),
                    ("UPDATED", "Facts noted"),
                    ("SKIPPED", "Skipped"),
                ],
                max_length=20,
                verbose_name="outcome",
            ),
        ),
        migrations.AlterField(
            model_name="steprun",
            name="reason",
            field=models.CharField(blank=True, max_length=80, verbose_name="reason"),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "WAIT"), _negated=True),
                    ("condition__isnull", True),
                    ("wait__isnull", False),
                    _connector="OR",
                ),
                name="a_wait_for_a_condition_has_a_time_out",
            ),
        ),
    ]

from __future__ import annotations

from django.db import migrations, models

# The switch as it stands was decided here. Two statements: the second notes what the first one's version bears.
_TOUCH = "UPDATE operations_sendswitch SET id = id"
_STAMP = "UPDATE operations_sendswitch SET written_in = xmin::text::bigint"


class Migration(migrations.Migration):
    dependencies = [("operations", "0002_a_switch_decided_for_one_database")]

    operations = [
        migrations.AddField(
            model_name="sendswitch",
            name="written_in",
            field=models.BigIntegerField(
                blank=True,
                help_text="The transaction that wrote the row: one that was restored says another.",
                null=True,
            ),
        ),
        migrations.RunSQL(_TOUCH, migrations.RunSQL.noop),
        migrations.RunSQL(_STAMP, migrations.RunSQL.noop),
    ]

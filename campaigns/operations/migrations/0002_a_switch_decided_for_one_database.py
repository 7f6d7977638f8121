from __future__ import annotations

from django.db import migrations, models

# The switch as it stands was decided for the database that is being migrated.
_ADOPT = """
UPDATE operations_sendswitch SET database = (
    SELECT concat_ws('/', control.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), own.oid,
        own.datname)
    FROM pg_control_system() control, pg_database own WHERE own.datname = current_database()
)
"""


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="sendswitch",
            name="database",
            field=models.CharField(
                blank=True, help_text="The database it was decided for: a copy of it sends nothing.", max_length=120
            ),
            preserve_default=True,
        ),
        migrations.RunSQL(_ADOPT, migrations.RunSQL.noop),
    ]

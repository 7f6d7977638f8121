from __future__ import annotations

import django.db.models.fields.json
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("crm", "0003_opt_out_of_the_crm"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="writeback",
            index=models.Index(
                django.db.models.fields.json.KeyTextTransform("external_id", "payload"),
                condition=models.Q(("kind", "CONTACT_STATUS")),
                name="told_of_a_contact",
            ),
        ),
    ]

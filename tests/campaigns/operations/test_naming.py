from __future__ import annotations

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from campaigns.operations.naming import ChangeNames

CHANGE = ChangeNames(
    state_operations=[
        migrations.AlterField("plan", "name", models.CharField(max_length=120, verbose_name="called")),
        migrations.AlterModelOptions("plan", {"verbose_name": "tariff"}),
    ]
)


@pytest.mark.django_db
def test_names_change_without_touching_the_database():
    before = MigrationLoader(connection).project_state()
    after = before.clone()
    CHANGE.state_forwards("billing", after)

    with connection.schema_editor(collect_sql=True) as editor:
        CHANGE.database_forwards("billing", editor, before, after)

    assert editor.collected_sql == []
    plan = after.apps.get_model("billing", "Plan")
    assert (plan._meta.verbose_name, plan._meta.get_field("name").verbose_name) == ("tariff", "called")


@pytest.mark.django_db
def test_models_rendered_before_show_the_new_names():
    state = MigrationLoader(connection).project_state()
    assert state.apps.get_model("billing", "Plan")._meta.verbose_name == "plan"

    CHANGE.state_forwards("billing", state)

    assert state.apps.get_model("billing", "Plan")._meta.verbose_name == "tariff"

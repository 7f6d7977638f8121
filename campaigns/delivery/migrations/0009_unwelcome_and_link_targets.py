from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0008_held"),
    ]

    operations = [
        migrations.CreateModel(
            name="LinkTarget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.TextField(unique=True, verbose_name="address")),
            ],
            options={
                "verbose_name": "link target",
                "verbose_name_plural": "link targets",
            },
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("complained_at__isnull", False)),
                fields=["accepted_at"],
                name="messages_complained_about",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("bounced_at__isnull", False), ("channel", "sms")),
                fields=["accepted_at"],
                name="texts_that_failed",
            ),
        ),
    ]

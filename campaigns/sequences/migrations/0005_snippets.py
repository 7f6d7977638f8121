"""Snippets: named texts that wordings include."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sequences", "0004_versions_beside_what_runs")]

    operations = [
        migrations.CreateModel(
            name="Snippet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True, verbose_name="short name")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={"verbose_name": "snippet", "verbose_name_plural": "snippets"},
        ),
        migrations.CreateModel(
            name="SnippetVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField(verbose_name="number")),
                ("content", models.JSONField(verbose_name="content")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("created_by", models.CharField(blank=True, max_length=150, verbose_name="created by")),
                (
                    "snippet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="sequences.snippet",
                        verbose_name="snippet",
                    ),
                ),
            ],
            options={
                "verbose_name": "snippet version",
                "verbose_name_plural": "snippet versions",
                "constraints": [
                    models.UniqueConstraint(fields=("snippet", "number"), name="a_snippet_version_has_its_own_number")
                ],
            },
        ),
    ]

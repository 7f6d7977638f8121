from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0002_names_for_people"),
        ("offers", "0002_names_for_people"),
        ("profiles", "0002_support_tickets"),
        ("segments", "0002_names_for_people"),
        ("sequences", "0003_steps_of_more_kinds"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaignversion",
            name="offer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="offers.offer",
                verbose_name="offer",
            ),
        ),
        migrations.AddField(
            model_name="campaignversion",
            name="segment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="segments.segment",
                verbose_name="segment",
            ),
        ),
        migrations.RunSQL(
            """
            UPDATE sequences_campaignversion version
               SET segment_id = campaign.segment_id, offer_id = campaign.offer_id
              FROM sequences_campaign campaign
             WHERE version.campaign_id = campaign.id
               AND (version.went_live_at IS NOT NULL OR version.id = campaign.draft_version_id)
            """,
            migrations.RunSQL.noop,
        ),
        # What somebody is inside of is what was launched.
        migrations.RunSQL(
            """
            CREATE FUNCTION sequences_campaignversion_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'a version that went live is never changed';
            END $$;
            CREATE TRIGGER sequences_campaignversion_is_frozen BEFORE UPDATE ON sequences_campaignversion
                FOR EACH ROW WHEN (OLD.went_live_at IS NOT NULL AND (
                    NEW.went_live_at IS DISTINCT FROM OLD.went_live_at OR NEW.definition <> OLD.definition
                    OR NEW.campaign_id <> OLD.campaign_id OR NEW.number <> OLD.number
                    OR NEW.segment_id IS DISTINCT FROM OLD.segment_id OR NEW.offer_id IS DISTINCT FROM OLD.offer_id))
                EXECUTE FUNCTION sequences_campaignversion_is_frozen();
            """,
            "DROP FUNCTION sequences_campaignversion_is_frozen() CASCADE",
        ),
        migrations.AddField(
            model_name="entry",
            name="occasion",
            field=models.CharField(
                blank=True,
                help_text="The event’s name and time, the file, who named it.",
                max_length=200,
                verbose_name="occasion",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="source",
            field=models.CharField(
                choices=[
                    ("SEGMENT", "came into the segment"),
                    ("EVENT", "an event happened"),
                    ("FILE", "named in a file"),
                    ("API", "named by another system"),
                ],
                default="SEGMENT",
                max_length=20,
                verbose_name="brought in by",
            ),
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
                    ("GOTO", "Jump"),
                    ("EXIT", "Exit"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", "SEGMENT"), models.Q(("occasion", ""), _negated=True), _connector="OR"),
                name="who_was_brought_in_says_what_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "GOTO"), _negated=True), models.Q(("then", ""), _negated=True), _connector="OR"
                ),
                name="a_jump_says_where_to",
            ),
        ),
    ]

from __future__ import annotations

from django.db import migrations

# Connections made before have their own columns: without this one a no in HubSpot would not reach them.
ADD = """
INSERT INTO crm_fieldmapping (connection_id, kind, property, target, type)
SELECT connection.id, 'contact', 'hs_email_optout', 'opt_out.email', ''
FROM crm_crmconnection connection
WHERE connection.kind = 'hubspot'
    AND EXISTS (
        SELECT 1 FROM crm_fieldmapping mapping
        WHERE mapping.connection_id = connection.id AND mapping.kind = 'contact')
ON CONFLICT (connection_id, kind, property) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0002_tickets_and_tasks"),
    ]

    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]

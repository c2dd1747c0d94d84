"""A column that a later version adds."""

# Django's migrations are named by number.
# ruff: noqa: N999

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a note to the document."""

    dependencies = [("store", "0001_initial")]  # noqa: RUF012
    operations = [migrations.AddField("document", "note", models.TextField(null=True))]  # noqa: RUF012

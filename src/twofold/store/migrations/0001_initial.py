"""The first shape of the state database; it must never be edited once released."""

# ruff: noqa: D101, RUF012

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=250, unique=True)),
                ("position", models.IntegerField(default=0)),
                (
                    "definition",
                    models.TextField(
                        default="{}", help_text="JSON; text, because its order is the person's."
                    ),
                ),
                ("identity", models.TextField(null=True, verbose_name="system identity")),
            ],
            options={
                "verbose_name": "Connection Setup",
                "verbose_name_plural": "Connection Setups",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("applied_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "Applied Configuration",
                "verbose_name_plural": "Applied Configurations",
            },
        ),
        migrations.CreateModel(
            name="Mapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=250, unique=True)),
                ("position", models.IntegerField(default=0)),
                (
                    "definition",
                    models.TextField(
                        default="{}", help_text="JSON; text, because its order is the person's."
                    ),
                ),
                (
                    "removed",
                    models.BooleanField(
                        default=False, help_text="No longer configured; its couplings are kept."
                    ),
                ),
                ("claim_token", models.CharField(blank=True, default="", max_length=36)),
                ("claim_host", models.CharField(blank=True, default="", max_length=255)),
                ("claim_process", models.BigIntegerField(null=True)),
                (
                    "claim_started",
                    models.FloatField(help_text="When that process started, in seconds.", null=True),
                ),
                ("claim_since", models.DateTimeField(null=True)),
                ("claim_until", models.DateTimeField(null=True, verbose_name="lease until")),
            ],
            options={
                "verbose_name": "Integration Table Mapping",
                "verbose_name_plural": "Integration Table Mappings",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mapping", models.CharField(max_length=250)),
                ("direction", models.CharField(max_length=16, null=True)),
                ("type", models.CharField(max_length=20)),
                ("status", models.CharField(max_length=16)),
                ("message", models.TextField(blank=True, default="")),
                ("started", models.DateTimeField()),
                ("finished", models.DateTimeField(null=True)),
                ("inserted", models.BigIntegerField(default=0)),
                ("modified", models.BigIntegerField(default=0)),
                ("deleted", models.BigIntegerField(default=0)),
                ("unchanged", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("coupled", models.BigIntegerField(default=0)),
                ("uncoupled", models.BigIntegerField(default=0)),
                ("conflicts", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "Integration Synchronization Job",
                "verbose_name_plural": "Integration Synchronization Jobs",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["mapping", "id"], name="job_of_mapping")],
            },
        ),
        migrations.CreateModel(
            name="JobError",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("left_key", models.TextField(null=True)),
                ("right_key", models.TextField(null=True)),
                ("field", models.TextField(null=True)),
                ("kind", models.CharField(max_length=20)),
                ("message", models.TextField()),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="errors", to="store.job"
                    ),
                ),
            ],
            options={
                "verbose_name": "Integration Synchronization Error",
                "verbose_name_plural": "Integration Synchronization Errors",
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("left_key", models.TextField(blank=True, default="")),
                ("right_key", models.TextField(blank=True, default="")),
                ("direction", models.CharField(blank=True, default="", max_length=16)),
                ("kind", models.CharField(max_length=20)),
                ("message", models.TextField()),
                ("fields", models.TextField(help_text="JSON array of field names.", null=True)),
                ("strikes", models.BigIntegerField(default=0)),
                ("skipped", models.BooleanField(default=False)),
                (
                    "blocking",
                    models.TextField(
                        help_text="JSON [mapping, side, key] of the record it waits for.", null=True
                    ),
                ),
                ("left_version", models.TextField(null=True)),
                ("right_version", models.TextField(null=True)),
                ("since", models.DateTimeField()),
                ("updated", models.DateTimeField()),
                (
                    "mapping",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="store.mapping",
                    ),
                ),
            ],
            options={
                "verbose_name": "Coupled Data Synchronization Error",
                "verbose_name_plural": "Coupled Data Synchronization Errors",
                "indexes": [
                    models.Index(fields=["mapping", "right_key"], name="entry_right"),
                    models.Index(fields=["mapping", "id"], name="entry_page"),
                    models.Index(
                        condition=models.Q(("blocking__isnull", False)),
                        fields=["mapping"],
                        name="entry_blocking",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mapping", "left_key", "right_key", "direction"), name="entry_record_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Coupling",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("left_key", models.TextField(null=True)),
                ("right_key", models.TextField(null=True)),
                ("state", models.CharField(max_length=16)),
                ("left_version", models.TextField(null=True)),
                ("right_version", models.TextField(null=True)),
                ("left_base", models.BinaryField(null=True)),
                ("right_base", models.BinaryField(null=True)),
                ("synchronized_at", models.DateTimeField(null=True, verbose_name="last synchronized")),
                (
                    "mapping",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="couplings",
                        to="store.mapping",
                    ),
                ),
            ],
            options={
                "verbose_name": "Coupling",
                "verbose_name_plural": "Couplings",
                "indexes": [
                    models.Index(fields=["mapping", "id"], name="coupling_page"),
                    models.Index(
                        condition=models.Q(("state", "coupled"), _negated=True),
                        fields=["mapping", "id"],
                        name="coupling_open",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("mapping", "left_key"), name="coupling_left_once"),
                    models.UniqueConstraint(fields=("mapping", "right_key"), name="coupling_right_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("left_key__isnull", False), ("right_key__isnull", False), _connector="OR"
                        ),
                        name="coupling_has_a_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Bookmark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("side", models.CharField(max_length=5)),
                ("cursor", models.TextField()),
                ("signature", models.TextField()),
                ("complete", models.BooleanField(default=True)),
                ("count", models.BigIntegerField(null=True)),
                ("swept", models.DateTimeField(null=True)),
                ("wide", models.BooleanField(default=False)),
                (
                    "mapping",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bookmarks",
                        to="store.mapping",
                    ),
                ),
            ],
            options={
                "verbose_name": "Bookmark",
                "verbose_name_plural": "Bookmarks",
                "constraints": [
                    models.UniqueConstraint(fields=("mapping", "side"), name="bookmark_side_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity", models.TextField()),
                ("signature", models.TextField()),
                ("number", models.IntegerField()),
                ("current", models.BooleanField(default=True)),
                (
                    "mapping",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="slots",
                        to="store.mapping",
                    ),
                ),
            ],
            options={
                "verbose_name": "Field Slot",
                "verbose_name_plural": "Field Slots",
                "constraints": [
                    models.UniqueConstraint(fields=("mapping", "number"), name="slot_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("current", True)),
                        fields=("mapping", "identity"),
                        name="slot_current_once",
                    ),
                ],
            },
        ),
    ]

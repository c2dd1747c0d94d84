"""The tables of the state database; it must never hold behaviour: rules live with their readers and writers.

A key that is not known is null in a coupling, so that its two uniqueness constraints ignore it, and an empty
text in an entry, so that the constraint over (mapping, left, right, direction) also holds for a record
without counterpart.
"""

# Django's models declare by convention: an inner class, and lists on the class.
# ruff: noqa: D106, RUF012

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Connection(models.Model):
    """One system that Twofold reaches."""

    name = models.CharField(max_length=250, unique=True)
    position = models.IntegerField(default=0)
    definition = models.TextField(default="{}", help_text="JSON; text, because its order is the person's.")
    identity = models.TextField(null=True, verbose_name="system identity")

    class Meta:
        verbose_name = "Connection Setup"
        verbose_name_plural = "Connection Setups"
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Mapping(models.Model):
    """One table mapping, and which process holds it for a run."""

    name = models.CharField(max_length=250, unique=True)
    position = models.IntegerField(default=0)
    definition = models.TextField(default="{}", help_text="JSON; text, because its order is the person's.")
    removed = models.BooleanField(default=False, help_text="No longer configured; its couplings are kept.")
    claim_token = models.CharField(max_length=36, default="", blank=True)
    claim_host = models.CharField(max_length=255, default="", blank=True)
    claim_process = models.BigIntegerField(null=True)
    claim_started = models.FloatField(null=True, help_text="When that process started, in seconds.")
    claim_since = models.DateTimeField(null=True)
    claim_until = models.DateTimeField(null=True, verbose_name="lease until")

    class Meta:
        verbose_name = "Integration Table Mapping"
        verbose_name_plural = "Integration Table Mappings"
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Document(models.Model):
    """The configuration as a person wrote it and last applied it."""

    text = models.TextField()
    applied_at = models.DateTimeField()

    class Meta:
        verbose_name = "Applied Configuration"
        verbose_name_plural = "Applied Configurations"

    def __str__(self) -> str:
        return f"Configuration applied at {self.applied_at:%Y-%m-%d %H:%M} UTC"


class Slot(models.Model):
    """Where a field's digest lies in a base; a number is never used for anything else afterwards."""

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="slots", db_index=False)
    identity = models.TextField()
    signature = models.TextField()
    number = models.IntegerField()
    current = models.BooleanField(default=True)

    class Meta:
        verbose_name = "Field Slot"
        verbose_name_plural = "Field Slots"
        constraints = [
            models.UniqueConstraint(fields=["mapping", "number"], name="slot_number_once"),
            models.UniqueConstraint(
                fields=["mapping", "identity"], condition=Q(current=True), name="slot_current_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.identity} in slot {self.number}"


class Coupling(models.Model):
    """A left and a right record that belong together, with what each looked like when last synchronized."""

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="couplings", db_index=False)
    left_key = models.TextField(null=True)
    right_key = models.TextField(null=True)
    state = models.CharField(max_length=16)
    left_version = models.TextField(null=True)
    right_version = models.TextField(null=True)
    left_base = models.BinaryField(null=True)
    right_base = models.BinaryField(null=True)
    synchronized_at = models.DateTimeField(null=True, verbose_name="last synchronized")

    class Meta:
        verbose_name = "Coupling"
        verbose_name_plural = "Couplings"
        constraints = [
            models.UniqueConstraint(fields=["mapping", "left_key"], name="coupling_left_once"),
            models.UniqueConstraint(fields=["mapping", "right_key"], name="coupling_right_once"),
            models.CheckConstraint(
                condition=Q(left_key__isnull=False) | Q(right_key__isnull=False), name="coupling_has_a_key"
            ),
        ]
        indexes = [
            models.Index(fields=["mapping", "id"], name="coupling_page"),
            # Pending and doubtful couplings are few among a million: found and counted without the rest.
            models.Index(fields=["mapping", "id"], condition=~Q(state="coupled"), name="coupling_open"),
        ]

    def __str__(self) -> str:
        return f"{self.left_key} - {self.right_key}"


class Bookmark(models.Model):
    """How far one side of a mapping has been read."""

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="bookmarks", db_index=False)
    side = models.CharField(max_length=5)
    cursor = models.TextField()
    signature = models.TextField()
    complete = models.BooleanField(default=True)
    count = models.BigIntegerField(null=True)
    swept = models.DateTimeField(null=True)
    wide = models.BooleanField(default=False)

    class Meta:
        verbose_name = "Bookmark"
        verbose_name_plural = "Bookmarks"
        constraints = [models.UniqueConstraint(fields=["mapping", "side"], name="bookmark_side_once")]

    def __str__(self) -> str:
        return f"{self.mapping_id} {self.side}"


class Job(models.Model):
    """One run of one mapping in one direction; it names its mapping, so that the log outlives the mapping."""

    mapping = models.CharField(max_length=250)
    direction = models.CharField(max_length=16, null=True)
    type = models.CharField(max_length=20)
    status = models.CharField(max_length=16)
    message = models.TextField(default="", blank=True)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    inserted = models.BigIntegerField(default=0)
    modified = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    coupled = models.BigIntegerField(default=0)
    uncoupled = models.BigIntegerField(default=0)
    conflicts = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "Integration Synchronization Job"
        verbose_name_plural = "Integration Synchronization Jobs"
        ordering = ["-id"]
        indexes = [models.Index(fields=["mapping", "id"], name="job_of_mapping")]

    def __str__(self) -> str:
        return f"{self.mapping} {self.id}"


class JobError(models.Model):
    """One line of a job's log."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="errors")
    left_key = models.TextField(null=True)
    right_key = models.TextField(null=True)
    field = models.TextField(null=True)
    kind = models.CharField(max_length=20)
    message = models.TextField()

    class Meta:
        verbose_name = "Integration Synchronization Error"
        verbose_name_plural = "Integration Synchronization Errors"

    def __str__(self) -> str:
        return self.message


class Entry(models.Model):
    """A record that waits: for a person's answer, for a retry, or for another record."""

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="entries", db_index=False)
    left_key = models.TextField(default="", blank=True)
    right_key = models.TextField(default="", blank=True)
    direction = models.CharField(max_length=16, default="", blank=True)
    kind = models.CharField(max_length=20)
    message = models.TextField()
    fields = models.TextField(null=True, help_text="JSON array of field names.")
    strikes = models.BigIntegerField(default=0)
    skipped = models.BooleanField(default=False)
    blocking = models.TextField(null=True, help_text="JSON [mapping, side, key] of the record it waits for.")
    left_version = models.TextField(null=True)
    right_version = models.TextField(null=True)
    since = models.DateTimeField()
    updated = models.DateTimeField()

    class Meta:
        verbose_name = "Coupled Data Synchronization Error"
        verbose_name_plural = "Coupled Data Synchronization Errors"
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "left_key", "right_key", "direction"], name="entry_record_once"
            ),
        ]
        indexes = [
            models.Index(fields=["mapping", "right_key"], name="entry_right"),
            models.Index(fields=["mapping", "id"], name="entry_page"),
            models.Index(fields=["mapping"], condition=Q(blocking__isnull=False), name="entry_blocking"),
        ]

    def __str__(self) -> str:
        return self.message

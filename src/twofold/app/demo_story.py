"""The demo's story, told with the real verbs and their results; it must never state a figure by itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from twofold.app import errors, full, runs, setup
from twofold.app.context import Context, opened
from twofold.app.demo_edits import Cast, Edit, account_of, choose_cast, customer_of, edit_records, person_of
from twofold.app.demo_systems import CRM, ERP, ask
from twofold.app.demo_tables import WRITES, edited_rows, job_row, log_row, plan_row, table_rows, value_rows
from twofold.app.demo_workspace import prepare_workspace
from twofold.app.runs import Report
from twofold.app.settings import FILE
from twofold.app.verify import verify
from twofold.core.names import COUNTERS
from twofold.core.plan import MappingPlan, PlannedAction
from twofold.engine.task import Options
from twofold.errors import Fatal, Interrupted
from twofold.ports import Progress

_SHOWN_JOBS = 12


class Narrator(Protocol):
    """Who tells the story to a person."""

    def head(self, title: str) -> None:
        """A new chapter."""
        ...

    def say(self, sentence: str) -> None:
        """A plain sentence."""
        ...

    def command(self, line: str) -> None:
        """What a person would type."""
        ...

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns; numbers are texts already, and stand to the right."""
        ...

    def working(self) -> AbstractContextManager[Progress]:
        """Progress of a run, while it runs."""
        ...


def tell(folder: Path, narrator: Narrator) -> None:
    """Make the workspace and tell everything; raises `Refused` for a folder that holds something else."""
    prepare_workspace(folder)
    _Story(folder, narrator).tell()


@dataclass(slots=True)
class _Story:
    folder: Path
    narrator: Narrator

    def tell(self) -> None:
        self._begin()
        with opened(self.folder, create=True) as context:
            self._plan(context)
            self._synchronize_all(context)
            self._synchronize_again(context)
            cast = choose_cast(self.folder)
            edits = self._edit(cast)
            self._synchronize_edits(context, cast)
            self._answer(context, cast, lost=edits[-1].record)
            self._prove(context)
        self._end()

    # -- chapters ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        tell = self.narrator
        tell.head("Two systems that do not know each other")
        tell.say(
            f"{self.folder} holds an ERP and a CRM, two ordinary databases made a moment ago. Sales has "
            "typed in some of the customers by hand; most are missing, and nothing says which record belongs "
            "to which."
        )
        tell.table([ERP, "rows", CRM, "rows"], table_rows(self.folder))
        tell.say(
            f"{FILE}, beside them, says which tables and fields go together. All that follows really "
            "happens there, as if you had typed the commands."
        )

    def _plan(self, context: Context) -> None:
        tell = self.narrator
        tell.head("What would happen? Nothing is written yet")
        tell.command(f"twofold apply {FILE}")
        applied = setup.apply(context, self.folder / FILE, lambda _: True)
        tell.say(f"In effect: {', '.join(applied.configuration.mappings)}.")
        tell.command("twofold plan")
        with tell.working() as progress:
            plan = runs.plan(context, [], Options(), progress)
        tell.table(
            ["mapping", "to couple", "new in erp", "new in crm"], [plan_row(own) for own in plan.mappings]
        )
        self._examples(next(own for own in plan.mappings if own.mapping == "CUSTOMER"))

    def _synchronize_all(self, context: Context) -> None:
        tell = self.narrator
        tell.head("The full synchronization")
        tell.command("twofold full-sync")
        before = self._primary_contacts()
        with tell.working() as progress:
            report = full.full_synchronization(context, "restore", progress)
        self._report(context, report)
        tell.say(
            "A customer names its primary contact and a contact its customer, so neither can come first. "
            f"{self._primary_contacts() - before} accounts of the CRM got theirs in a second pass of the run."
        )

    def _primary_contacts(self) -> int:
        return int(ask(self.folder / CRM, "SELECT count(primarycontactid) AS rows FROM account")[0]["rows"])

    def _synchronize_again(self, context: Context) -> None:
        self.narrator.head("And again")
        self._synchronize(context)

    def _edit(self, cast: Cast) -> list[Edit]:
        tell = self.narrator
        tell.head("Meanwhile, people work")
        edits = edit_records(self.folder, cast)
        tell.table(["where", "record", "what"], [[edit.system, edit.record, edit.told] for edit in edits])
        tell.say(
            f"{cast.merged} was edited on both sides, in different fields. {cast.contested} got a new name "
            "on both sides, and only a person can know which one is right."
        )
        return edits

    def _synchronize_edits(self, context: Context, cast: Cast) -> None:
        tell = self.narrator
        tell.head("Each edit goes where it belongs")
        self._synchronize(context)
        tell.table(["record", "field", ERP, CRM], edited_rows(context, cast))
        tell.say(f"{cast.merged} has both edits now, on both sides. {cast.contested} still has two names.")

    def _answer(self, context: Context, cast: Cast, lost: str) -> None:
        tell = self.narrator
        tell.head("What only a person can decide")
        tell.command("twofold errors")
        for number, entry in enumerate(context.store.listing.entries(), 1):
            tell.say(f"{number}. {entry['mapping']}, {entry['kind']}: {entry['message']}")
        tell.say(f"The one that was deleted is {lost}.")
        key = customer_of(self.folder, cast.contested)["id"]
        self._resolve(context, "CUSTOMER", "send", left=key)
        tell.say(f"The ERP wins: the CRM calls it {account_of(self.folder, cast.contested)['name']} now.")
        self._resolve(context, "CONTACT", "restore", right=cast.leaver)
        if person_of(self.folder, cast.leaver) is not None:
            tell.say(f"{lost} is back in the CRM, under the same key as before.")
        left = len(context.store.listing.entries())
        tell.say(f"The errors list is {'empty' if not left else f'{left} long'}.")

    def _prove(self, context: Context) -> None:
        tell = self.narrator
        tell.head("The log and the proof")
        tell.command(f"twofold jobs --limit {_SHOWN_JOBS}")
        jobs = context.store.listing.jobs(limit=_SHOWN_JOBS)
        tell.table(["job", "mapping", "direction", "written"], [log_row(context, job) for job in jobs])
        tell.command("twofold verify")
        with tell.working() as progress:
            found = verify(context, [], progress)
        rows = [[one.mapping, f"{one.pairs:,}", f"{one.equal:,}", f"{one.found:,}"] for one in found]
        tell.table(["mapping", "pairs", "equal", "different"], rows)
        clean = all(one.clean for one in found)
        tell.say(
            "Every pair agrees in every mapped field." if clean else "Some pairs differ: see `twofold jobs`."
        )

    def _end(self) -> None:
        tell = self.narrator
        tell.head("Now you")
        tell.say(
            f"{self.folder} is yours to play with: change a record in either database, then see what happens."
        )
        key = ask(self.folder / ERP, "SELECT id FROM customer ORDER BY number LIMIT 1")[0]["id"]
        for line in (
            f"cd {self.folder}",
            "twofold plan",
            "twofold sync",
            f"twofold explain CUSTOMER --left {key}",
            "twofold --help",
        ):
            tell.command(line)

    # -- shared --------------------------------------------------------------------------------------------

    def _synchronize(self, context: Context) -> None:
        self.narrator.command("twofold sync")
        with self.narrator.working() as progress:
            report = runs.synchronize(context, [], Options(), progress)
        self._report(context, report)

    def _report(self, context: Context, report: Report) -> None:
        if report.interrupted:
            raise Interrupted("The demo was stopped. Run `twofold demo` to play it from the beginning.")
        if report.broken:
            raise Fatal(f"The demo broke off: {report.broken[0]}")
        rows = [job_row(context, job) for job in report.jobs if any(job[name] for name in COUNTERS)]
        if rows:
            self.narrator.table(["mapping", "direction", "coupled", *WRITES, "questions"], rows)
        else:
            self.narrator.say(
                f"{len(report.jobs)} jobs ran, and there was nothing to do: nothing was written."
            )

    def _resolve(
        self, context: Context, mapping: str, answer: errors.Answer, *, left: str = "", right: str = ""
    ) -> None:
        named = f"--left {left}" if left else f"--right {right}"
        self.narrator.command(f"twofold resolve {mapping} {answer} {named}")
        errors.resolve(context, mapping, answer, [left] if left else [], [right] if right else [])

    def _examples(self, customers: MappingPlan) -> None:
        """The first customer that the plan couples, and the first that it creates, with its values."""
        tell = self.narrator
        known, _ = self._first(customers, "couple")
        tell.say(f"To couple, for example: {known}, which stands in both, under the same number.")
        missing, action = self._first(customers, "insert_right")
        tell.say(f"To create in the CRM, for example: {missing}. It will read:")
        tell.table(["field", "value"], value_rows(action))

    def _first(self, customers: MappingPlan, word: str) -> tuple[str, PlannedAction]:
        """The customer with the lowest number that has this action."""
        actions = {action.left_key: action for action in customers.actions if action.action == word}
        for row in ask(self.folder / ERP, "SELECT id, number, name FROM customer ORDER BY number"):
            if row["id"] in actions:
                return f"{row['number']} {row['name']}", actions[row["id"]]
        raise Fatal(f"The demo broke off: the plan has no {word}. See `twofold plan CUSTOMER`.")

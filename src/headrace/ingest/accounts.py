"""What became of documents: of all sources in one run (the tally), and of each source over all runs (its ledger)."""

from dataclasses import dataclass, field, fields
from datetime import datetime

from headrace.clock import microseconds, to_microseconds
from headrace.documents import Document
from headrace.ingest.flow import Flow
from headrace.ingest.ledger import Ledger
from headrace.ports import Gap


@dataclass
class Tally:
    """How many documents were read, by what became of them."""

    published: int = 0
    repeated: int = 0  # published before, by this run or by the earlier one that it continues
    malformed: int = 0  # not documents; buried
    refused: int = 0  # rejected by the broker; buried
    erased: int = 0  # deleted at the source
    shed: int = 0  # dropped, as the backlog was over its limit
    missed: int = 0  # that the source lost, as far as it knows how many
    gaps: int = 0  # not documents: how often the source lost some
    fault: str = ""  # the place of the first malformed record, and why it is not a document

    def __add__(self, other: "Tally") -> "Tally":
        sums = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self) if one.name != "fault"
        }
        return Tally(**sums, fault=self.fault or other.fault)


@dataclass
class Accounts:
    """The tally of a run, and the ledger of the source that is read."""

    tally: Tally = field(default_factory=Tally)
    ledger: Ledger = field(default_factory=Ledger)

    def open(self, ledger: Ledger, url: str) -> None:
        """Go on with the ledger of a source."""
        self.ledger = ledger
        ledger.url, ledger.state, ledger.told = url, "reading", ""

    def count(self, what: str, number: int) -> None:
        """Count so many of one of `ledger.COUNTS`, in the tally too if that has it."""
        if number:
            self.ledger.count(what, number, microseconds())
            if hasattr(self.tally, what):
                setattr(self.tally, what, getattr(self.tally, what) + number)

    def note(self, flow: Flow) -> None:
        """Count what does not show in the items of a batch."""
        counts = (("read", flow.shed), ("shed", flow.shed), ("paid", flow.batch.paid), ("filled", flow.batch.filled))
        for what, number in counts:
            self.count(what, number)

    def miss(self, gap: Gap) -> None:
        """Count a gap."""
        self.ledger.miss(gap, microseconds())
        self.tally.gaps += 1
        self.tally.missed += gap.missed or 0

    def lag(self, newest: Document) -> None:
        """Note how long ago the newest document was written, if it says when."""
        if newest.created_at is not None and "T" in newest.created_at:
            written_at = to_microseconds(datetime.fromisoformat(newest.created_at))
            self.ledger.lag = max(0.0, (microseconds() - written_at) / 1e6)

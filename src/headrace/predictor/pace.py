"""How much work one exchange with a predictor is."""

from dataclasses import dataclass

BATCH_SECONDS = 0.5  # of work in one exchange with the process
FIRST_LINES, MOST_LINES = 16, 8192  # in one exchange: before anything is measured, and ever


@dataclass
class Pace:
    """How many lines make BATCH_SECONDS of work, and how many bytes a second, from what is measured."""

    lines: int = FIRST_LINES
    bytes_per_second: float = 256 << 10

    def learn(self, lines: int, size: int, seconds: float) -> None:
        """Learn from one exchange of this many lines and bytes."""
        fitting = int(lines * BATCH_SECONDS / max(seconds, 1e-6))
        if lines >= self.lines or fitting < self.lines:
            self.lines = max(1, min(MOST_LINES, fitting, self.lines * 4))
        rate = min(size / max(seconds, 1e-4), 8 * self.bytes_per_second)
        self.bytes_per_second += 0.3 * (rate - self.bytes_per_second)

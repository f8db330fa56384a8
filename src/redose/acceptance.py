"""The gate: is a posterior to be believed? Its diagnostics against the config's limits."""

from dataclasses import asdict, dataclass

import pandas as pd

CURE = "Look at diagnostics.csv; try more tuning draws, a higher target_accept, tighter priors or a simpler model."
ROOM = "results/{study}/report.html, chapters Answer first and Model checking"


@dataclass(frozen=True)
class Verdict:
    """Whether a fit is accepted, each limit that it misses, and the config's limits."""

    study: str
    model: str
    faults: list[str]
    limits: dict

    @property
    def accepted(self) -> bool:
        return not self.faults

    def text(self) -> str:
        """One line if accepted; else every fault with parameter, value and limit, and what to do."""
        where = f"{self.study}/{self.model}"
        if self.accepted:
            return f"{where}: accepted."
        faults = "\n".join(f"  {f}" for f in self.faults)
        return f"{where}: rejected by the gate.\n{faults}\nNothing is concluded from it. {CURE}"

    @property
    def cure(self) -> str:
        """What to do about a rejected fit."""
        return CURE

    def record(self) -> dict:
        """What is written of it: its fields, and `accepted`."""
        return {**asdict(self), "accepted": self.accepted}

    @staticmethod
    def of(record: dict) -> "Verdict":
        """The verdict of a record."""
        return Verdict(**{name: x for name, x in record.items() if name != "accepted"})


def summary(verdicts: list[Verdict]) -> str:
    """The last word of a run: one line if every fit is accepted; else the text on each that is not, with where to read
    more."""
    rejected = [v for v in verdicts if not v.accepted]
    if not rejected:
        return f"The gate accepted all models ({len(verdicts)})."
    of = f"{len(verdicts)} model{'' if len(verdicts) == 1 else 's'}"
    lead = f"The gate rejected {len(rejected)} of {of}. The dossiers are written, without conclusions from that."
    return "\n".join([lead, *(f"{v.text()}\nRead more: {ROOM.format(study=v.study)}." for v in rejected)])


def listed(verdicts: list[Verdict]) -> pd.DataFrame:
    """One row per model: study, model, verdict."""
    rows = [(v.study, v.model, "accepted" if v.accepted else "rejected") for v in verdicts]
    return pd.DataFrame(rows, columns=["study", "model", "verdict"])


def judge(table: pd.DataFrame, sampler: dict, limits: dict, study: str, model: str) -> Verdict:
    """The verdict on a fit. table: from `summarise`; sampler: from `sampler_summary`; limits: config `acceptance`.

    Population parameters are judged one by one, patient effects by their largest R-hat. A constant (NaN everywhere)
    counts as a fault.
    """
    judged = table[table["level"] == "population"]
    faults = []
    for column, name, worse in (("rhat", "R-hat", 1), ("ess_bulk", "bulk ESS", -1), ("ess_tail", "tail ESS", -1)):
        limit = limits[column]
        bad = judged[~(worse * judged[column] <= worse * limit)]  # NaN is bad
        faults += [f"{p}: {name} {v:.4g}, limit {limit:g}" for p, v in zip(bad["parameter"], bad[column], strict=True)]
    patients = table[table["level"] == "patient"]
    beyond = patients[patients["rhat"] > limits["rhat_patient"]]
    if len(beyond):
        name, worst = beyond.loc[beyond["rhat"].idxmax(), ["parameter", "rhat"]]
        count = f"{len(beyond)} of {len(patients)} patient effects"
        faults.append(f"{count} above R-hat {limits['rhat_patient']:g}, the largest {worst:.4g} ({name})")
    if sampler["divergences"] > limits["divergences"]:
        faults.append(f"sampler: {sampler['divergences']} divergent draws, limit {limits['divergences']}")
    if not sampler["bfmi"] >= limits["bfmi"]:
        faults.append(f"sampler: BFMI {sampler['bfmi']:.3f}, limit {limits['bfmi']:g}")
    return Verdict(study, model, faults, limits)

"""The estimand (ICH E9(R1)): what each intercurrent outcome counts as, and the intervals that this leaves.

treatment_policy     nothing: follow-up runs through it, and ends there only where none goes on
hypothetical         the end of follow-up (censored): what would have happened without it
composite            an event like progression
competing            the end of the time at risk, with a hazard of its own
while_on_treatment   the same likelihood as competing; progression counts while it has not come
"""

import pandas as pd

INTERCURRENT = ("death", "transplant", "new_therapy")  # outcomes whose meaning the estimand decides
COMPETING = ("competing", "while_on_treatment")
THROUGH = "treatment_policy"
STRATEGIES = {  # word of the config -> strategy in the words of a report
    "treatment_policy": "no end: follow-up runs through it (treatment-policy strategy)",
    "hypothetical": "censored: what would have happened without it (hypothetical strategy)",
    "composite": "an event like progression (composite strategy)",
    "competing": "a competing outcome with a hazard and a cumulative incidence of its own (competing-risks strategy)",
    "while_on_treatment": "the end of the time that counts, with a hazard and a cumulative incidence of its own "
    "(while-on-treatment strategy; of death, while-alive)",
}


def competing(estimand: dict[str, str]) -> list[str]:
    """Intercurrent outcomes with a hazard of their own, in the order of `INTERCURRENT`. estimand: outcome -> word."""
    return [outcome for outcome in INTERCURRENT if estimand[outcome] in COMPETING]


def events(estimand: dict[str, str]) -> dict[str, str]:
    """Outcome -> the event that ends an interval: "progression", a competing outcome's own name, or "none"."""
    own = {outcome: outcome for outcome in competing(estimand)}
    composite = {outcome: "progression" for outcome in INTERCURRENT if estimand[outcome] == "composite"}
    return {"progression": "progression"} | dict.fromkeys((*INTERCURRENT, "censored"), "none") | composite | own


def beyond(intervals: pd.DataFrame, estimand: dict[str, str]) -> pd.Series:
    """True for intervals after an outcome of the patient that ends follow-up. intervals: as in `followed`."""
    patient = intervals["patient"]
    before = intervals["outcome"].map(estimand).groupby(patient).shift()  # word of what ended the one before
    return before.isin(("hypothetical", *COMPETING)).groupby(patient).cummax()


def followed(intervals: pd.DataFrame, estimand: dict[str, str]) -> pd.DataFrame:
    """The intervals that count, in the columns of the table: nothing after an outcome that ends follow-up, one interval
    where follow-up runs through an outcome, numbered anew by patient. intervals: checked, by patient and time."""
    patient = intervals["patient"]
    before = intervals["outcome"].map(estimand).groupby(patient).shift()  # word of what ended the one before
    number = (before != THROUGH).groupby(patient).cumsum()
    kept = intervals.assign(interval=number)[~beyond(intervals, estimand)]
    first, last = (kept.drop_duplicates(["patient", "interval"], keep=end) for end in ("first", "last"))
    starts = {column: first[column].to_numpy() for column in ("start_day", "entry_day")}
    return last.assign(**starts).reset_index(drop=True)


def followed_on(intervals: pd.DataFrame, outcome: str) -> tuple[int, int]:
    """(times, of them followed on): intervals that ended in the outcome, and those with a next one of the patient."""
    ended = intervals["outcome"] == outcome
    after = intervals.groupby("patient")["outcome"].shift(-1).notna()
    return int(ended.sum()), int((ended & after).sum())


def counts_as(outcome: str, word: str, intervals: pd.DataFrame) -> str:
    """What an intercurrent outcome counts as, in words: `STRATEGIES`, with the numbers where follow-up runs through."""
    times, on = followed_on(intervals, outcome)
    if word != THROUGH or times == on:
        return STRATEGIES[word]
    return f"{STRATEGIES[word]}; {times - on} of {times} were not followed beyond it and are censored there"

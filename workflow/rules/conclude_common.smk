# Look-ups of the conclusions.
# what is read off a posterior as it is: regimes and their utility may change without touching that
READ_OFF = ["horizons", "risk_horizon", "risk_clock", "risks", "smallest_step", "gvhd", "ci_prob"]
READ_OFF = {name: config["decision"][name] for name in READ_OFF}


def scores_of(wildcards):
    """Scores of the accepted models; where there is none, of all, so that the gate stops the comparison and says why."""
    models = accepted_of(wildcards) or models_of(wildcards)
    return expand("results/{{study}}/{model}/loo.csv", model=models)

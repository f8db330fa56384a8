"""The decision layer: regimes simulated ahead of patients under every posterior draw, their utility, what to choose.

regimes    the rules of the config, and the faults in them
people     what the posterior knows of the patients ahead of whom regimes are simulated
records    what the path reads
path       patients under regimes: tests, doses, probabilities of the states on their paths, many paths abreast (numba)
outcomes   all paths of a chunk of draws, averaged over patients
utility    outcomes weighed by the config
choice     the best regime, how sure that is, and what it would be worth to know more
support    which regimes the data visited, and which parameters are the prior's
worked     one patient under a few regimes
"""

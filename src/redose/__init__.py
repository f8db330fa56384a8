"""Bayesian joint models of progression-free intervals, MRD and dosing for redosable cell products."""

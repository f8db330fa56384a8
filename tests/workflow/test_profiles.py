"""Profiles say where jobs run and nothing of the analysis."""

import pytest
import smallest
import yaml

PROFILES = smallest.ROOT / "profiles"


@pytest.mark.parametrize("engine", ["default", "slurm", "generic", "kubernetes"])
def test_profiles_hold_machine_settings_only(engine):
    known = yaml.safe_load((PROFILES / engine / "profile.yaml").read_text())
    science = {"config", "configfile", "configfiles", "rerun-triggers", "default-resources", "snakefile", "set-scatter"}
    assert not set(known) & science  # and a site's own default-resources are left to it
    assert known["rerun-incomplete"] is True and known["keep-going"] is True

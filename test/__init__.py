"""The tests of `twim`, whose packages mirror its own. CONTRIBUTING.md says how to run them."""

from hypothesis import HealthCheck, settings

# Hypothesis fails a test whose inputs take long to make. On a busy machine that says nothing about the test.
settings.register_profile("twim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("twim")

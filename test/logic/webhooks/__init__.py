"""Deliveries of webhooks, with a clock of the tests' own."""

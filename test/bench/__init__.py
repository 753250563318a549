"""Tests of `bench`: what it understands and how it reports, and its load against real servers for a moment."""

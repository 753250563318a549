"""Requests that the server makes to addresses which others chose."""

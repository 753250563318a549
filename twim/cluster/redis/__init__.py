"""The bus that uses Redis."""

"""The bus that uses UDP broadcast."""

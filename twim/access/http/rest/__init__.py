"""The areas of REST."""

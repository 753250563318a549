"""The storage on a database server: MySQL, MariaDB or PostgreSQL."""

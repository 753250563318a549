"""Everything that relies on private parts of other libraries, each behind a small named function or class.

Nothing outside this package touches a private name of Twisted, Autobahn or Alembic; a test says so. Each module names
the version whose behaviour it relies on and links the source. `shortcuts` lists those uses that only save time and can
be switched off one by one; `selfcheck` compares what they assume with the installed versions when the server starts.
"""

"""The command `twim`: everything that an operator does, beside a running server or without one.

`main` reads the command line (`parsing`) and runs one of the `Command`s that the modules here declare. What changes or
lists something that a server has is an act of `twim.logic.administration`; `acting` has it carried out by the running
server or, where there is none, by a node of its own (`alone`). `screen` shows what came of it.
"""

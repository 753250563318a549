"""What administrators may do, each as an act with a name: for the pages, for JSON and for the command.

`acts` lists the acts with what they are told, and `values` says what that is. `administration` carries them out.
"""

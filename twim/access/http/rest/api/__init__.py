"""``/api/v1``: users, groups and messages for other programs, which name themselves by a key.

`calling` has what all routes have in common: the key and its scopes, the JSON of a request, and answers that are kept
for requests that are sent again.
"""

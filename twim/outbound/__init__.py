"""HTTP requests that the server itself makes to addresses which others chose: hosts, administrators, browsers.

Whoever chooses the address must not reach through us what they can't reach themselves, the network that we stand in:
`addresses` says which addresses anybody may reach, `requests` connects to no other.
"""

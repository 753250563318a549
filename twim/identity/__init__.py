"""Who somebody else says that a person is: tokens that a host signs (JWT), and providers of log-ins (OpenID Connect).

It knows nothing of our users. `sources` reads what is configured, `keys` and `key_sets` have what signatures are
verified by, `tokens` verifies, `provider` asks a provider, `pending` remembers who is on the way there and back.
"""

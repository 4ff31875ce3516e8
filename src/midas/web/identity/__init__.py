"""Signing in: local accounts, second factors, providers (OpenID Connect), invitations and recovery, on django-allauth.

In come a request and what a person knows or holds; out goes a session of one account. Every change of an account goes
through `deeds`, in one transaction with its row of the ledger.
"""

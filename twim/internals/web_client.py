"""The failure of twisted.web's client that it exports from no public module.

It relies on Twisted 26.10: https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/web/_newclient.py
"""

from __future__ import annotations

from twisted.web._newclient import RequestNotSent

__all__ = ["RequestNotSent"]

"""Access tokens: issued by local Azure's own login endpoints, and checked by ARM and by storage."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

import jwt

from localazure.identity import ACCESS_TOKEN, CLIENT_ID, TENANT_ID

LIFETIME: Final = 86_400
"""Seconds, as of a managed identity's token."""
_ALGORITHM: Final = "HS256"


class TokenError(Exception):
    """A token that isn't accepted; the text says why, without the token."""


class Tokens:
    """Tokens signed with one key, which storage knows, too."""

    def __init__(self, key: str) -> None:
        self._key = key

    def issue(self, principal: str, client: str, audience: str, *, lifetime: int = LIFETIME) -> str:
        """A token of a principal (its object id) and its client id, for the service that the audience names."""
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": f"https://sts.localhost/{TENANT_ID}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": client,
            "oid": principal,
            "sub": principal,
            "tid": TENANT_ID,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def principal(self, token: str, audiences: Collection[str]) -> str:
        """The object id of the principal that a token for one of these audiences is of. Raises TokenError.

        The fixed token is the deployer's, for whatever audience.
        """
        if token == ACCESS_TOKEN:
            return CLIENT_ID
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=list(audiences),
                options={"require": ["exp", "oid"]},
            )
        except jwt.InvalidTokenError as error:
            raise TokenError(str(error)) from error
        return str(claims["oid"])

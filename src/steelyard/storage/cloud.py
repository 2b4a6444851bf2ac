"""Buckets and containers of others that attachments may be read from: those that the operator listed, with credentials of theirs.

Reading only. The addresses contacted are the operator's (`STEELYARD_CLOUD_STORES`), never the customer's, who names an object in a
listed bucket and no more; so the guard for customers' addresses has no part in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import obstore
import structlog
from msgspec import Struct
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from steelyard.errors import TooLarge
from steelyard.settings import CloudStore, SettingsError

SCHEMES = ("s3", "gs", "az", "azure")
_CHUNK = 256 * 1024
_PARTS = "The URL's key has empty, `.` or `..` parts."
_log = structlog.get_logger()


class CloudFailed(Exception):
    """An object could not be read. `status` is what a task's `statusCode` says; `transient`: the same may succeed later."""

    def __init__(self, status: int, message: str, *, transient: bool = False):
        super().__init__(message)
        self.status, self.message, self.transient = status, message, transient


class CloudDownload:
    """An object being read. Iterate `chunks()` once; `content_type` is what the store says, "" if nothing."""

    def __init__(self, result: obstore.GetResult, url: str):
        self._result, self._url = result, url
        self.content_type = str(result.attributes.get("Content-Type", "")).split(";")[0].strip().lower()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content in pieces of about 256 KiB. Raises CloudFailed when it breaks off."""
        try:
            async for chunk in self._result.stream(min_chunk_size=_CHUNK):
                yield bytes(chunk)
        except (BaseError, OSError) as e:
            raise _translated(e, self._url) from e


class _Opened(Struct, frozen=True):
    bucket: str
    prefix: str
    accounts: tuple[str, ...] | None
    store: ObjectStore


class CloudStores:
    """The listed buckets."""

    def __init__(self, listed: Sequence[CloudStore]):
        """Contacts nobody. Raises SettingsError for options that a store does not know or that do not suffice."""
        self._opened = [_open(entry) for entry in listed]
        # Of several that fit, the one with the longest prefix counts.
        self._opened.sort(key=lambda opened: -len(opened.prefix))

    def _find(self, url: str, account: str) -> tuple[ObjectStore, str]:
        # By hand: keys may hold `?`, `#` and `%`, which mean nothing in them.
        scheme, _, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        where = f"{_canonical(scheme)}://{bucket}"
        if not bucket or not key or key.endswith("/"):
            # An empty key would be answered with a listing of the bucket.
            raise CloudFailed(400, f"The URL must name an object: {scheme}://bucket/key.")
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise CloudFailed(400, _PARTS)
        for opened in self._opened:
            if opened.bucket == where and key.startswith(opened.prefix):
                if opened.accounts is None or account in opened.accounts:
                    return opened.store, key
                break
        raise CloudFailed(
            403,
            f"This server may not read this from {where}; ask its operator to list it in STEELYARD_CLOUD_STORES, or give a "
            "pre-signed https:// address.",
        )

    @asynccontextmanager
    async def get(
        self, url: str, *, account: str, max_bytes: int, timeout_s: float
    ) -> AsyncGenerator[CloudDownload]:
        """Reads `scheme://bucket/key` for an account, by its name. Raises CloudFailed, and TooLarge beyond `max_bytes`.

        `timeout_s` covers everything up to the last byte.
        """
        store, key = self._find(url, account)
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    result = await obstore.get_async(store, key)
                except ValueError:
                    raise CloudFailed(400, _PARTS) from None
                except (BaseError, OSError) as e:
                    raise _translated(e, url) from e
                if result.meta["size"] > max_bytes:
                    raise TooLarge(f"The file is larger than {max_bytes} bytes.")
                yield CloudDownload(result, url)
        except TimeoutError:
            raise CloudFailed(500, f"No complete answer within {timeout_s:g} s.", transient=True) from None


def _canonical(scheme: str) -> str:
    scheme = scheme.lower()
    return "az" if scheme == "azure" else scheme


def _open(entry: CloudStore) -> _Opened:
    scheme, _, rest = entry.url.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    where = f"{_canonical(scheme)}://{bucket}"
    try:
        store = from_url(  # pyright: ignore[reportCallIssue]  # the options' keys are checked by the store itself
            where,
            config=entry.options,  # pyright: ignore[reportArgumentType]
            client_options={"allow_http": True, "connect_timeout": timedelta(seconds=10)},
            # Short, for a task's attachments have rounds of their own.
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=15)},
        )
    except (BaseError, ValueError, TypeError) as e:
        reason = str(e).partition("\n")[0]
        raise SettingsError(f"STEELYARD_CLOUD_STORES: {entry.url} cannot be used: {reason}") from None
    return _Opened(where, prefix + "/" if prefix else "", entry.accounts, store)


def _translated(e: BaseException, url: str) -> CloudFailed:
    """What a store's failure means, in words without endpoints or keys; those are logged for the operator."""
    if isinstance(e, FileNotFoundError):
        return CloudFailed(404, "The object was not found.")
    _log.warning("cloud store failed", url=url, error=str(e).partition("\n")[0][:500])
    if isinstance(e, PermissionDeniedError):
        return CloudFailed(403, "The store refuses to let this server read the object.")
    if isinstance(e, UnauthenticatedError):
        return CloudFailed(401, "The store does not accept this server's credentials.")
    return CloudFailed(500, "The store could not be reached or failed.", transient=True)

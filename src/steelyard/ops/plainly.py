"""What people can mend is told in one message, without a traceback."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

from steelyard.db.datadir import DatabaseError, out_of_reach
from steelyard.errors import SteelyardError
from steelyard.settings import SettingsError


@contextmanager
def plainly(*more: type[Exception]) -> Generator[None]:
    """Ends the process with a message for settings, databases, disks and rights that are not as they must be, and for `more`."""
    try:
        yield
    except (SettingsError, DatabaseError, *more) as error:
        raise SystemExit(f"steelyard: {error}") from None
    except SteelyardError as error:
        raise SystemExit(f"steelyard: {error.message}") from None
    except PermissionError as error:
        raise SystemExit(f"steelyard: {out_of_reach(error)}") from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        where = f" ({error.filename})" if error.filename else ""
        raise SystemExit(f"steelyard: {error.strerror}{where}.") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None

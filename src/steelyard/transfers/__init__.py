"""Work on many objects in the background, with its progress: imports, exports, replays of callbacks."""

from steelyard.transfers.run import run_transfer
from steelyard.transfers.start import (
    RUN_TRANSFER,
    ExportOptions,
    ImportOptions,
    RunTransfer,
    TransferPage,
    cancel_transfer,
    get_transfer,
    list_transfers,
    start_export,
    start_import,
    start_replay,
)

__all__ = [
    "RUN_TRANSFER",
    "ExportOptions",
    "ImportOptions",
    "RunTransfer",
    "TransferPage",
    "cancel_transfer",
    "get_transfer",
    "list_transfers",
    "run_transfer",
    "start_export",
    "start_import",
    "start_replay",
]

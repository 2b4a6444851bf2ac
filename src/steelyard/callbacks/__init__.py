"""Callbacks: delivery of what customers are to be told, the log of every try, resending (platform-api §17)."""

from steelyard.callbacks.deliver import send_callback
from steelyard.callbacks.resend import resend

__all__ = ["resend", "send_callback"]

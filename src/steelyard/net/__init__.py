"""Outbound HTTP to addresses that customers supply."""

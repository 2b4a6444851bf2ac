"""Running an installation: processes, backup, diagnosis, accounts and keys from the command line."""

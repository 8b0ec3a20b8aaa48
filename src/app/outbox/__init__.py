"""What lies in the outbox: reading journals, status, and what is queued again."""

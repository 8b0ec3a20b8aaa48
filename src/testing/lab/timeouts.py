"""How long the lab waits before it calls something hung.

The one rule: no test is faster or slower by this. What is waited for wakes whoever waits.
"""

#: Real seconds after which something that should have happened counts as hung.
HANG_TIMEOUT = 60.0

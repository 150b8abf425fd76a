"""The kernel: processes, scheduler, descriptors, file systems, system calls. Pure Python.

It knows neither WebAssembly nor ctypes: whoever executes guests implements `guest.Image` and `guest.Guest`.
Open first: `system_calls` (the table), `border` (the way in), `scheduler` (the loop).
"""

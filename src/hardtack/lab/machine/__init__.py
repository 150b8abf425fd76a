"""A kernel with guests in Python, and what its system calls are measured to take: tests use it, too."""

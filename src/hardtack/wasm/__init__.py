"""Guests that are WebAssembly: programs checked, compiled and run on wasmtime, as fibers.

`imports` says what a host function is, `engine` runs guests, `modules` checks and compiles programs. What a
system call does is none of this package's business: it is given ready functions to call.
"""

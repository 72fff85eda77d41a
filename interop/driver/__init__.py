"""Driver of the interop suite: runs the apps in `interop/apps`, records what they send, compares what Causeline answers.

Reading order: `main` (the flow), `languages` (what can be run), `apps` and `causeline` (the processes), `sink` and
`wire` (the two recorders), `traces` (OTLP messages and both read-back forms), `compare`, `coverage`, `selftest`.
"""

"""Scoring the agent on labelled pictures: `make eval` (models/evaluate.py) is its command line.

labels -> run -> plan -> bootstrap -> report, charts, sheet, compare: each a module with one idea. A resample is a row
of weights (how often each picture was drawn), every measure is a function of such rows, so the figure itself (all
weights one), its interval and its paired difference from another run are the same code.
"""

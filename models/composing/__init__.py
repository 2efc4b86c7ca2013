"""Clips put together from labelled pictures, whose seconds per state are known: does the judge count them right?"""

"""Fakes that work: every port in memory, under the same contract as the real ones."""

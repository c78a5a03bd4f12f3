"""The parts of play.py."""

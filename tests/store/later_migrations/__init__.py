"""The migrations of an imagined later version of Twofold."""

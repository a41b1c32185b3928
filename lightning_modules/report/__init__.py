"""The results of a run: summary, predictions, pictures, and an HTML page of all of it."""

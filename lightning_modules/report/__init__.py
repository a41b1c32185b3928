"""What a run leaves behind: summary, predictions, pictures, and an HTML page of all of it."""

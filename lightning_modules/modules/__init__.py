"""The LightningModules, one per task, with a folder for the parts of each."""

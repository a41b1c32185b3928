"""The LightningDataModules: where examples come from."""

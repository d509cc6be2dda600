"""The check of a data set: facts about its files, and what they mean."""

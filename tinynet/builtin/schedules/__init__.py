"""The built-in learning-rate schedules: factors of the optimizer's rate, by step."""

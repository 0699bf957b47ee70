"""The time and memory of training steps, recorded without a change of the steps.

While a step is recorded, methods of the objects that compute it are replaced by versions that note
when they start and end; see `tinynet.profiling.places`. All other steps run as without a profile.
"""

"""The conformance kit for layers: a named check for each promise of the protocol."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.testing import (
    layer_engine,
    layer_incremental,
    layer_masks,
    layer_numbers,
    layer_outputs,
    layer_padding,
    layer_purity,
    layer_shards,
    layer_structure,
)
from tinynet.testing.arrays import dtype_names
from tinynet.testing.checks import Check, checks_of, run_all
from tinynet.testing.configs import Options
from tinynet.testing.layer_case import LayerCase
from tinynet.testing.masks import mask_problem, masked_sequences
from tinynet.types import Array, Shape

LAYER_CHECKS = (
    layer_structure.config,
    layer_structure.arrays_from_build,
    layer_structure.dry_build,
    layer_structure.repeatable_build,
    layer_structure.out_shape,
    layer_outputs.out_shapes,
    layer_structure.gradient_structure,
    layer_structure.dtypes,
    layer_structure.cost,
    layer_purity.pure_forward,
    layer_purity.pure_backward,
    layer_purity.repeatable_forward,
    layer_purity.repeatable_backward,
    layer_purity.interleaved_passes,
    layer_purity.global_randomness,
    layer_purity.evaluation_draws_nothing,
    layer_purity.backward_draws_nothing,
    layer_purity.hidden_state,
    layer_purity.commit_changes_buffers,
    layer_numbers.gradients,
    layer_outputs.outputs_without_gradient,
    layer_numbers.batch_of_one,
    layer_numbers.large_values,
    layer_numbers.memory_layout,
    layer_numbers.per_sample,
    layer_engine.needs_honoured,
    layer_engine.keep_false,
    layer_engine.recycled_memory,
    layer_engine.replayed,
    layer_shards.several_shards,
    layer_shards.merged_summaries,
    layer_incremental.incremental,
    layer_engine.archive_round_trip,
    layer_engine.resumed_run,
)

MASK_CHECKS = (
    layer_masks.masked_values,
    layer_masks.masked_gradients,
    layer_masks.empty_mask,
    layer_masks.full_mask,
    layer_padding.padding,
)
"""The further checks of a layer with a mask."""


def layer_checks(
    layer_class: type[Any],
    options: Options,
    in_shapes: Sequence[Shape],
    *,
    inputs: Sequence[Array] | None = None,
    mask: int | Mapping[int, int] | None = None,
    dtypes: Sequence[str] = ("float32", "float64"),
    batch: int = 4,
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one layer class with one config.

    Args:
        layer_class: The class.
        options: Its config, or its options as in a spec: ``{"units": 3}``.
        in_shapes: Shape of one sample of each input.
        inputs: For each input an array (M, *in_shape) of samples to choose from, for layers that
            take integers only, or numbers of a certain range. They are cast to the tested dtype,
            except integers if the class has ``integer_inputs``; these need no gradient.
        mask: Number of the input that is a mask (N, T) of the time steps of input 0 (N, T, ...): 1
            for ``"inputs": ["embedding_1", "mask_1"]``. Or a dict of several such numbers, each
            with the number of the input that it masks: ``{2: 0, 3: 1}``. The kit draws masks of
            full, empty and shorter samples itself. Axes of outputs that have the length T are
            taken for time steps, so let no other axis have it.
        dtypes: The dtypes that the layer computes in.
        batch: Samples in a pass, at least 4.
        seed: The seed of everything that the checks draw.

    Raises:
        ValueError: for fewer than 4 samples, inputs or masks of other shapes, or ``dtypes`` that
            are a single string.
    """
    case = LayerCase(
        layer_class,
        options,
        tuple(tuple(shape) for shape in in_shapes),
        None if inputs is None else tuple(np.asarray(samples) for samples in inputs),
        masked_sequences(mask),
        dtype_names(dtypes),
        batch,
        seed,
    )
    _require_usable(case)
    functions = (*LAYER_CHECKS, *MASK_CHECKS) if case.masks else LAYER_CHECKS
    return checks_of(layer_class.__name__, case, functions)


def _require_usable(case: LayerCase) -> None:
    if case.batch < 4:
        raise ValueError(f"batch is {case.batch}; the checks need at least 4 samples")
    shapes = None if case.inputs is None else tuple(a.shape[1:] for a in case.inputs)
    if shapes is not None and shapes != case.in_shapes:
        raise ValueError(f"inputs hold samples of shapes {shapes}; in_shapes are {case.in_shapes}")
    if problem := mask_problem(case.in_shapes, case.masks):
        raise ValueError(problem)


def check_layer(
    layer_class: type[Any], options: Options, in_shapes: Sequence[Shape], **kwargs: Any
) -> None:
    """Run all of `layer_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(layer_checks(layer_class, options, in_shapes, **kwargs))
